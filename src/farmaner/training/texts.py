"""Unlabelled text: what is read for pretraining, and what is kept out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from farmaner.errors import CorpusError, FormatError
from farmaner.formats.files import decode_text
from farmaner.formats.opening import open_binary, stream_errors, unpacked, unpacked_name

RUN_WORDS = 12
"""How many words in a row two documents must share to count as overlapping."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text and the name of the source that it comes from."""

    source: str
    text: str


def read_source_texts(paths: Iterable[Path]) -> Iterator[SourceText]:
    """Yield the texts of `.jsonl` and `.txt` files, packed or not, and of folders of them.

    A line of JSON needs `text`; its `source`, else the name of the file, says where it comes
    from. A `.txt` file is of the source that its folder's name says. Raises CorpusError for a
    path that cannot be read, FormatError with the line for one that is no such JSON.
    """
    for path in paths:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if _suffix(file) in (".txt", ".jsonl"))
            if not files:
                raise CorpusError(f"{path}: expected .txt or .jsonl files, found none")
            yield from read_source_texts(files)
        elif _suffix(path) == ".txt":
            yield SourceText(path.resolve().parent.name, _read_text(path))
        elif _suffix(path) == ".jsonl":
            yield from _read_lines(path)
        else:
            raise CorpusError(f"{path}: expected .txt, .jsonl or a folder, found neither")


def _suffix(path: Path) -> str:
    """Return what the name ends with before it says how the file is packed."""
    return Path(unpacked_name(path.name)).suffix


def _read_text(path: Path) -> str:
    with open_binary(str(path)) as raw:
        try:
            data = unpacked(raw, path.name).read()
        except stream_errors(path.name) as error:
            raise FormatError(path, None, "a whole file", type(error).__name__) from None
    return decode_text(data, path)


def _read_lines(path: Path) -> Iterator[SourceText]:
    stem = path.name.partition(".")[0]
    number = 0
    try:
        with open_binary(str(path)) as raw:
            lines = TextIOWrapper(unpacked(raw, path.name), encoding="utf-8")
            for number, line in enumerate(lines, start=1):
                row = json.loads(line)
                if not isinstance(row, dict) or not isinstance(row.get("text"), str):
                    raise FormatError(path, number, 'an object with a string under "text"', "none")
                yield SourceText(str(row.get("source") or stem), row["text"])
    except json.JSONDecodeError:
        raise FormatError(path, number, "a JSON object", "something else") from None
    except UnicodeDecodeError:
        raise FormatError(path, number + 1, "lines of UTF-8", "other bytes") from None
    except stream_errors(path.name) as error:
        raise FormatError(path, number + 1, "whole lines", type(error).__name__) from None


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
