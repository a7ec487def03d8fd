"""`farmaner annotate`: texts in, entities out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farmaner.errors import ConfigError, CorpusError, FarmanerError, FormatError

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
    sources = list(_sources(inputs))
    if output_format is OutputFormat.brat:
        _refuse_equal_ids(sources)
        _refuse_own_annotations(sources, output)
    from farmaner.recognizer import load

    recognizer = load(model, backend=backend.value, threads=threads)
    reader = _Reader(sources)
    documents = recognizer.recognize_documents(reader)
    if link or terminology is not None:
        from farmaner.linking import Linker
        from farmaner.linking.build import load_terminology

        documents = Linker(load_terminology(terminology)).link_documents(documents)
    _write(documents, recognizer.settings.labels, output_format, output, keys)
    if reader.failed:
        raise typer.Exit(1)


class _Reader:
    """Reads documents one by one; one that fails is named on stderr and passed over."""

    def __init__(self, sources: list[tuple[str, Path | None]]) -> None:
        self._sources = sources
        self.failed = False

    def __iter__(self) -> Iterator[Document]:
        for id_, path in self._sources:
            try:
                yield _read(id_, path)
            except FarmanerError as error:
                self.failed = True
                print(f"farmaner: {error}", file=sys.stderr)


def _sources(inputs: list[str]) -> Iterator[tuple[str, Path | None]]:
    """Yield a document id and a path, None for stdin, for everything that the inputs name."""
    from farmaner.formats.brat import list_folder

    for name in inputs:
        path = Path(name)
        if name == "-":
            yield "stdin", None
        elif path.is_dir():
            texts, _ = list_folder(path)
            if not texts:
                raise CorpusError(f"{path}: expected a folder with .txt files, found none")
            yield from sorted(texts.items())
        elif path.is_file():
            yield path.stem, path
        else:
            raise CorpusError(f"{path}: expected a text file or a folder, found neither")


def _refuse_equal_ids(sources: list[tuple[str, Path | None]]) -> None:
    seen: dict[str, Path | None] = {}
    for id_, path in sources:
        if id_ in seen:
            raise ConfigError(
                f"{path or id_}: expected a document id of its own for brat, found "
                f"{id_!r} a second time"
            )
        seen[id_] = path


def _refuse_own_annotations(sources: list[tuple[str, Path | None]], output: Path | None) -> None:
    """Gold that lies beside the texts is never written over."""
    for id_, path in sources:
        if output is None or path is None or path.parent.resolve() != output.resolve():
            continue
        if (output / f"{id_}.ann").exists():
            raise ConfigError(
                f"{output}: expected an output folder other than the input's, whose annotations "
                f"would be lost, found {id_}.ann in it"
            )


def _read(id_: str, path: Path | None) -> Document:
    from farmaner.document import Document
    from farmaner.formats.files import read_text

    if path is not None:
        return Document(id_, read_text(path))
    data = sys.stdin.buffer.read()
    try:
        return Document(id_, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02X} at byte offset {error.start}"
        raise FormatError("stdin", None, "UTF-8 text", found) from None


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
