"""JSON Lines: a document a line, `{"id", "text", "entities": [{"label", "start", "end", ...}]}`.

Offsets count Unicode code points, end-exclusive. Each entity has `label`, `start`, `end`,
`text` and `score` (null where there is none), and where it has them `code`, `code_score` and
`fragments` (`[[start, end], ...]`). With the keys "hf", those of the transformers pipeline,
`label` is `entity_group` and `text` is `word`. Ids of entities and other lines of a brat file
are not carried.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, TextIO, TypeAlias

from farmaner.document import Concept, Document, Entity, Span
from farmaner.errors import FormatError, OffsetError
from farmaner.formats.files import decode_text, read_text, write_parts
from farmaner.formats.reading import Where
from farmaner.formats.rows import KINDS, Columns, Problem, Row, bounded_lines, kind_of, make_row

Keys: TypeAlias = Literal["farmaner", "hf"]

_NAMES: dict[Keys, tuple[str, str]] = {
    "farmaner": ("label", "text"),
    "hf": ("entity_group", "word"),
}
_SCORE_DIGITS = 4
# Signs that some readers take for line ends, and halves of UTF-16 pairs, which UTF-8 cannot hold.
_TO_ESCAPE = re.compile("[\x85\u2028\u2029\ud800-\udfff]")


def document_to_json(
    document: Document, *, keys: Keys = "farmaner", with_text: bool = True
) -> dict[str, Any]:
    """Return a document as JSON values, scores rounded to 4 digits."""
    row: dict[str, Any] = {"id": document.id}
    if with_text:
        row["text"] = document.text
    row["entities"] = [_entity_to_json(entity, keys) for entity in document.entities]
    return row


def format_jsonl(document: Document, *, keys: Keys = "farmaner", with_text: bool = True) -> str:
    """Return a document as one line of JSON, its line end included."""
    row = document_to_json(document, keys=keys, with_text=with_text)
    line = json.dumps(row, ensure_ascii=False, allow_nan=False)
    return _TO_ESCAPE.sub(lambda match: f"\\u{ord(match[0]):04x}", line) + "\n"


def write_jsonl(
    documents: Iterable[Document],
    file: Path | str | TextIO,
    *,
    keys: Keys = "farmaner",
    with_text: bool = True,
) -> None:
    """Write documents to a path, complete or not at all, or to an open text file one by one."""
    lines = (format_jsonl(document, keys=keys, with_text=with_text) for document in documents)
    if isinstance(file, (str, Path)):
        write_parts(Path(file), lines)
        return
    for line in lines:
        file.write(line)


def read_jsonl(path: Path | str, *, keys: Keys = "farmaner") -> list[Document]:
    """Read the documents of a file, in its order; blank lines and unknown keys are passed over.

    A line without `entities` is a document without any; an entity without its text takes the
    document's. Raises FormatError with file and line for anything else, an entity that does not
    fit its text included.
    """
    lines = enumerate(read_text(path).removeprefix("\ufeff").split("\n"), start=1)
    return [_read_line(line, path, number, keys) for number, line in lines if line.strip()]


def read_jsonl_rows(file: BinaryIO, path: str, columns: Columns) -> Iterator[Row]:
    """Yield the id and the text of each line, holding one at a time; blank lines are passed over.

    A line that is no JSON object in UTF-8, or lacks either, is a Problem.
    """
    for number, line in enumerate(bounded_lines(file, columns.max_bytes), start=1):
        if line is None:
            problem = Problem(f"a line of at most {columns.max_bytes} bytes", "a longer one")
            yield Row(number, None, problem)
            continue
        try:
            content = decode_text(line, path)
        except FormatError as error:
            yield Row(number, None, Problem(error.expected, error.found))
            continue
        content = content.removeprefix("\ufeff") if number == 1 else content
        if content.strip():
            yield _line_row(number, content, columns)


def _line_row(number: int, content: str, columns: Columns) -> Row:
    try:
        row = json.loads(content)
    except (ValueError, RecursionError):
        return Row(number, None, Problem("a JSON object", "something else"))
    if not isinstance(row, dict):
        return Row(number, None, Problem("a JSON object", kind_of(row)))
    return make_row(number, row.get(columns.id), row.get(columns.text), columns)


def _entity_to_json(entity: Entity, keys: Keys) -> dict[str, Any]:
    label, text = _NAMES[keys]
    score = None if entity.score is None else round(entity.score, _SCORE_DIGITS)
    row: dict[str, Any] = {
        label: entity.label,
        "start": entity.start,
        "end": entity.end,
        text: entity.text,
        "score": score,
    }
    if entity.fragments:
        row["fragments"] = [[span.start, span.end] for span in entity.fragments]
    if entity.concept is not None:
        row["code"] = entity.concept.code
        if entity.concept.score is not None:
            row["code_score"] = round(entity.concept.score, _SCORE_DIGITS)
    return row


def _read_line(line: str, path: Path | str, number: int, keys: Keys) -> Document:
    try:
        row = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise FormatError(path, number, "a JSON object", "something else") from None
    if not isinstance(row, dict):
        raise FormatError(path, number, "a JSON object", kind_of(row))
    for key in ("id", "text"):
        if not isinstance(row.get(key), str):
            raise FormatError(path, number, f'a string under "{key}"', kind_of(row.get(key)))
    where = Where(path, number)
    entities = read_entities(row.get("entities", []), row["text"], where, keys=keys)
    return Document(row["id"], row["text"], entities)


def read_entities(
    values: object, text: str, where: Where, *, keys: Keys = "farmaner"
) -> tuple[Entity, ...]:
    """Return the entities of a JSON list; FormatError for what is none, or does not fit."""
    if not isinstance(values, list):
        raise where.error('a list under "entities"', kind_of(values))
    read: list[Entity] = []
    try:
        for value in values:
            read.append(read_entity(value, text, keys=keys))  # noqa: PERF401  counts them
    except Unreadable as error:
        raise where.error(error.expected, f"{error.found} in entity {len(read) + 1}") from None
    return tuple(read)


class Unreadable(Exception):  # noqa: N818  becomes a FormatError where the place is known
    """What an entity should have had and what it has."""

    def __init__(self, expected: str, found: str) -> None:
        self.expected, self.found = expected, found


def read_entity(row: object, text: str, *, keys: Keys = "farmaner") -> Entity:
    """Return the entity of a JSON object; Unreadable for one that does not fit."""
    if not isinstance(row, dict):
        raise Unreadable("a JSON object", kind_of(row))
    label_key, text_key = _NAMES[keys]
    if not isinstance(row.get(label_key), str):
        raise Unreadable(f'a string under "{label_key}"', kind_of(row.get(label_key)))
    surface = _optional(row, text_key, str)
    code = _optional(row, "code", str)
    try:
        entity = Entity(
            Span(_offset(row, "start"), _offset(row, "end")),
            row[label_key],
            surface or "",
            _number(row, "score"),
            None if code is None else Concept(code, _number(row, "code_score")),
            tuple(_read_fragment(pair) for pair in _optional(row, "fragments", list) or ()),
        )
    except OffsetError:
        raise Unreadable("offsets with start < end, fragments in order", "others") from None
    if entity.end > len(text):
        raise Unreadable(f"entities inside the text of {len(text)} characters", "an end past it")
    if surface is not None and entity.surface_in(text) != surface:
        raise Unreadable(f'the text at its place under "{text_key}"', "another text")
    return replace(entity, text=entity.surface_in(text))


def _read_fragment(pair: object) -> Span:
    if (
        not isinstance(pair, list)
        or len(pair) != 2
        or any(type(offset) is not int for offset in pair)
    ):
        raise Unreadable('pairs of offsets under "fragments"', "something else")
    return Span(pair[0], pair[1])


def _offset(row: dict[str, Any], key: str) -> int:
    value = row.get(key)
    if type(value) is not int:
        raise Unreadable(f'an integer under "{key}"', kind_of(value))
    return value


def _number(row: dict[str, Any], key: str) -> float | None:
    value = row.get(key)
    if value is not None and (type(value) not in (int, float) or not math.isfinite(value)):
        raise Unreadable(f'a finite number or null under "{key}"', kind_of(value))
    return value


def _optional(row: dict[str, Any], key: str, kind: type) -> Any:
    value = row.get(key)
    if value is not None and not isinstance(value, kind):
        raise Unreadable(f'a {KINDS[kind]} or null under "{key}"', kind_of(value))
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(name)
