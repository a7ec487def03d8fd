"""Files to items: each a document, or a failure that says why there is none."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from farmaner.document import Document
from farmaner.errors import CorpusError, FarmanerError, FormatError, MissingExtraError
from farmaner.formats.files import decode_text
from farmaner.formats.opening import open_binary, reason, stream_errors, unpacked
from farmaner.formats.rows import Columns, Problem, Row
from farmaner.jobs.inputs import STDIN, InputFile


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that could not be annotated: its id where known, its place, and why.

    A place is a file, or a file and a line (Parquet: a row), from 1.
    """

    id: str | None
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Item:
    """What a place of the input holds, and about how many bytes of the files it took."""

    place: str
    found: Document | Failure
    n_bytes: int


def read_items(files: Iterable[InputFile], columns: Columns) -> Iterator[Item]:
    """Yield the items of files in order, one at a time; a file that breaks off is a failure."""
    for file in files:
        if file.format == "txt":
            yield _read_text(file, columns.max_chars)
        else:
            yield from _read_table(file, columns)


def check_table(file: InputFile, columns: Columns) -> None:
    """Raise FormatError for a table that lacks a column or is no table of its format."""
    if file.name == STDIN or file.format not in ("csv", "parquet"):
        return
    with open_binary(file.name) as raw:
        next(_rows(file, raw, columns), None)


def _read_text(file: InputFile, max_chars: int | None) -> Item:
    name = "stdin" if file.name == STDIN else file.name
    try:
        text = decode_text(_read_bytes(file, max_chars), name)
        _check_id(file.id)
        if max_chars is not None and len(text) > max_chars:
            raise _Unfit(Problem(f"a text of at most {max_chars} characters", f"{len(text)}"))
        found: Document | Failure = Document(file.id, text)
    except _Unfit as error:
        found = Failure(file.id, name, str(error))
    except (MissingExtraError, KeyboardInterrupt):
        raise
    except FarmanerError as error:
        found = Failure(file.id, name, str(error).removeprefix(f"{name}: "))
    return Item(name, found, file.n_bytes or 0)


def _read_bytes(file: InputFile, max_chars: int | None) -> bytes:
    """Return a text's bytes, of a text that is surely too long no more than show it."""
    limit = -1 if max_chars is None else 4 * max_chars + 1
    if file.name == STDIN:
        data = sys.stdin.buffer.read(limit)
    else:
        with open_binary(file.name) as raw:
            try:
                data = unpacked(raw, file.name).read(limit)
            except stream_errors(file.name) as error:
                found = reason(error) if isinstance(error, OSError) else "a broken stream"
                raise CorpusError(
                    f"{file.name}: expected a readable file, found: {found}"
                ) from None
    if max_chars is not None and len(data) == limit:
        raise _Unfit(Problem(f"a text of at most {max_chars} characters", "a longer one"))
    return data


def _check_id(id_: str) -> None:
    try:
        id_.encode("utf-8")
    except UnicodeEncodeError:
        raise _Unfit(Problem("a file name that is UTF-8", "another")) from None


class _Unfit(Exception):  # noqa: N818  becomes a Failure at once
    """A text that can be read and is not to be annotated."""


def _read_table(file: InputFile, columns: Columns) -> Iterator[Item]:
    """Yield a table's items; where it breaks off, the last is a failure of the file itself."""
    name = "stdin" if file.name == STDIN else file.name
    number, taken = 0, 0
    try:
        raw = sys.stdin.buffer if file.name == STDIN else open_binary(file.name)
        with raw if raw is not sys.stdin.buffer else contextlib.nullcontext():
            for row in _rows(file, raw, columns):
                number = row.number
                position = _position(raw, file)
                yield _item(row, name, position - taken)
                taken = position
    except MissingExtraError:
        raise
    except FarmanerError as error:
        where = f"{name}:{error.line}" if isinstance(error, FormatError) and error.line else name
        why = str(error).removeprefix(f"{where}: ")
        yield Item(where, Failure(None, where, why), (file.n_bytes or taken) - taken)
    except stream_errors(file.name) as error:
        found = reason(error) if isinstance(error, OSError) else "a broken stream"
        failure = Failure(
            None, name, f"expected a file to its end, found {found} after line {number}"
        )
        yield Item(name, failure, (file.n_bytes or taken) - taken)


def _rows(file: InputFile, raw: BinaryIO, columns: Columns) -> Iterator[Row]:
    name = "stdin" if file.name == STDIN else file.name
    if file.format == "parquet":
        from farmaner.formats.parquet import read_parquet_rows

        return read_parquet_rows(raw, name, columns)
    stream = unpacked(raw, file.name)
    if file.format == "csv":
        from farmaner.formats.csv import read_csv_rows

        return read_csv_rows(stream, name, columns)
    from farmaner.formats.jsonl import read_jsonl_rows

    return read_jsonl_rows(stream, name, columns)


def _position(raw: BinaryIO, file: InputFile) -> int:
    """Return how many bytes of the file have been read; 0 where it cannot say."""
    if file.name == STDIN:
        return 0
    try:
        return raw.tell()
    except (OSError, ValueError):
        return 0


def _item(row: Row, name: str, n_bytes: int) -> Item:
    place = f"{name}:{row.number}"
    if isinstance(row.text, Problem) or row.id is None:
        return Item(place, Failure(row.id, place, str(row.text)), n_bytes)
    return Item(place, Document(row.id, row.text), n_bytes)
