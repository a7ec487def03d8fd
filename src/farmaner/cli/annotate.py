"""`farmaner annotate`: texts in, entities out."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from farmaner.jobs.checks import JobSettings


class InputFormat(str, Enum):
    """What annotate reads."""

    txt = "txt"
    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"


class OutputFormat(str, Enum):
    """What annotate writes."""

    jsonl = "jsonl"
    brat = "brat"
    csv = "csv"
    parquet = "parquet"


class JsonKeys(str, Enum):
    """How JSON names an entity's fields."""

    farmaner = "farmaner"
    hf = "hf"


class BackendName(str, Enum):
    """What runs the encoder."""

    auto = "auto"
    onnx_int8 = "onnx-int8"
    onnx = "onnx"
    torch = "torch"


def annotate(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT", help="texts, folders of .txt, .jsonl, .csv, .parquet, URLs, or -"
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", "-m", metavar="DIR", help="model folder", show_default="the bundled one"
        ),
    ] = None,
    input_format: Annotated[
        InputFormat | None,
        typer.Option(help="what to read", show_default="by each name, else txt"),
    ] = None,
    id_column: Annotated[
        str, typer.Option(metavar="NAME", help="column of tables, or key of JSON, with the id")
    ] = "id",
    text_column: Annotated[
        str, typer.Option(metavar="NAME", help="column or key with the text")
    ] = "text",
    delimiter: Annotated[
        str | None,
        typer.Option(
            metavar="CHAR", help="between the columns of CSV", show_default="comma; .tsv: tab"
        ),
    ] = None,
    max_chars: Annotated[
        int, typer.Option(min=1, help="a longer text is not annotated and counts as failed")
    ] = 10_000_000,
    output_format: Annotated[
        OutputFormat | None,
        typer.Option(
            "--format", "-f", help="what to write", show_default="by --output, else jsonl"
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="file, or folder for brat, or URL",
            show_default="stdout",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with an interrupted job")] = False,
    workers: Annotated[int, typer.Option(min=1, help="processes; they share the cores")] = 1,
    progress: Annotated[
        bool | None,
        typer.Option(
            "--progress/--no-progress",
            help="show how far a job with --output is",
            show_default="on a terminal",
        ),
    ] = None,
    keys: Annotated[
        JsonKeys, typer.Option(help="field names in JSON; hf: entity_group and word")
    ] = JsonKeys.farmaner,
    backend: Annotated[BackendName, typer.Option(help="what runs the encoder")] = BackendName.auto,
    threads: Annotated[
        int | None, typer.Option(min=1, help="cores to use", show_default="all")
    ] = None,
    link: Annotated[bool, typer.Option("--link", help="give entities their codes")] = False,
    terminology: Annotated[
        Path | None,
        typer.Option(
            "--terminology",
            "-t",
            metavar="FILE",
            help="codes for --link",
            show_default="the bundled one",
        ),
    ] = None,
) -> None:
    """Find drugs, chemicals and proteins in texts.

    Reads text files, folders of them with their subfolders, JSON Lines, CSV and Parquet, each by
    its name (texts, JSON Lines and CSV also packed: .gz, .xz, .bz2, .zst), and what fsspec opens by
    URL. Writes one JSON document a line, CSV, Parquet, or a brat folder with DOC.txt and DOC.ann
    for every document (empty where nothing is found). Offsets count Unicode code points,
    end-exclusive.

    Results come in the order of the input. With --output an interrupted job is continued by
    --resume, to the same bytes. A document that fails is named on stderr and in errors.jsonl; the
    others are annotated all the same.

    Examples:
      echo "Niega alergia a penicilina." | farmaner annotate -
      farmaner annotate notes/ --format brat --output annotated/
      farmaner annotate notes.csv --text-column nota -o out.parquet
      farmaner annotate s3://hospital/notes/ -o out.jsonl.gz --workers 2 --resume

    Exit codes: 0 done, 1 failed or incomplete, 2 wrong usage, 130 interrupted (--resume goes on).
    """
    from farmaner.formats.rows import Columns
    from farmaner.jobs.annotator import AnnotatorSettings
    from farmaner.jobs.checks import JobSettings
    from farmaner.jobs.inputs import Inputs
    from farmaner.jobs.writing import OutputSettings, format_of_output

    written = format_of_output(output) if output_format is None else output_format.value
    job = JobSettings(
        Inputs(tuple(inputs), None if input_format is None else input_format.value),
        Columns(id_column, text_column, delimiter, max_chars),
        AnnotatorSettings(
            None if model is None else str(model),
            backend.value,
            link,
            None if terminology is None else str(terminology),
        ),
        OutputSettings(output or "", written, keys.value),
        n_workers=workers,
        threads=threads,
    )
    _refuse_usage(job, resume=resume)
    if progress is None:
        progress = output is not None and sys.stderr.isatty()
    _run(job, resume=resume, shown=progress)


def _refuse_usage(job: JobSettings, *, resume: bool) -> None:
    names, written, delimiter = job.inputs.names, job.output.format, job.columns.delimiter
    if not job.output.output and written in ("brat", "parquet"):
        where = "a folder" if written == "brat" else "a file"
        raise typer.BadParameter(f"{written} is written to {where}; name it", param_hint="--output")
    if not job.output.output and resume:
        raise typer.BadParameter("only a job with --output is resumed", param_hint="--resume")
    if names.count("-") > 1:
        raise typer.BadParameter("stdin can be read once", param_hint="INPUT")
    if "-" in names and job.inputs.format == "parquet":
        raise typer.BadParameter("Parquet is not read from stdin", param_hint="--input-format")
    if delimiter is not None and len(delimiter) != 1:
        raise typer.BadParameter("expected one character", param_hint="--delimiter")


def _run(job: JobSettings, *, resume: bool, shown: bool) -> None:
    from farmaner.cli.progress import ShownProgress
    from farmaner.jobs.run import run, stream

    with ShownProgress(shown=shown) as watch:
        try:
            with _terminated_as_interrupted():
                if job.output.output:
                    done = run(job, watch, resume=resume)
                else:
                    done = stream(job, sys.stdout.buffer, watch)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second one ends what may hang
            if job.output.output:
                _say_how_to_resume(job)
            raise
    if shown:
        print(f"farmaner: {watch.summary()}", file=sys.stderr)
    if done.n_failed:
        total = done.n_documents + done.n_failed
        if job.output.output:
            named = f"{done.n_failed:,} of {total:,} documents failed, named in {job.errors}"
            print(f"farmaner: {named}", file=sys.stderr)
        raise typer.Exit(1)


def _say_how_to_resume(job: JobSettings) -> None:
    from farmaner.jobs.manifest import JobFolder

    folder = JobFolder(job.folder)
    if not folder.exists():
        return
    n_done = sum(done.n_items for done in folder.done())
    print(
        f"farmaner: interrupted after {n_done:,} documents; the same command with --resume goes on",
        file=sys.stderr,
    )


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
