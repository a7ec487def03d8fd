"""A job on Spark: every part that is not done is annotated, and committed on its own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farmaner.errors import ConfigError, JobError
from farmaner.integrations.spark.frame import annotate_as, check_columns, named
from farmaner.integrations.spark.parts import (
    DONE,
    Part,
    SparkJob,
    begun_plan,
    keep_plan,
    new_plan,
)
from farmaner.integrations.spark.storage import Storage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ROWS_IN_A_BATCH = 128
"""What goes to a Python worker at a time: with Spark's own 10,000, large texts fill its memory."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the output holds in the end: its rows, and those of them that failed."""

    n_documents: int
    n_failed: int


def run(spark: SparkSession, job: SparkJob, tell: Callable[[str], None]) -> Outcome:
    """Run a job to its end, or go on with it; `tell` hears a line for every part.

    Raises JobError for what cannot begin, go on or end; parts that are done stay done.
    """
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", _ROWS_IN_A_BATCH)
    source, output = Storage(spark, job.source), Storage(spark, job.output)
    base = source.name if source.is_folder() else None
    plan = begun_plan(job, source, output)
    if plan is None:
        plan = new_plan(job, source)
        with _told(source.name, "Parquet"):
            first = read(spark, [plan.parts[0].files[0].name], base)
            _annotated(first, job, n_tasks=1)  # not run: what will not do is refused
        keep_plan(job, plan, source, output)
    elif plan.n_later_files:
        tell(f"{source.name}: {plan.n_later_files:,} files came later and are no part of the job")
    missing = [part for part in plan.parts if not output.has(f"{part.folder}/{DONE}")]
    tell(f"{len(plan.parts) - len(missing):,} of {len(plan.parts):,} parts are done")
    _write_parts(spark, job, missing, base, output, tell)
    if not output.has(DONE):
        output.write(DONE, b"")
    with _told(output.name, "rows to count"):
        rows = spark.read.parquet(*(f"{output.name}/{part.folder}" for part in plan.parts))
        ((n_documents, n_failed),) = rows.selectExpr("count(*)", "count(error)").collect()
    return Outcome(n_documents, n_failed)


def _write_parts(
    spark: SparkSession,
    job: SparkJob,
    parts: list[Part],
    base: str | None,
    output: Storage,
    tell: Callable[[str], None],
) -> None:
    """Write parts, some at once: where one has no task left to begin, the next fills the cores."""
    with ThreadPoolExecutor(job.parts_at_once) as pool:
        writing = {
            pool.submit(_write, spark, job, part, base, f"{output.name}/{part.folder}"): part
            for part in parts
        }
        try:
            for one in as_completed(writing):
                tell(f"{writing[one].folder} is done: {one.result():,} documents")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            spark.sparkContext.cancelAllJobs()
            raise


def _write(spark: SparkSession, job: SparkJob, part: Part, base: str | None, folder: str) -> int:
    with _told(folder, "it written"):
        notes = read(spark, [file.name for file in part.files], base)
        n_documents = notes.count()
        annotated = _annotated(notes, job, math.ceil(n_documents / job.task_documents))
        writer = annotated.write.mode("overwrite")
        writer = writer.option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "true")
        writer.parquet(folder)
    return n_documents


def _annotated(notes: DataFrame, job: SparkJob, n_tasks: int) -> DataFrame:
    """Return the output's rows, in tasks and an order that depend on nothing but the rows."""
    columns = job.columns
    check_columns(notes, columns)
    unknown = [name for name in job.keep if name not in notes.columns]
    if unknown:
        raise ConfigError(
            f"--keep: expected one of {', '.join(notes.columns)}, found {unknown[0]!r}"
        )
    id_, text = named(columns.id), named(columns.text)
    kept = [named(name) for name in dict.fromkeys(job.keep) if name != columns.id]
    needed = dict.fromkeys((columns.id, columns.text, *job.keep))
    tasks = notes.select(*map(named, needed)).repartition(max(1, n_tasks), id_)
    annotated = annotate_as(
        tasks.sortWithinPartitions(id_, text), job.annotator, columns, job.threads
    )
    return annotated.select(id_, *kept, "entities", "error")


def read(spark: SparkSession, files: list[str], base: str | None) -> DataFrame:
    """Return the rows of Parquet files, with the columns that folders below `base` name."""
    reader = spark.read if base is None else spark.read.option("basePath", base)
    return reader.parquet(*files)


@contextmanager
def _told(place: str, expected: str) -> Iterator[None]:
    """Say what Spark says in one line, without its message, which may quote a row."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        ours = re.findall(r"^farmaner\.errors\.\w+: (.*)$", str(error), re.MULTILINE)
        condition = error.getCondition() if isinstance(error, PySparkException) else None
        found = ours[-1] if ours else f"{condition or type(error).__name__}; Spark's log says more"
        raise JobError(f"{place}: expected {expected}, found: {found}") from None
