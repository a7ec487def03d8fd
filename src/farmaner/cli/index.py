"""`farmaner index`: texts in, the codes of each document out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from farmaner.document import Document
    from farmaner.jobs.inputs import InputFile


def index(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT", help="texts, folders of .txt, .jsonl, .csv, .parquet, URLs, or -"
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="folder for the .tsv files")
    ],
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", "-m", metavar="DIR", help="model folder", show_default="the bundled one"
        ),
    ] = None,
    terminology: Annotated[
        Path | None,
        typer.Option(
            "--terminology",
            "-t",
            metavar="FILE",
            help="where the codes come from",
            show_default="the bundled one",
        ),
    ] = None,
    entities: Annotated[
        bool,
        typer.Option("--entities", help="link the entities of brat folders instead of finding any"),
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="least score of a code", show_default="the terminology's"),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="cores to use", show_default="all")
    ] = None,
) -> None:
    """Write the codes of what texts speak of: one DOC.tsv a document (subtrack 2).

    Each line is the document's id, a tab and a code; a code stands once, and a document without
    any gets an empty file. Inputs are read as `annotate` reads them. An id has to be a file name of
    its own: a document of a subfolder, or of an id that came before, is named on stderr and fails.
    With --entities the inputs are brat folders, whose own entities are given codes and no model is
    run.

    Examples:
      farmaner index notes/ --output codes/
      farmaner index corpus/dev --entities --output codes/

    Exit codes: 0 done, 1 failed or incomplete, 2 wrong usage, 130 interrupted.
    """
    from farmaner.errors import ConfigError
    from farmaner.formats.brat import read_brat
    from farmaner.formats.files import make_folder
    from farmaner.formats.indexing import document_codes, write_indexing
    from farmaner.linking import Linker
    from farmaner.linking.build import load_terminology

    linker = Linker(load_terminology(terminology), threshold=threshold)
    make_folder(output)
    if entities:
        written: set[str] = set()
        for document in (d for folder in inputs for d in read_brat(folder)):
            if document.id in written:
                expected = "expected each document id in one folder alone"
                raise ConfigError(f"{inputs[-1]}: {expected}, found {document.id!r} again")
            written.add(document.id)
            write_indexing(output / f"{document.id}.tsv", document_codes(linker.link(document)))
        return
    from farmaner.jobs.inputs import Inputs
    from farmaner.recognizer import load

    reader = _DocumentReader(list(Inputs(tuple(inputs)).files()))
    recognizer = load(model, threads=threads)
    for document in linker.link_documents(recognizer.recognize_documents(reader)):
        write_indexing(output / f"{document.id}.tsv", document_codes(document))
    if reader.failed:
        raise typer.Exit(1)


class _DocumentReader:
    """The documents of files that can have a file of their own; others are named on stderr."""

    def __init__(self, files: Iterable[InputFile]) -> None:
        self._files = files
        self.failed = False

    def __iter__(self) -> Iterator[Document]:
        from farmaner.errors import CorpusError
        from farmaner.formats.files import refuse_as_file_name
        from farmaner.formats.rows import Columns
        from farmaner.jobs.reading import Failure, read_items

        seen: set[str] = set()
        for item in read_items(self._files, Columns()):
            if isinstance(item.found, Failure):
                self._fail(item.found)
                continue
            try:
                refuse_as_file_name(item.found.id, Path(item.place), seen)
            except CorpusError as error:
                self._fail(error)
            else:
                yield item.found

    def _fail(self, why: object) -> None:
        self.failed = True
        print(f"farmaner: {why}", file=sys.stderr)
