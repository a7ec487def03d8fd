"""`farmaner index`: texts in, the codes of each document out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from farmaner.cli.inputs import DocumentReader, list_sources, refuse_equal_ids


def index(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="text files, folders of .txt, or -")
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
    any gets an empty file. With --entities the inputs are brat folders, whose own entities are
    given codes and no model is run.

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
    from farmaner.recognizer import load

    sources = list(list_sources(inputs))
    refuse_equal_ids(sources)
    recognizer = load(model, threads=threads)
    reader = DocumentReader(sources)
    for document in linker.link_documents(recognizer.recognize_documents(reader)):
        write_indexing(output / f"{document.id}.tsv", document_codes(document))
    if reader.failed:
        raise typer.Exit(1)
