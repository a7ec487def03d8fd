"""A job from Parquet to Parquet: in parts, resumed, refused; on a cluster, killed."""

from __future__ import annotations

import os
import platform
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.integrations.spark.conftest import Found, found_in, no_proc, processes

from farmaner.integrations.spark import __main__ as command
from farmaner.integrations.spark import frame

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.slow
Captured = pytest.CaptureFixture[str]
N_PARTS = 2


@pytest.fixture
def notes(tmp_path: Path, texts: dict[str, str]) -> Path:
    """A folder with a file for each of two parts, which a scan that no one reads fills up."""
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'farmaner[spark]'")
    import pyarrow.parquet as pq

    (folder := tmp_path / "notas").mkdir()
    scan = random.Random(1).randbytes(1 << 20)  # noqa: S311
    rows: list[dict[str, Any]] = [
        {"nhc": id_, "año": 2024, "nota": text, "escaneo": None} for id_, text in texts.items()
    ]
    for number in range(N_PARTS):
        part = rows[number::N_PARTS]
        part[0]["escaneo"] = scan
        pq.write_table(pa.Table.from_pylist(part), folder / f"{number}.parquet")
    return folder


def arguments(notes: Path, output: Path, *options: str) -> list[str]:
    columns = ["--text-column", "nota", "--id-column", "nhc"]
    return [str(notes), str(output), *columns, "--part-mb", "1", "--task-documents", "5", *options]


def rows_of(spark: SparkSession, output: Path) -> list[Any]:
    return spark.read.parquet(str(output)).withColumnRenamed("nhc", "id").collect()


def modified(output: Path) -> dict[str, int]:
    paths = [path for path in output.rglob("*") if path.is_file()]
    return {str(path.relative_to(output)): path.stat().st_mtime_ns for path in paths}


def test_a_job_writes_its_parts_and_a_second_run_only_what_is_missing(
    spark: SparkSession, notes: Path, tmp_path: Path, unlinked: Found, capsys: Captured
) -> None:
    asked = arguments(notes, tmp_path / "salida", "--keep", "año")

    assert command.run_command(asked) == 0

    told = capsys.readouterr().err.splitlines()
    assert told[0] == "farmaner: 0 of 2 parts are done"
    assert sorted(told[1:3]) == [
        f"farmaner: part={number:05} is done: 21 documents" for number in range(N_PARTS)
    ]
    assert told[3] == "farmaner: 42 documents are annotated"
    rows = rows_of(spark, tmp_path / "salida")
    assert rows[0].__fields__ == ["id", "año", "entities", "error", "part"]
    assert found_in(rows) == unlinked

    (tmp_path / "salida" / "part=00001" / "_SUCCESS").unlink()
    before = modified(tmp_path / "salida" / "part=00000")
    assert command.run_command(asked) == 0
    assert capsys.readouterr().err.splitlines() == [
        "farmaner: 1 of 2 parts are done",
        "farmaner: part=00001 is done: 21 documents",
        "farmaner: 42 documents are annotated",
    ]
    assert modified(tmp_path / "salida" / "part=00000") == before
    assert rows_of(spark, tmp_path / "salida") == rows

    whole = modified(tmp_path / "salida")
    for option, message in (
        (["--keep", "nota"], "expected the --keep that the job began with, found another"),
        (["--keep", "año", "--link"], "expected the --link that the job began with, found another"),
    ):
        assert command.run_command(arguments(notes, tmp_path / "salida", *option)) == 1
        assert capsys.readouterr().err == (
            f"farmaner: file:{tmp_path}/salida: {message}; "
            "go on with the same, or begin in another folder\n"
        )
    os.utime(notes / "0.parquet")
    assert command.run_command(asked) == 1
    assert capsys.readouterr().err == (
        f"farmaner: file:{notes}/0.parquet: expected the file that the job began with, found it "
        "changed or gone; begin in another folder\n"
    )
    assert modified(tmp_path / "salida") == whole


def test_documents_that_fail_are_counted_and_the_job_is_incomplete(
    spark: SparkSession, tmp_path: Path, capsys: Captured
) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    rows = [{"id": 1, "text": "Niega alergia a penicilina."}, {"id": 2, "text": None}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "notas.parquet")

    assert command.run_command([f"{tmp_path}/notas.parquet", f"{tmp_path}/salida"]) == 1

    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "farmaner: 1 of 2 documents failed; `error` says why"
    found = sorted(rows_of(spark, tmp_path / "salida"))
    assert [(row.id, row.entities and row.entities[0].text, row.error) for row in found] == [
        (1, "penicilina", None),
        (2, None, 'expected a text under "text", found nothing'),
    ]


