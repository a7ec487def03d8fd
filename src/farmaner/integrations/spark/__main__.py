"""`python -m farmaner.integrations.spark`, and what `spark-submit` is given."""

from __future__ import annotations

import os
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from farmaner.errors import FarmanerError
from farmaner.formats.rows import Columns
from farmaner.integrations.spark.frame import MAX_CHARS, import_pyspark
from farmaner.integrations.spark.parts import SparkJob
from farmaner.jobs.annotator import AnnotatorSettings

_INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class BackendName(str, Enum):
    """What runs the encoder."""

    auto = "auto"
    onnx_int8 = "onnx-int8"
    onnx = "onnx"
    torch = "torch"


@app.command()
def annotate(
    source: Annotated[str, typer.Argument(metavar="IN", help="Parquet: a file, a folder, a URL")],
    output: Annotated[str, typer.Argument(metavar="OUT", help="folder to write Parquet to")],
    text_column: Annotated[str, typer.Option(help="where the text is")] = "text",
    id_column: Annotated[str, typer.Option(help="where the id is")] = "id",
    keep: Annotated[
        list[str] | None, typer.Option(help="a further column for the output (repeatable)")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="model folder, the same everywhere (default: bundled)"),
    ] = None,
    backend: Annotated[BackendName, typer.Option(help="what runs the encoder")] = BackendName.auto,
    link: Annotated[bool, typer.Option("--link", help="give entities their codes")] = False,
    terminology: Annotated[
        Path | None,
        typer.Option("--terminology", "-t", metavar="FILE", help="for --link (default: bundled)"),
    ] = None,
    max_chars: Annotated[
        int, typer.Option(min=1, help="a longer text is not annotated and counts as failed")
    ] = MAX_CHARS,
    part_mb: Annotated[
        int, typer.Option(min=1, help="files go into one part until it has so many MiB")
    ] = 1024,
    task_documents: Annotated[
        int, typer.Option(min=1, help="documents of one task, about; also of an output file")
    ] = 5000,
    parts_at_once: Annotated[
        int, typer.Option(min=1, help="parts that Spark is given at a time")
    ] = 2,
    threads: Annotated[
        int | None, typer.Option(min=1, help="threads of a task (default: spark.task.cpus)")
    ] = None,
) -> None:
    """Find drugs, chemicals and proteins in a table of texts, on Spark.

    Reads Parquet and writes Parquet: the id, what --keep names, `entities`
    and `error`. The input is cut into parts by its files, and every part is
    committed on its own. The same command does what is missing; with other
    options, another model or changed files it is refused.

    Examples:

      python -m farmaner.integrations.spark notes.parquet out --text-column nota

      spark-submit .../farmaner/integrations/spark/__main__.py s3a://a/notes s3a://a/out

    Exit codes: 0 done, 1 failed or incomplete, 2 usage, 130 interrupted.
    """
    import_pyspark()
    from pyspark.sql import SparkSession

    from farmaner.integrations.spark.job import run

    settings = AnnotatorSettings(
        None if model is None else str(model),
        backend.value,
        link,
        None if terminology is None else str(terminology),
    )
    job = SparkJob(
        source,
        output,
        Columns(id_column, text_column, max_chars=max_chars),
        settings,
        tuple(keep or ()),
        part_mb=part_mb,
        task_documents=task_documents,
        threads=threads,
        parts_at_once=parts_at_once,
    )
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # not by spark-submit, which has its own say
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    done = run(SparkSession.builder.appName("farmaner").getOrCreate(), job, _tell)
    if done.n_failed:
        _tell(f"{done.n_failed:,} of {done.n_documents:,} documents failed; `error` says why")
        raise typer.Exit(1)
    _tell(f"{done.n_documents:,} documents are annotated")


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its code."""
    sys.exit(run_command(arguments))


def run_command(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code; every failure is one line on stderr."""
    try:
        app(arguments)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    except KeyboardInterrupt:
        _tell("interrupted; the same command goes on")
        return _INTERRUPTED
    except FarmanerError as error:
        _tell(str(error))
        return 1
    return 0


def _tell(line: str) -> None:
    print(f"farmaner: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
