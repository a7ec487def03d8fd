"""`farmaner annotate`: texts in, entities out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farmaner.cli.inputs import (
    DocumentReader,
    list_sources,
    refuse_equal_ids,
    refuse_own_annotations,
)

if TYPE_CHECKING:
    from farmaner.document import Document


class OutputFormat(str, Enum):
    """What annotate writes."""

    jsonl = "jsonl"
    brat = "brat"


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
        list[str], typer.Argument(metavar="INPUT...", help="text files, folders of .txt, or -")
    ],
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="model folder  [default: bundled]")
    ] = None,
    output_format: Annotated[
        OutputFormat, typer.Option("--format", "-f", help="what to write")
    ] = OutputFormat.jsonl,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="folder for brat, file for jsonl  [default: stdout]"),
    ] = None,
    keys: Annotated[
        JsonKeys, typer.Option(help="field names in JSON; hf: entity_group and word")
    ] = JsonKeys.farmaner,
    backend: Annotated[BackendName, typer.Option(help="what runs the encoder")] = BackendName.auto,
    threads: Annotated[int | None, typer.Option(min=1, help="cores to use  [default: all]")] = None,
    link: Annotated[bool, typer.Option("--link", help="give entities their codes")] = False,
    terminology: Annotated[
        Path | None,
        typer.Option("--terminology", "-t", metavar="FILE", help="for --link  [default: bundled]"),
    ] = None,
) -> None:
    """Find drugs, chemicals and proteins in texts.

    Writes one JSON document a line, or a brat folder with DOC.txt and DOC.ann for every
    document (empty where nothing is found). Offsets count Unicode code points, end-exclusive.
    A text that cannot be read is named on stderr, the others are annotated all the same.

    Examples:

      echo "Niega alergia a penicilina." | farmaner annotate -

      farmaner annotate notes/ --format brat --output annotated/

      farmaner annotate notes/ --link

    Exit codes: 0 done, 1 failed or incomplete, 2 usage, 130 interrupted.
    """
    if output_format is OutputFormat.brat and output is None:
        raise typer.BadParameter("brat is written to a folder; name it", param_hint="--output")
    if inputs.count("-") > 1:
        raise typer.BadParameter("stdin can be read once", param_hint="INPUT")
    sources = list(list_sources(inputs))
    if output_format is OutputFormat.brat:
        refuse_equal_ids(sources)
        refuse_own_annotations(sources, output)
    from farmaner.recognizer import load

    recognizer = load(model, backend=backend.value, threads=threads)
    reader = DocumentReader(sources)
    documents = recognizer.recognize_documents(reader)
    if link or terminology is not None:
        from farmaner.linking import Linker
        from farmaner.linking.build import load_terminology

        documents = Linker(load_terminology(terminology)).link_documents(documents)
    _write(documents, recognizer.settings.labels, output_format, output, keys)
    if reader.failed:
        raise typer.Exit(1)


def _write(
    documents: Iterator[Document],
    labels: Sequence[str],
    output_format: OutputFormat,
    output: Path | None,
    keys: JsonKeys,
) -> None:
    if output_format is OutputFormat.brat and output is not None:
        from farmaner.formats.brat import write_annotation_conf, write_brat

        write_brat(documents, output)
        write_annotation_conf(output, labels)
        return
    from farmaner.formats.jsonl import format_jsonl, write_jsonl

    if output is not None:
        write_jsonl(documents, output, keys=keys.value)
        return
    for document in documents:
        sys.stdout.buffer.write(format_jsonl(document, keys=keys.value).encode("utf-8"))
        sys.stdout.buffer.flush()
