"""Rows: an id and a text out of one record of JSON Lines, CSV or Parquet, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Problem:
    """What a record should have had and what it has; never its text."""

    expected: str
    found: str

    def __str__(self) -> str:
        return f"expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its number from 1 (a line, or a row of Parquet), its id and its text.

    `text` is a Problem where the record holds none; `id` is None where that cannot be read.
    """

    number: int
    id: str | None
    text: str | Problem


@dataclass(frozen=True, slots=True)
class Columns:
    """The names under which a record has its id and its text, and how large it may be.

    `delimiter` is that of CSV; None goes by the file's name: a tab in `.tsv`, else a comma.
    """

    id: str = "id"
    text: str = "text"
    delimiter: str | None = None
    max_chars: int | None = None

    @property
    def max_bytes(self) -> int:
        """More bytes than a record with a text of `max_chars` has, each character escaped."""
        return -1 if self.max_chars is None else 12 * self.max_chars + (1 << 20)


def make_row(number: int, id_: object, text: object, columns: Columns) -> Row:
    """Return a row of two values; a whole number is an id too, a truth value is not."""
    if isinstance(id_, int) and not isinstance(id_, bool):
        id_ = str(id_)
    if not isinstance(id_, str):
        return Row(number, None, Problem(f'an id under "{columns.id}"', kind_of(id_)))
    if not id_:
        return Row(number, None, Problem(f'an id under "{columns.id}"', "an empty one"))
    if surrogate := _SURROGATE.search(id_):
        found = f"a lone surrogate at character {surrogate.start()}"
        return Row(number, None, Problem("an id that UTF-8 can hold", found))
    if not isinstance(text, str):
        return Row(number, id_, Problem(f'a text under "{columns.text}"', kind_of(text)))
    if columns.max_chars is not None and len(text) > columns.max_chars:
        expected = f"a text of at most {columns.max_chars} characters"
        return Row(number, id_, Problem(expected, f"{len(text)}"))
    if surrogate := _SURROGATE.search(text):
        found = f"a lone surrogate at character {surrogate.start()}"
        return Row(number, id_, Problem("text that UTF-8 can hold", found))
    return Row(number, id_, text)


KINDS = {dict: "object", list: "list", str: "string", bool: "truth value", type(None): "nothing"}


def kind_of(value: object) -> str:
    """Name the kind of a JSON value without quoting it."""
    return KINDS.get(type(value), "number")


def bounded_lines(file: BinaryIO, max_bytes: int) -> Iterator[bytes | None]:
    """Yield a file's lines with their ends, None for one longer than `max_bytes` (-1: none is)."""
    while line := file.readline(max_bytes):
        if len(line) < max_bytes or max_bytes < 0 or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(1 << 20)
        yield None
