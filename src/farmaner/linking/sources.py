"""Terms from tables: CSV and TSV with named columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from farmaner.errors import FormatError
from farmaner.formats.files import read_text
from farmaner.linking.terms import Term

MAX_FIELD_CHARACTERS = 1_000_000


def read_table(
    path: Path | str,
    *,
    term_column: str = "term",
    code_column: str = "code",
    label_column: str | None = None,
    source: str = "table",
) -> Iterator[Term]:
    """Yield the terms of a CSV or TSV file (by its suffix: `.tsv`, `.tab` and `.txt` are TSV).

    The first row names the columns. A cell of several terms is one term; rows in which term and
    code are both empty are passed over. FormatError with file and row (counted in lines) where
    a column is missing, a row has too few cells, or a term has no code.
    """
    tabs = Path(path).suffix.lower() in (".tsv", ".tab", ".txt")
    text = read_text(path).removeprefix("\ufeff")
    rows = csv.reader(
        io.StringIO(text, newline=""),
        delimiter="\t" if tabs else ",",
        quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
    )
    header = next(rows, [])
    wanted = [term_column, code_column, *([label_column] if label_column else [])]
    for column in wanted:
        if column not in header:
            found = ", ".join(header) or "an empty file"
            raise FormatError(path, 1, f"a column named {column!r}", found)
    at = [header.index(column) for column in wanted]
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) <= max(at):
            expected = f"{len(header)} cells"
            raise FormatError(path, rows.line_num, expected, f"{len(row)}")
        term, code, *label = (row[index].strip() for index in at)
        if not term and not code:
            continue
        if not term or not code:
            found = "no code" if term else "no term"
            raise FormatError(path, rows.line_num, "a term and its code", found)
        yield Term(" ".join(term.split()), code, label[0] if label else "", 0, source)
