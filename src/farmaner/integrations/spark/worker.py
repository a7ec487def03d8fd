"""What a Python worker of Spark does: Arrow columns of ids and texts to one of answers.

The model is loaded once in a process, which Spark reuses for task after task.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from farmaner.document import Document
from farmaner.errors import FarmanerError, JobError
from farmaner.formats.parquet import arrow_rows, entities_to_rows, entities_type
from farmaner.formats.rows import Columns
from farmaner.jobs.annotator import Annotator, AnnotatorSettings
from farmaner.jobs.checks import annotator_facts

if TYPE_CHECKING:
    import pyarrow as pa

Facts: TypeAlias = tuple[tuple[str, Any], ...]
"""What decides an answer, as the driver sees it: hashes and options by name."""

_ROWS_AT_ONCE = 128
_MODELS_AT_HAND = 2


@dataclass(frozen=True, slots=True)
class Work:
    """What every worker does with its rows; paths and options, for it loads the model itself."""

    annotator: AnnotatorSettings
    columns: Columns
    threads: int | None
    facts: Facts


def answer_batches(
    batches: Iterator[tuple[pa.Array, pa.Array]], work: Work
) -> Iterator[pa.StructArray]:
    """Yield, for ids and texts, structs of `entities` and `error`, of which one is null.

    Raises FarmanerError, which quotes no text, where the worker itself is at fault.
    """
    try:
        annotator = _annotator(work.annotator, work.threads or _n_task_cores(), work.facts)
        for ids, texts in batches:
            for start in range(0, len(texts), _ROWS_AT_ONCE):
                share = ids.slice(start, _ROWS_AT_ONCE), texts.slice(start, _ROWS_AT_ONCE)
                yield _answers(*share, work.columns, annotator)
    except FarmanerError:
        raise
    except Exception as error:  # its message, which Spark logs, may quote a text
        found = type(error).__name__
        raise JobError(f"worker: expected one that goes on, found {found}") from None


def _answers(
    ids: pa.Array, texts: pa.Array, columns: Columns, annotator: Annotator
) -> pa.StructArray:
    import pyarrow as pa

    rows = list(arrow_rows(ids, texts, columns))
    documents = [Document(row.id or "", row.text) for row in rows if isinstance(row.text, str)]
    found = iter(annotator.annotate(documents, entities_to_rows))
    answers = [next(found) if isinstance(row.text, str) else str(row.text) for row in rows]
    return pa.array([_to_row(answer) for answer in answers], _answer_type())


def _to_row(answer: list[dict[str, Any]] | str) -> dict[str, Any]:
    if isinstance(answer, str):
        return {"entities": None, "error": answer}
    return {"entities": answer, "error": None}


def _answer_type() -> Any:
    import pyarrow as pa

    return pa.struct([("entities", entities_type()), ("error", pa.string())])


@lru_cache(maxsize=_MODELS_AT_HAND)
def _annotator(settings: AnnotatorSettings, threads: int, facts: Facts) -> Annotator:
    """Return a loaded model, the one that the driver means; else JobError."""
    os.environ.setdefault("RAYON_NUM_THREADS", str(threads))  # the tokenizer's, before its first
    here = dict(facts_of(settings))
    for name, value in facts:
        if here[name] != value:
            raise JobError(
                f"worker on {platform.node()}: expected the {name} that the driver has, "
                "found another"
            )
    return Annotator(settings, threads)


def facts_of(settings: AnnotatorSettings) -> Facts:
    """Return what decides an answer, as this process sees it."""
    return tuple(annotator_facts(settings).items())


def _n_task_cores() -> int:
    from pyspark import TaskContext

    context = TaskContext.get()
    return 1 if context is None else context.cpus()
