"""What a job costs: speed, memory, resuming after a kill, listing a large folder.

    python benchmarks/job.py [--documents 10000] [--files 100000]

Annotates a CSV of short invented notes with the bundled model, as `farmaner annotate` does: all
of them and a tenth of them with one worker, all with two, and all with one worker that is killed
half way and resumed. Peak memory is that of all processes of the job together, sampled from
/proc twenty times a second. Then lists a folder of empty texts.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

DRUGS = "enalapril metformina omeprazol amoxicilina furosemida atorvastatina paracetamol".split()
TESTS = "creatinina potasio hemoglobina ferritina troponina albúmina PCR TSH".split()
REASONS = "disnea|dolor torácico|fiebre sin foco|caída casual|control de crónicos|mareo".split("|")


@dataclass(frozen=True, slots=True)
class Run:
    seconds: float
    peak_mb: float
    code: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--only", choices=["tenth", "one", "two", "killed", "list"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        table = Table("job", "documents", "seconds", "documents/s", "characters/s", "peak MB")
        for name in [given.only] if given.only else ["tenth", "one", "two", "killed"]:
            if name != "list":
                job(table, name, Path(place), given.documents)
        Console(width=100).print(table)
        outputs = {digest(path) for path in Path(place).glob("all-*.jsonl")}
        print(f"different outputs of the same documents: {len(outputs)}")
        list_folder(Path(place) / "carpeta", given.files)
    return 0


def job(table: Table, name: str, folder: Path, n_documents: int) -> None:
    """Run a job and add it to the table."""
    if name == "tenth":
        n_documents //= 10
    source = folder / f"{n_documents}.csv"
    n_characters = write_notes(source, n_documents)
    output = folder / ("tenth.jsonl" if name == "tenth" else f"all-{name}.jsonl")
    if name != "killed":
        options = ["--workers", "2"] if name == "two" else []
        label = {"tenth": "one worker, a tenth", "one": "one worker", "two": "two workers"}[name]
        add(table, label, n_documents, n_characters, annotate(source, output, *options))
        return
    run = annotate(source, output, kill_at=n_documents // 2)
    n_noted = n_done(Path(f"{output}.job"))
    add(table, "killed half way", n_noted, n_characters * n_noted // n_documents, run)
    n_left = n_documents - n_noted
    run = annotate(source, output, "--resume")
    add(table, "and resumed", n_left, n_characters * n_left // n_documents, run)


def write_notes(path: Path, n_documents: int) -> int:
    """Write invented notes; return their number of characters."""
    randomly = random.Random(7)  # noqa: S311
    n_characters = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        for number in range(n_documents):
            first, second = randomly.sample(DRUGS, 2)
            text = (
                f"Acude por {randomly.choice(REASONS)}. {randomly.choice(TESTS)} "
                f"{randomly.uniform(0.5, 15):.1f}. En tratamiento con {first} "
                f"{randomly.choice((5, 10, 20, 500))} mg/{randomly.choice((8, 12, 24))} h; se "
                f"añade {second}. Niega otras alergias. Control en {randomly.randint(1, 12)} meses."
            )
            n_characters += len(text)
            writer.writerow([number, text])
    return n_characters


def annotate(source: Path, output: Path, *options: str, kill_at: int | None = None) -> Run:
    """Run a job in a process of its own, and kill it as soon as so many documents are noted."""
    command = [sys.executable, "-m", "farmaner", "annotate", str(source), "-o", str(output)]
    began = time.perf_counter()
    process = subprocess.Popen([*command, *options])
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(resident, family(process.pid))))
        if kill_at is not None and n_done(Path(f"{output}.job")) >= kill_at:
            process.kill()
        time.sleep(0.05)
    return Run(time.perf_counter() - began, peak / 2**20, process.returncode)


def n_done(job: Path) -> int:
    from farmaner.jobs.manifest import JobFolder

    folder = JobFolder(job)
    return sum(done.n_items for done in folder.done()) if folder.exists() else 0


def family(pid: int) -> list[int]:
    """Return a process and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [pid, *(int(child) for child in children)]


def resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def add(table: Table, name: str, n_documents: int, n_characters: int, run: Run) -> None:
    figures = (n_documents / run.seconds, n_characters / run.seconds, run.peak_mb)
    table.add_row(
        name, f"{n_documents:,}", f"{run.seconds:.1f}", *(f"{figure:,.0f}" for figure in figures)
    )


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def list_folder(folder: Path, n_files: int) -> None:
    from farmaner.jobs.inputs import Inputs, Listing

    folder.mkdir()
    for number in range(n_files):
        (folder / f"{number * 7919 % n_files:09}.txt").touch()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    with Listing(Inputs((str(folder),)).files()):
        seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    print(f"a folder of {n_files:,} texts listed in {seconds:.1f} s, memory grown by {grown} MB")


if __name__ == "__main__":
    sys.exit(main())
