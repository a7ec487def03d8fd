"""CSV: a document a row, with its entities as JSON; or an entity a row, as `annotate` writes it.

The first has the columns `id`, `text` and `entities`, a JSON list of what a JSON line has under
that name. The second has the head of `HEAD` and no texts; a document without entities has one row
with nothing but its id, so that every document is there.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import BinaryIO

from farmaner.document import Document, Entity
from farmaner.errors import CorpusError, FormatError
from farmaner.formats.files import write_parts
from farmaner.formats.jsonl import Unreadable, document_to_json, read_entities, read_entity
from farmaner.formats.losses import Holds, Losses, fit_all
from farmaner.formats.opening import open_binary
from farmaner.formats.reading import Where
from farmaner.formats.records import Records, delimiter_of, not_utf8, read_records
from farmaner.formats.rows import Columns, Problem, Row, make_row

HEAD = "id,label,start,end,text,score,code,code_score\n"
HOLDS = Holds()
_PLAIN = Columns()
_SCORE_DIGITS = 4


def read_csv(
    path: Path | str, *, columns: Columns = _PLAIN, texts: Iterable[Document] | None = None
) -> Iterator[Document]:
    """Yield the documents of a file, one a row, holding one at a time.

    Without a column `entities` they have none; other columns are passed over. A file with the
    head of `HEAD` takes the documents' texts from `texts`, by id, and holds those in memory.
    Raises FormatError with file and line for a row that is none, an entity that does not fit its
    text included.
    """
    name = str(path)
    with open_binary(name) as file:
        records = read_records(file, name, columns)
        of_entities = records.head == HEAD.strip().split(",")
        if of_entities and texts is None:
            expected = "texts beside this table of entities (--texts)"
            raise FormatError(path, 1, expected, "none")
        if not of_entities and texts is not None:
            expected = "the head of a table of entities, which needs texts beside it"
            raise FormatError(path, 1, expected, f"the columns {', '.join(records.head)}")
        yield from (_documents(records, columns) if texts is None else _with_texts(records, texts))


def write_csv(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write documents to a file, one a row, complete or not at all; return what it cannot hold.

    Between columns there is a tab where the name ends in `.tsv`, else a comma.
    """
    losses: Losses = Counter()
    delimiter = delimiter_of(str(path), _PLAIN)
    head = delimiter.join(("id", "text", "entities")) + "\n"
    rows = (_format_row(one, delimiter) for one in fit_all(documents, HOLDS, losses))
    write_parts(Path(path), chain([head], rows))
    return losses


def format_csv(document: Document) -> str:
    """Return the rows of a document's entities, without a head."""
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
    records = read_records(file, path, columns)
    id_, text = records.place(columns.id), records.place(columns.text)
    for number, row in records.rows:
        if isinstance(row, Problem):
            yield Row(number, None, row)
        else:
            yield _row(number, row[id_], row[text], columns)


def _row(number: int, id_: str, text: str, columns: Columns) -> Row:
    for value, name in ((id_, None), (text, id_)):
        problem = not_utf8([value])
        if problem is not None:
            return Row(number, name, problem)
    return make_row(number, id_, text, columns)


def _format_row(document: Document, delimiter: str) -> str:
    entities = json.dumps(document_to_json(document)["entities"], ensure_ascii=False)
    file = io.StringIO()
    # all is quoted: of itself only Python 3.13 quotes a lone carriage return
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow([document.id, document.text, entities])
    return file.getvalue()


def _documents(records: Records, columns: Columns) -> Iterator[Document]:
    id_, text = records.place(columns.id), records.place(columns.text)
    entities = records.place("entities") if "entities" in records.head else None
    for number, row in records.whole_rows():
        where = Where(records.path, number)
        read = make_row(number, row[id_], row[text], columns)
        if isinstance(read.text, Problem):
            raise where.error(read.text.expected, read.text.found)
        found = () if entities is None else _entities(row[entities], read.text, where)
        yield Document(row[id_], read.text, found)


def _entities(value: str, text: str, where: Where) -> tuple[Entity, ...]:
    try:
        values = json.loads(value)
    except (ValueError, RecursionError):
        raise where.error('a JSON list under "entities"', "something else") from None
    return read_entities(values, text, where)


def _with_texts(records: Records, texts: Iterable[Document]) -> Iterator[Document]:
    """Yield the documents of a table of entities, in which the rows of each are together."""
    text_of: dict[str, str] = {}
    for document in texts:
        if document.id in text_of:
            raise CorpusError(f"texts: expected each document id once, found {document.id!r} again")
        text_of[document.id] = document.text
    for id_, group in groupby(records.whole_rows(), key=lambda numbered: numbered[1][0]):
        rows = list(group)
        text = text_of.pop(id_, None)
        if text is None:
            expected = "the id of a text, all of its rows together"
            raise FormatError(records.path, rows[0][0], expected, "another")
        if not any(rows[0][1][1:]):
            rows = rows[1:]
        found = (_entity(row, text, Where(records.path, number)) for number, row in rows)
        yield Document(id_, text, tuple(found))


def _entity(row: list[str], text: str, where: Where) -> Entity:
    _, label, start, end, surface, score, code, code_score = row
    try:
        values = {
            "label": label,
            "start": int(start),
            "end": int(end),
            "text": surface,
            "score": float(score) if score else None,
            "code": code or None,
            "code_score": float(code_score) if code_score else None,
        }
    except ValueError:
        raise where.error("numbers under start, end and the scores", "something else") from None
    try:
        return read_entity(values, text)
    except Unreadable as error:
        raise where.error(error.expected, error.found) from None
