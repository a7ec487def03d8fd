"""`farmaner convert`: documents with entities from one format to another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farmaner.cli.completion import readable_formats, writable_formats

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farmaner.document import Document
    from farmaner.formats.rows import Columns
    from farmaner.formats.table import Format


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="file or folder to read")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="file or folder to write")],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FORMAT",
            help="what IN is",
            show_default="by its name",
            autocompletion=readable_formats,
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="what OUT is",
            show_default="by its name",
            autocompletion=writable_formats,
        ),
    ] = None,
    id_column: Annotated[
        str, typer.Option(metavar="COLUMN", help="where CSV and Parquet have the id")
    ] = "id",
    text_column: Annotated[
        str, typer.Option(metavar="COLUMN", help="where they have the text")
    ] = "text",
    delimiter: Annotated[
        str | None,
        typer.Option(
            metavar="CHARACTER",
            help="between the columns of CSV",
            show_default="comma, in a .tsv tab",
        ),
    ] = None,
    texts: Annotated[
        str | None, typer.Option(metavar="INPUT", help="what annotate read, if IN is its CSV")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="exit with 1 where OUT cannot hold all of IN")
    ] = False,
) -> None:
    """Convert annotated documents from one format to another.

    A format goes by its name (--from, --to) or by the ending of IN and OUT, never by what is in
    a file; a name without an ending is a brat folder. Formats and endings:

      brat          a folder       bioc-json     .bioc.json
      jsonl         .jsonl         pubtator      .pubtator
      csv           .csv, .tsv     label-studio  .label-studio.json
      parquet       .parquet       doccano       .doccano.jsonl
      conll         .conll         inception     .xmi, or a folder
      iob2          .iob2          fhir          .fhir.json
      docbin        .spacy         omop          a folder
      bioc-xml      .bioc.xml      html          .html, only written

    What OUT has no place for is counted in one line on stderr.

    Examples:
      farmaner convert corpus/train train.conll
      farmaner convert export.json gold --from label-studio
      farmaner convert notes.jsonl notes.fhir.json --strict
      farmaner convert found.csv gold --texts notes.csv --text-column nota

    Exit codes: 0 done, 1 failed, or incomplete under --strict, 2 wrong usage, 130 interrupted.
    """
    from farmaner.formats.losses import describe
    from farmaner.formats.rows import Columns

    if delimiter is not None and len(delimiter) != 1:
        raise typer.BadParameter("expected one character", param_hint="--delimiter")
    reader, writer = _format(source, from_, "--from"), _format(target, to, "--to")
    columns = Columns(id_column, text_column, delimiter)
    lost = describe(writer.write(_read(reader, source, columns, texts), target))
    if lost:
        print(f"farmaner: {target}: {writer.name} cannot hold: {lost}", file=sys.stderr)
        if strict:
            raise typer.Exit(1)


def _format(path: Path, name: str | None, option: str) -> Format:
    from farmaner.errors import ConfigError
    from farmaner.formats.table import find_format, format_of

    try:
        return format_of(path) if name is None else find_format(name)
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _read(reader: Format, source: Path, columns: Columns, texts: str | None) -> Iterable[Document]:
    from farmaner.formats.csv import read_csv
    from farmaner.formats.parquet import read_parquet
    from farmaner.formats.rows import Columns

    if reader.name == "csv" and texts is not None:
        return read_csv(source, texts=_texts(texts, columns))
    if texts is not None:
        raise typer.BadParameter(f"{reader.name} has texts of its own", param_hint="--texts")
    if reader.name == "csv":
        return read_csv(source, columns=columns)
    if reader.name == "parquet":
        return read_parquet(source, columns=columns)
    if columns != Columns():
        raise typer.BadParameter(f"{reader.name} has no columns to name", param_hint="--id-column")
    if reader.read is None:
        raise typer.BadParameter(f"{reader.name} can only be written", param_hint="--from")
    return reader.read(source)


def _texts(name: str, columns: Columns) -> Iterator[Document]:
    """Yield the documents that `annotate` reads from an input; those it cannot have no rows."""
    from farmaner.document import Document
    from farmaner.jobs.inputs import Inputs
    from farmaner.jobs.reading import read_items

    for item in read_items(Inputs((name,)).files(), columns):
        if isinstance(item.found, Document):
            yield item.found
