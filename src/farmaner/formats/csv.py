"""CSV: documents in, an id and a text a row; entities out, one a row.

Reading is strict: a quote that is never closed, or a row with more or fewer columns than the
head, is a problem of that row. What is written has the head of `HEAD`; a document without
entities has one row with nothing but its id, so that every document is there.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from farmaner.document import Document
from farmaner.errors import FormatError
from farmaner.formats.opening import unpacked_name
from farmaner.formats.rows import Columns, Problem, Row, bounded_lines, make_row

HEAD = "id,label,start,end,text,score,code,code_score\n"
_SCORE_DIGITS = 4


def format_csv(document: Document) -> str:
    """Return the rows of a document, without a head."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for entity in document.entities:
        concept = entity.concept
        scores = [entity.score, None if concept is None else concept.score]
        score, code_score = ("" if s is None else round(s, _SCORE_DIGITS) for s in scores)
        code = "" if concept is None else concept.code
        place = (entity.label, entity.start, entity.end, entity.text)
        writer.writerow([document.id, *place, score, code, code_score])
    if not document.entities:
        writer.writerow([document.id, *[""] * HEAD.count(",")])
    return file.getvalue()


def read_csv_rows(file: BinaryIO, path: str, columns: Columns) -> Iterator[Row]:
    """Yield the rows after the head, holding one at a time; numbers are those of lines.

    A row that is not UTF-8 or not as wide as the head is a Problem. Raises FormatError where the
    head lacks a column, and where a record is so long that a quote must have been left open.
    """
    most = 2**31 - 1  # what every platform takes
    csv.field_size_limit(most if columns.max_bytes < 0 else min(columns.max_bytes, most))
    delimiter = columns.delimiter or ("\t" if unpacked_name(path).endswith(".tsv") else ",")
    reader = csv.reader(_text(file, path, columns), delimiter=delimiter, strict=True)
    head = _head(reader, path)
    places = [_place(name, head, path) for name in (columns.id, columns.text)]
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field limit" in str(error):
                raise FormatError(
                    path,
                    number,
                    f"fields of at most {columns.max_bytes} characters",
                    "a longer one",
                ) from None
            problem = Problem("a row of CSV", str(error))
            if "end of data" in str(error):
                problem = Problem("an end to what is quoted", "the end of the file")
            yield Row(number, None, problem)
            continue
        if not row:
            continue
        if len(row) != len(head):
            yield Row(number, None, Problem(f"{len(head)} columns", f"{len(row)}"))
            continue
        yield _row(number, row[places[0]], row[places[1]], columns)


def _head(reader: Iterator[list[str]], path: str) -> list[str]:
    try:
        head = next(reader, [])
    except csv.Error as error:
        raise FormatError(path, 1, "a row of column names", str(error)) from None
    return [name.removeprefix("\ufeff") for name in head[:1]] + head[1:]


def _place(name: str, head: list[str], path: str) -> int:
    if head.count(name) == 1:
        return head.index(name)
    found = "two" if name in head else f"the columns {', '.join(head)}" if head else "nothing"
    raise FormatError(path, 1, f"a column {name!r}", found)


def _text(file: BinaryIO, path: str, columns: Columns) -> Iterator[str]:
    """Yield the lines as text; a byte that is not UTF-8 becomes a surrogate, which no byte is."""
    for number, line in enumerate(bounded_lines(file, columns.max_bytes), start=1):
        if line is None:
            expected = f"lines of at most {columns.max_bytes} bytes"
            raise FormatError(path, number, expected, "a longer one")
        yield line.decode("utf-8", "surrogateescape")


def _row(number: int, id_: str, text: str, columns: Columns) -> Row:
    for value in (id_, text):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            byte = ord(value[error.start]) - 0xDC00
            problem = Problem("UTF-8 text", f"byte 0x{byte:02X}")
            return Row(number, id_ if value is text else None, problem)
    return make_row(number, id_, text, columns)
