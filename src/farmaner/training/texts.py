"""Unlabelled text: what is read for pretraining, and what is kept out of it."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from farmaner.errors import CorpusError, FormatError
from farmaner.formats.files import read_text

RUN_WORDS = 12
"""How many words in a row two documents must share to count as overlapping."""

_OPENERS: dict[str, Callable[..., IO[Any]]] = {
    ".jsonl": open,
    ".gz": gzip.open,
    ".xz": lzma.open,
    ".bz2": bz2.open,
}
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text and the name of the source that it comes from."""

    source: str
    text: str


def read_source_texts(paths: Iterable[Path]) -> Iterator[SourceText]:
    """Yield the texts of `.jsonl` files (also .gz, .xz, .bz2), of `.txt` files, and of folders.

    A line of JSON needs `text`; its `source`, else the name of the file, says where it comes
    from. A `.txt` file is of the source that its folder's name says. Raises CorpusError for a
    path that cannot be read, FormatError with the line for one that is no such JSON.
    """
    for path in paths:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if _is_text_file(file))
            if not files:
                raise CorpusError(f"{path}: expected .txt or .jsonl files, found none")
            yield from read_source_texts(files)
        elif path.suffix == ".txt":
            yield SourceText(path.resolve().parent.name, read_text(path))
        elif path.suffix in _OPENERS:
            yield from _read_lines(path)
        else:
            raise CorpusError(f"{path}: expected .txt, .jsonl or a folder, found neither")


def _is_text_file(path: Path) -> bool:
    return path.suffix == ".txt" or ".jsonl" in path.suffixes


def _read_lines(path: Path) -> Iterator[SourceText]:
    stem = path.name.partition(".")[0]
    number = 0
    try:
        with _OPENERS[path.suffix](path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                row = json.loads(line)
                if not isinstance(row, dict) or not isinstance(row.get("text"), str):
                    raise FormatError(path, number, 'an object with a string under "text"', "none")
                yield SourceText(str(row.get("source") or stem), row["text"])
    except json.JSONDecodeError:
        raise FormatError(path, number, "a JSON object", "something else") from None
    except (EOFError, UnicodeDecodeError, lzma.LZMAError) as error:
        found = type(error).__name__
        raise FormatError(path, number + 1, "whole lines of UTF-8", found) from None
    except OSError as error:
        found = error.strerror or str(error)
        raise CorpusError(f"{path}: expected a readable file, found: {found}") from None


class Overlap:
    """Tells whether a text shares `RUN_WORDS` words in a row with any of the texts kept out.

    Case and punctuation do not count. It is what keeps a model that is judged on documents from
    having read them in its pretraining text, under whatever name they stand there.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._runs = {run for text in texts for run in _runs(text)}

    def __contains__(self, text: str) -> bool:
        return bool(self._runs) and any(run in self._runs for run in _runs(text))


def _runs(text: str) -> Iterator[int]:
    words = _WORD.findall(text.casefold())
    for start in range(len(words) - RUN_WORDS + 1):
        yield hash(tuple(words[start : start + RUN_WORDS]))
