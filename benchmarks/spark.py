"""Spark: how much faster two cores are than one, what a worker holds, and whether it is right.

    python benchmarks/spark.py [--documents 1000] [--masters local[1] local[2]]
    python benchmarks/spark.py --check [--documents 10000]

The first annotates the example notes, again and again, with each master in turn, after a round
that starts the workers and loads their models, and throws the answers away. Memory is the most
that a Python worker had resident, sampled twenty times a second. The second takes the lines of
the notes for documents, numbered so that no two are equal, and compares the entities with those
of `farmaner annotate`. Needs the extra spark, and Java 17 or later.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from job import resident

NOTES = Path(__file__).parents[1] / "examples" / "notes"
TASKS_A_CORE = 8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int)
    parser.add_argument("--masters", nargs="+", default=["local[1]", "local[2]"])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if find_spec("pyspark") is None or shutil.which("java") is None:
        print("Spark is not measured: it needs the extra spark, and Java on the path")
        return 0
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if given.measure:
        print(json.dumps(measure(given.measure, given.documents)))
        return 0
    if given.check:
        return check(given.masters[-1], given.documents or 10_000)
    compare(given.masters, given.documents or 1000)
    return 0


def compare(masters: list[str], n_documents: int) -> None:
    """Print a row for each master, each in a process of its own, and its ratio to the first."""
    table = Table("master", "documents/s", "characters/s", "a worker's peak MB", "ratio")
    first = 0.0
    for master in masters:
        command = [sys.executable, __file__, "--measure", master, "--documents", str(n_documents)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        speed = n_documents / found["seconds"]
        first = first or speed
        characters = found["n_characters"] / found["seconds"]
        figures = (f"{speed:.1f}", f"{characters:,.0f}", f"{found['peak_mb']:.0f}")
        table.add_row(master.replace("[", r"\["), *figures, f"{speed / first:.2f}")
        print(master, *figures, file=sys.stderr, flush=True)
    Console(width=100).print(table)


def measure(master: str, n_documents: int) -> dict[str, float]:
    """Annotate whole notes with one master."""
    from farmaner.integrations.spark import annotate

    session = start(master)
    texts = list(islice(cycle(whole_notes()), n_documents))
    rows = [(str(number), text) for number, text in enumerate(texts)]
    n_tasks = TASKS_A_CORE * session.sparkContext.defaultParallelism
    notes = session.createDataFrame(rows, "id string, text string").repartition(n_tasks).cache()
    notes.count()
    warm = session.createDataFrame(rows[:n_tasks], "id string, text string").repartition(n_tasks)
    throw_away(annotate(warm))
    with Peak() as peak:
        began = time.perf_counter()
        throw_away(annotate(notes))
        seconds = time.perf_counter() - began
    session.stop()
    n_characters = sum(map(len, texts))
    return {"seconds": seconds, "n_characters": n_characters, "peak_mb": peak.n_bytes / 2**20}


def check(master: str, n_documents: int) -> int:
    """Compare the entities of lines with those of `farmaner annotate`; return 1 if any differ."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from farmaner.integrations.spark import annotate

    lines = [line for text in whole_notes() for line in text.splitlines() if line.strip()]
    texts = (f"{number}. {line}" for number, line in enumerate(islice(cycle(lines), n_documents)))
    rows = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        source, output = f"{folder}/notes.parquet", f"{folder}/annotated.parquet"
        pq.write_table(pa.Table.from_pylist(rows), source)
        by_command, _ = timed(lambda: run_command(source, output))
        expected = {row["id"]: row["entities"] for row in pq.read_table(output).to_pylist()}
        session = start(master)
        frame = annotate(session.read.parquet(source).repartition(16))
        with Peak() as peak:
            by_spark, answered = timed(frame.collect)
        found = {row.id: [e.asDict() for e in row.entities or ()] for row in answered}
        n_failed = sum(row.error is not None for row in answered)
        session.stop()
    n_different = sum(found.get(id_) != entities for id_, entities in expected.items())
    n_entities = sum(map(len, expected.values()))
    print(f"{len(found):,} documents, {n_entities:,} entities, {n_failed} documents failed")
    print(f"farmaner annotate took {by_command:.0f} s, Spark on {master} {by_spark:.0f} s")
    print(f"a Python worker held at most {peak.n_bytes / 2**20:.0f} MB")
    print(f"documents whose entities differ: {n_different}")
    return int(n_different > 0 or len(found) != n_documents)


def run_command(source: str, output: str) -> None:
    command = [sys.executable, "-m", "farmaner", "annotate", source, "--output", output]
    subprocess.run(command, check=True)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


def start(master: str) -> Any:
    from pyspark.sql import SparkSession

    quiet = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
    return quiet.config("spark.ui.showConsoleProgress", "false").getOrCreate()


def throw_away(frame: Any) -> None:
    frame.write.format("noop").mode("overwrite").save()


def whole_notes() -> list[str]:
    return [path.read_bytes().decode("utf-8") for path in sorted(NOTES.glob("*.txt"))]


class Peak:
    """The most bytes that one Python worker below this process had resident."""

    def __init__(self) -> None:
        self.n_bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            self.n_bytes = max(self.n_bytes, *map(resident, workers(os.getpid())), 0)


def workers(pid: int) -> Iterator[int]:
    """Yield the processes below one that are Python workers of Spark."""
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text(encoding="ascii").split()
        ]
        if "pyspark.daemon" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8"):
            yield pid
    except OSError:
        return
    for child in children:
        yield from workers(child)


if __name__ == "__main__":
    sys.exit(main())
