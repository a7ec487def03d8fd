"""A DataFrame of texts to one with their entities.

An Arrow UDF does it: only ids and texts travel to Python, the other columns stay where they are,
and unlike `mapInArrow` and `mapInPandas` it needs no pandas.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farmaner.encoders import Backend, ModelSettings
from farmaner.errors import ConfigError, MissingExtraError
from farmaner.formats.rows import Columns
from farmaner.integrations.spark.worker import Work, answer_batches, facts_of
from farmaner.jobs.annotator import AnnotatorSettings
from farmaner.linking.build import load_terminology

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

MAX_CHARS = 10_000_000
"""A longer text is not annotated, as in `farmaner annotate`."""

_ANSWER = "_farmaner"
_OWN = ("entities", "error", _ANSWER)


def annotate(
    frame: DataFrame,
    text_column: str = "text",
    id_column: str = "id",
    *,
    model: Path | str | None = None,
    backend: Backend = "auto",
    link: bool = False,
    terminology: Path | str | None = None,
    max_chars: int = MAX_CHARS,
    threads: int | None = None,
) -> DataFrame:
    """Return the frame with two more columns, `entities` and `error`; nothing is run yet.

    `entities` is what the Parquet of `farmaner annotate` has under that name: an array of structs
    of label, start, end, text, score, code and code_score, the codes null without `link`. In a
    row that fails it is null, never empty, and `error` says why. `model` and `terminology` are
    paths that the workers too can read (default: those of the package); `threads` are those of
    one task (default: `spark.task.cpus`). Raises ConfigError for columns that will not do.
    """
    settings = AnnotatorSettings(
        None if model is None else str(model),
        backend,
        link,
        None if terminology is None else str(terminology),
    )
    return annotate_as(
        frame, settings, Columns(id_column, text_column, max_chars=max_chars), threads
    )


def annotate_as(
    frame: DataFrame, settings: AnnotatorSettings, columns: Columns, threads: int | None
) -> DataFrame:
    """Return the frame with entities and errors, as `annotate` does."""
    import_pyspark()
    import pyarrow as pa
    from pyspark.sql import functions as F  # noqa: N812  as everyone has it

    check_columns(frame, columns)
    if settings.model is not None:
        ModelSettings.read(Path(settings.model))
    if settings.terminology is not None:
        load_terminology(settings.terminology)
    work = Work(settings, columns, threads, facts_of(settings))

    def answers(batches: Any) -> Any:
        return answer_batches(batches, work)

    # By its types Spark knows what kind of function it is.
    arguments, answered = Iterator[tuple[pa.Array, pa.Array]], Iterator[pa.Array]
    answers.__annotations__ = {"batches": arguments, "return": answered}
    spark: Any = F  # whose stubs want a function type given, against which Spark itself warns
    udf = spark.arrow_udf(answers, _answer_type())
    # What Spark takes for deterministic it may evaluate twice.
    answer = udf.asNondeterministic()(named(columns.id), named(columns.text))
    own = [F.col(f"{_ANSWER}.{name}").alias(name) for name in ("entities", "error")]
    return frame.select("*", answer.alias(_ANSWER)).select("*", *own).drop(_ANSWER)


def check_columns(frame: DataFrame, columns: Columns) -> None:
    """Raise ConfigError where ids or texts are missing or of another type, or names are taken."""
    from pyspark.sql.types import BinaryType, IntegralType, StringType

    names = frame.schema.fieldNames()
    for name, types in (
        (columns.id, (StringType, BinaryType, IntegralType)),
        (columns.text, (StringType, BinaryType)),
    ):
        if names.count(name) != 1:
            raise ConfigError(
                f"DataFrame: expected a column {name!r}, found the columns {', '.join(names)}"
            )
        found = frame.schema[name].dataType
        if not isinstance(found, types):
            expected = "strings or whole numbers" if name == columns.id else "strings"
            raise ConfigError(
                f"DataFrame: expected {expected} under {name!r}, found {found.simpleString()}"
            )
    taken = [name for name in names if name.lower() in _OWN]
    if taken:
        raise ConfigError(
            f"DataFrame: expected no column of the name {taken[0]!r}, found one; rename it"
        )


def named(name: str) -> Column:
    """Return the column of exactly that name, dots and all."""
    from pyspark.sql import functions as F  # noqa: N812

    return F.col("`" + name.replace("`", "``") + "`")


def import_pyspark() -> None:
    """Raise MissingExtraError where pyspark or pyarrow is not installed, or is too old."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtraError("pyarrow", "spark") from None
    try:
        from pyspark.sql import functions
    except ImportError:
        raise MissingExtraError("pyspark", "spark") from None
    if not hasattr(functions, "arrow_udf"):
        raise MissingExtraError("pyspark 4.1 or later", "spark")


def _answer_type() -> StructType:
    from pyspark.sql import types as of

    text, number, share = of.StringType(), of.LongType(), of.DoubleType()
    entity = of.StructType()
    for name, type_ in (
        ("label", text),
        ("start", number),
        ("end", number),
        ("text", text),
        ("score", share),
        ("code", text),
        ("code_score", share),
    ):
        entity = entity.add(name, type_)
    return of.StructType().add("entities", of.ArrayType(entity)).add("error", text)
