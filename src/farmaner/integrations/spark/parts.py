"""What a job is, and how its input is cut into parts: fixed when it begins, and never text.

A job's output is a folder:

    _farmaner/job.jsonl    what decides the output, then a line a part: the files that it reads
    part=00000/            a part's rows; it is done when Spark has put `_SUCCESS` beside them
    _SUCCESS               every part is done

What begins with `_` is hidden from Spark's readers, so the folder reads as one table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from farmaner.errors import JobError
from farmaner.formats.rows import Columns
from farmaner.integrations.spark.storage import Storage, StoredFile
from farmaner.jobs.annotator import AnnotatorSettings
from farmaner.jobs.checks import annotator_facts

DONE = "_SUCCESS"
_PLAN = "_farmaner/job.jsonl"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class SparkJob:
    """What is read, how it is annotated and where it goes.

    `keep` are further columns of the input that the output has. A part ends with the file with
    which it has `part_mb` MiB; a task of it annotates about `task_documents`.
    """

    source: str
    output: str
    columns: Columns
    annotator: AnnotatorSettings
    keep: tuple[str, ...] = ()
    part_mb: int = 1024
    task_documents: int = 5000
    threads: int | None = None
    parts_at_once: int = 2

    def facts(self) -> dict[str, Any]:
        """Return what decides the output, under the names by which a refusal calls it."""
        return annotator_facts(self.annotator) | {
            "--id-column": self.columns.id,
            "--text-column": self.columns.text,
            "--max-chars": self.columns.max_chars,
            "--keep": list(self.keep),
            "--part-mb": self.part_mb,
            "--task-documents": self.task_documents,
        }


@dataclass(frozen=True, slots=True)
class Part:
    """Files that are annotated together and committed together."""

    number: int
    files: tuple[StoredFile, ...]

    @property
    def folder(self) -> str:
        """Where the part's rows go, below the output."""
        return f"part={self.number:05}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The parts of a job, in order, and how many files have come since it began."""

    parts: tuple[Part, ...]
    n_later_files: int = 0


def begun_plan(job: SparkJob, source: Storage, output: Storage) -> Plan | None:
    """Return the plan of the job that is in the output, None where none is.

    Raises JobError for an output of something else, and for a job that began with other options,
    another model or other input.
    """
    if source.name in (output.name, *_above(output.name)) or output.name in _above(source.name):
        raise JobError(f"{output.name}: expected an output apart from the input, found it inside")
    if not output.has(_PLAN):
        if output.is_empty():
            return None
        raise JobError(
            f"{output.name}: expected a new folder or a job of farmaner's, found other files"
        )
    header, *lines = (json.loads(line) for line in output.read(_PLAN).splitlines())
    _refuse_other_job(job, header, source, output)
    parts = tuple(
        Part(line["number"], tuple(StoredFile(**file) for file in line["files"])) for line in lines
    )
    now = {file.name: file for file in source.files()}
    for file in (file for part in parts for file in part.files):
        if now.pop(file.name, None) != file:
            raise JobError(
                f"{file.name}: expected the file that the job began with, found it changed or "
                "gone; begin in another folder"
            )
    return Plan(parts, len(now))


def new_plan(job: SparkJob, source: Storage) -> Plan:
    """Return the input as it is now, cut into parts; JobError where there is none."""
    parts = tuple(_cut(source.files(), job.part_mb << 20))
    if not parts:
        raise JobError(f"{source.name}: expected Parquet files, found none")
    return Plan(parts)


def keep_plan(job: SparkJob, plan: Plan, source: Storage, output: Storage) -> None:
    """Note what the job is; from here on it can be resumed."""
    header = {"format": _FORMAT, "IN": source.name, **job.facts()}
    lines = [header, *(asdict(part) for part in plan.parts)]
    output.write(_PLAN, b"".join(json.dumps(line).encode("ascii") + b"\n" for line in lines))


def _refuse_other_job(
    job: SparkJob, begun: dict[str, Any], source: Storage, output: Storage
) -> None:
    if begun.get("format") != _FORMAT:
        raise JobError(f"{output.name}: expected a job of this version, found another")
    for name, value in {"IN": source.name, **job.facts()}.items():
        if begun.get(name) != value:
            raise JobError(
                f"{output.name}: expected the {name} that the job began with, found another; "
                "go on with the same, or begin in another folder"
            )


def _cut(files: Iterable[StoredFile], part_bytes: int) -> Iterator[Part]:
    number, held, n_bytes = 0, [], 0
    for file in files:
        held.append(file)
        n_bytes += file.n_bytes
        if n_bytes >= part_bytes:
            yield Part(number, tuple(held))
            number, held, n_bytes = number + 1, [], 0
    if held:
        yield Part(number, tuple(held))


def _above(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]
