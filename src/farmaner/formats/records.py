"""Records of CSV: strictly read, one at a time, each with the number of its line.

A quote that is never closed, a row with more or fewer columns than the head, or a byte that is not
UTF-8 is a problem of that row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

from farmaner.errors import FormatError
from farmaner.formats.opening import unpacked_name
from farmaner.formats.rows import Columns, Problem, bounded_lines

_BOM = b"\xef\xbb\xbf"

Numbered: TypeAlias = tuple[int, list[str] | Problem]
"""The number of a record's first line, and its fields."""


@dataclass(frozen=True, slots=True)
class Records:
    """A table: the names of its columns, and what is under them."""

    path: str
    head: list[str]
    rows: Iterator[Numbered]

    def place(self, name: str) -> int:
        """Return which column has that name; FormatError where none has, or two have."""
        if self.head.count(name) == 1:
            return self.head.index(name)
        found = f"the columns {', '.join(self.head)}" if self.head else "nothing"
        found = "two" if name in self.head else found
        raise FormatError(self.path, 1, f"a column {name!r}", found)

    def whole_rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows; FormatError for the first that is a problem."""
        for number, row in self.rows:
            if not isinstance(row, Problem):
                problem = not_utf8(row)
                if problem is None:
                    yield number, row
                    continue
                row = problem
            raise FormatError(self.path, number, row.expected, row.found)


def read_records(file: BinaryIO, path: str, columns: Columns) -> Records:
    """Return an open file's records; FormatError for a head that is none.

    So is one where a record is so long that a quote must have been left open. Bytes that are not
    UTF-8 are surrogates in the fields, for `not_utf8` to find.
    """
    most = 2**31 - 1  # what every platform takes
    csv.field_size_limit(most if columns.max_bytes < 0 else min(columns.max_bytes, most))
    lines = _text(file, path, columns)
    reader = csv.reader(lines, delimiter=delimiter_of(path, columns), strict=True)
    try:
        head = next(reader, [])
    except csv.Error as error:
        raise FormatError(path, 1, "a row of column names", str(error)) from None
    return Records(path, head, _rows(reader, len(head), path, columns))


def delimiter_of(path: str, columns: Columns) -> str:
    """Return what is between the columns: by the name where nothing says it."""
    return columns.delimiter or ("\t" if unpacked_name(path).endswith(".tsv") else ",")


def not_utf8(values: list[str]) -> Problem | None:
    """Return the problem of values of which one has bytes that are not UTF-8."""
    for value in values:
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            return Problem("UTF-8 text", f"byte 0x{ord(value[error.start]) - 0xDC00:02X}")
    return None


def _rows(reader: Any, width: int, path: str, columns: Columns) -> Iterator[Numbered]:
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field limit" in str(error):
                expected = f"fields of at most {columns.max_bytes} characters"
                raise FormatError(path, number, expected, "a longer one") from None
            problem = Problem("a row of CSV", str(error))
            if "end of data" in str(error):
                problem = Problem("an end to what is quoted", "the end of the file")
            yield number, problem
            continue
        if row:
            wide = len(row) == width
            yield number, row if wide else Problem(f"{width} columns", f"{len(row)}")


def _text(file: BinaryIO, path: str, columns: Columns) -> Iterator[str]:
    """Yield the lines as text; a byte that is not UTF-8 becomes a surrogate, which no byte is."""
    for number, line in enumerate(bounded_lines(file, columns.max_bytes), start=1):
        if line is None:
            expected = f"lines of at most {columns.max_bytes} bytes"
            raise FormatError(path, number, expected, "a longer one")
        line = line.removeprefix(_BOM) if number == 1 else line
        yield line.decode("utf-8", "surrogateescape")