def test_what_cannot_be_a_job_is_refused_and_nothing_is_written(
    spark: SparkSession, notes: Path, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "otra").mkdir()
    (tmp_path / "otra" / "informe.docx").touch()
    (tmp_path / "vacía").mkdir()
    output = tmp_path / "salida"
    columns = "nhc, año, nota, escaneo"
    for source, written, options, message in (
        (
            notes,
            output,
            ["--text-column", "texto"],
            f"DataFrame: expected a column 'texto', found the columns {columns}",
        ),
        (notes, output, ["--keep", "sala"], f"--keep: expected one of {columns}, found 'sala'"),
        (
            tmp_path / "vacía",
            output,
            [],
            f"file:{tmp_path}/vacía: expected Parquet files, found none",
        ),
        (
            tmp_path / "no",
            output,
            [],
            f"file:{tmp_path}/no: expected a file or a folder, found: FileNotFoundException",
        ),
        (
            notes,
            tmp_path / "otra",
            [],
            f"file:{tmp_path}/otra: expected a new folder or a job of farmaner's, "
            "found other files",
        ),
        (
            notes,
            notes / "salida",
            [],
            f"file:{notes}/salida: expected an output apart from the input, found it inside",
        ),
    ):
        assert command.run_command(arguments(source, written, *options)) == 1
        assert capsys.readouterr().err == f"farmaner: {message}\n"
    assert command.run_command(arguments(tmp_path / "otra", output)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"farmaner: file:{tmp_path}/otra: expected Parquet, found: ")
    assert not output.exists()


def test_a_worker_that_is_not_the_drivers_ends_the_job_in_one_line_and_it_goes_on_when_mended(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    rows = [{"id": "a", "text": "Niega alergia a penicilina."}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "notas.parquet")
    asked = [f"{tmp_path}/notas.parquet", f"{tmp_path}/salida"]
    with monkeypatch.context() as patch:
        patch.setattr(frame, "facts_of", lambda _: (("version of farmaner", "2.0"),))
        assert command.run_command(asked) == 1
    assert capsys.readouterr().err.splitlines() == [
        "farmaner: 0 of 1 parts are done",
        f"farmaner: file:{tmp_path}/salida/part=00000: expected it written, found: worker on "
        f"{platform.node()}: expected the version of farmaner that the driver has, found another",
    ]

    assert command.run_command(asked) == 0
    (row,) = rows_of(spark, tmp_path / "salida")
    assert [entity.text for entity in row.entities] == ["penicilina"]


@contextmanager
def spark_submit(folder: Path, log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Submit the command to a cluster of two workers, whose executors write into a folder."""
    import pyspark

    there = Path(pyspark.__file__).parent
    (home := folder / "spark").mkdir()
    for name in ("bin", "jars", "python", "sbin"):
        (home / name).symlink_to(there / name)
    quick = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.extraJavaOptions": quick,
        "spark.executor.extraJavaOptions": quick,
        "spark.driver.host": "127.0.0.1",
    }
    options = [f"--conf={name}={value}" for name, value in settings.items()]
    main = Path(command.__file__)
    environment = {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(main.parents[3]),
    }
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [
                str(home / "bin/spark-submit"),
                "--master=local-cluster[2,1,1024]",
                *options,
                str(main),
                *arguments,
            ],
            env=os.environ | environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.skipif(no_proc(), reason="needs /proc to find the executors")
def test_on_a_cluster_an_executor_and_then_the_job_are_killed_and_the_rows_are_the_same(
    spark: SparkSession, notes: Path, tmp_path: Path, texts: dict[str, str], linked: Found
) -> None:
    output, log = tmp_path / "salida", tmp_path / "registro.txt"
    asked = arguments(notes, output, "--link", "--parts-at-once", "1", "--task-documents", "2")

    with spark_submit(tmp_path, log, *asked) as process:

        def wait_for(pattern: str) -> None:
            while not next(output.glob(pattern), None):
                assert process.poll() is None, log.read_text()
                time.sleep(0.02)

        wait_for("part=00000/_temporary/0/task_*")
        executors = processes("CoarseGrainedExecutorBackend", below=process.pid)
        os.kill(executors[0], signal.SIGKILL)
        assert not (output / "part=00000" / "_SUCCESS").exists()
        wait_for("part=00000/_SUCCESS")
        os.killpg(process.pid, signal.SIGKILL)

    assert len(executors) == 2
    assert not (output / "part=00001" / "_SUCCESS").exists()
    assert command.run_command(asked) == 0
    assert found_in(rows_of(spark, output)) == linked
    logs = [log, *(tmp_path / "spark" / "work").rglob("std*")]
    assert len(logs) >= 5
    written = "".join(path.read_text(encoding="utf-8", errors="replace") for path in logs)
    lines = {line for text in texts.values() for line in text.splitlines() if len(line) > 20}
    assert [line for line in lines if line in written] == []
