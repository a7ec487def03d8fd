"""One Spark for all its tests, notes in Parquet, and what `farmaner annotate` finds in them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from farmaner.cli import run

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOTES = Path(__file__).parents[3] / "examples" / "notes"
Found: TypeAlias = dict[str, list[dict[str, Any]] | None]
"""The entities of each document by its id."""


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A Spark in this process, of two cores; a task that fails is tried again."""
    pytest.importorskip("pyspark", reason="needs Spark: pip install 'farmaner[spark]'")
    if shutil.which("java") is None:
        pytest.skip("no Java on the path: Spark does not run")
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = (
            SparkSession.builder.master("local[2,4]")
            .config("spark.driver.extraJavaOptions", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
            .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .getOrCreate()
        )
        yield session
        session.stop()


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    return {path.stem: path.read_bytes().decode() for path in sorted(NOTES.glob("*.txt"))}


@pytest.fixture(scope="session")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `farmaner annotate --link` makes of the notes, in Parquet."""
    pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'farmaner[tables]'")
    file = tmp_path_factory.mktemp("annotate") / "notas.parquet"
    assert run(["annotate", str(NOTES), "-o", str(file), "--link"]) == 0
    return file


@pytest.fixture(scope="session")
def linked(annotated: Path) -> Found:
    import pyarrow.parquet as pq

    return {row["id"]: row["entities"] for row in pq.read_table(annotated).to_pylist()}


@pytest.fixture(scope="session")
def unlinked(linked: Found) -> Found:
    none = {"code": None, "code_score": None}
    return {id_: [entity | none for entity in found or ()] for id_, found in linked.items()}


def found_in(rows: list[Any]) -> Found:
    """Return what Spark's rows hold, each id being there once and none having failed."""
    assert [row.error for row in rows if row.error] == []
    assert len({row.id for row in rows}) == len(rows)
    return {row.id: [entity.asDict() for entity in row.entities] for row in rows}


def processes(*words: str, below: int) -> list[int]:
    """Return the processes below one whose command line has all these words, newest last."""
    parents: dict[int, int] = {}
    commands: dict[int, str] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            status = (place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            commands[int(place.name)] = (place / "cmdline").read_text(encoding="utf-8")
        except OSError:
            continue
        if status[0] != "Z":
            parents[int(place.name)] = int(status[1])

    def is_below(pid: int) -> bool:
        return pid in parents and (parents[pid] == below or is_below(parents[pid]))

    return sorted(
        pid for pid in parents if is_below(pid) and all(word in commands[pid] for word in words)
    )


def no_proc() -> bool:
    return not os.path.exists("/proc/self/stat")  # noqa: PTH110
