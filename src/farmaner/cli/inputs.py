"""What the commands read: the documents that their INPUT arguments name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from farmaner.document import Document
from farmaner.errors import ConfigError, CorpusError, FarmanerError
from farmaner.formats.brat import list_folder
from farmaner.formats.files import decode_text, read_text

Source: TypeAlias = tuple[str, Path | None]
"""A document's id and its file; None is stdin."""


class DocumentReader:
    """Reads documents one by one; one that fails is named on stderr and passed over."""

    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources
        self.failed = False

    def __iter__(self) -> Iterator[Document]:
        for id_, path in self._sources:
            try:
                yield _read(id_, path)
            except FarmanerError as error:
                self.failed = True
                print(f"farmaner: {error}", file=sys.stderr)


def list_sources(inputs: list[str]) -> Iterator[Source]:
    """Yield a document id and a path, None for stdin, for everything that the inputs name."""
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


def refuse_equal_ids(sources: list[Source]) -> None:
    """Raise ConfigError where two documents would be written under one name."""
    seen: dict[str, Path | None] = {}
    for id_, path in sources:
        if id_ in seen:
            raise ConfigError(
                f"{path or id_}: expected a document id of its own, found {id_!r} a second time"
            )
        seen[id_] = path


def _read(id_: str, path: Path | None) -> Document:
    if path is not None:
        return Document(id_, read_text(path))
    return Document(id_, decode_text(sys.stdin.buffer.read(), "stdin"))
