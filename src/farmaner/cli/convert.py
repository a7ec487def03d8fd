"""`farmaner convert`: documents with entities from one format to another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farmaner.cli.completion import readable_formats, writable_formats

if TYPE_CHECKING:
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
    strict: Annotated[
        bool, typer.Option("--strict", help="exit with 1 where OUT cannot hold all of IN")
    ] = False,
) -> None:
    """Convert annotated documents from one format to another.

    A format goes by its name (--from, --to) or by the ending of IN and OUT, never by what is in
    a file; a name without an ending is a brat folder. Formats and endings:

      brat          a folder       pubtator      .pubtator
      jsonl         .jsonl         label-studio  .label-studio.json
      conll         .conll         doccano       .doccano.jsonl
      iob2          .iob2          inception     .xmi, or a folder
      docbin        .spacy         fhir          .fhir.json
      bioc-xml      .bioc.xml      omop          a folder
      bioc-json     .bioc.json     html          .html, only written

    What OUT has no place for is counted in one line on stderr.

    Examples:
      farmaner convert corpus/train train.conll
      farmaner convert export.json gold --from label-studio
      farmaner convert notes.jsonl notes.fhir.json --strict

    Exit codes: 0 done, 1 failed, or incomplete under --strict, 2 wrong usage, 130 interrupted.
    """
    from farmaner.formats.losses import describe

    reader, writer = _format(source, from_, "--from"), _format(target, to, "--to")
    if reader.read is None:
        raise typer.BadParameter(f"{reader.name} can only be written", param_hint="--from")
    lost = describe(writer.write(reader.read(source), target))
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
