"""The lines of a brat `.ann` file (brat.nlplab.org/standoff.html), read and written without text.

An entity is `T1<TAB>PROTEINAS 27 46<TAB>surface`, fragments joined by `;`; its concept is
`#1<TAB>AnnotatorNotes T1<TAB>code`. Every other line is kept as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from farmaner.document import Concept, Document, Entity, Span
from farmaner.errors import FormatError, OffsetError, UnsupportedError
from farmaner.formats.alignment import flatten

_BOM = "\ufeff"
_OTHER_KINDS = "ERAMN*#"
_SPAN = re.compile(r"(\d{1,18}) (\d{1,18})", re.ASCII)
_ENTITY_ID = re.compile(r"T\d+\S*", re.ASCII)
_NOTE_NUMBER = re.compile(r"#(\d+)\t", re.ASCII)
_NOTE = re.compile(r"#(\d*)\tAnnotatorNotes (T\d+\S*)\t(.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class AnnFile:
    """What an `.ann` file says, read without its text.

    `entities` are in the file's order, with offsets as written, the surface column as `text`
    and the first AnnotatorNotes about each as `concept`; `lines` are their line numbers, from 1.
    `other_lines` are all other lines. Where a file's notes are not one for each entity at
    most, in the entities' order and numbered from 1, they are kept among `other_lines` too, so
    that `format_ann` can put them back as they were.
    """

    path: str
    entities: tuple[Entity, ...] = ()
    lines: tuple[int, ...] = ()
    other_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    content: str


def parse_ann(text: str, path: Path | str = "<ann>") -> AnnFile:
    """Read the text of an `.ann` file; `path` is what errors call it.

    Blank lines, CR LF, a byte-order mark and a missing last line end are tolerated. Raises
    FormatError with the line for anything that is no annotation.
    """
    ann, errors = try_parse_ann(text, path)
    if errors:
        raise errors[0]
    return ann


def try_parse_ann(text: str, path: Path | str = "<ann>") -> tuple[AnnFile, list[FormatError]]:
    """Read the well-formed lines of an `.ann` file's text, and an error for each other line."""
    entities: list[Entity] = []
    numbers: list[int] = []
    others: list[_Line] = []
    errors: list[FormatError] = []
    for line in _lines(text):
        try:
            if line.content.startswith("T"):
                entities.append(_parse_entity(line.content, path, line.number))
                numbers.append(line.number)
            elif line.content[0] in _OTHER_KINDS and "\t" in line.content:
                others.append(line)
            else:
                found = "an unknown kind" if "\t" in line.content else "a line without tabs"
                raise FormatError(path, line.number, "a brat annotation with tabs", found)
        except FormatError as error:
            errors.append(error)
    coded, other_lines = _attach_notes(entities, others)
    return AnnFile(str(path), tuple(coded), tuple(numbers), tuple(other_lines)), errors


def format_ann(document: Document) -> str:
    """Return the text of a document's `.ann` file, empty where there is nothing to say.

    Entities keep their ids where these are unique, the others get free numbers; line breaks and
    tabs inside a surface become spaces, as in brat. `other_lines` follow the entities; the first
    of them that is an AnnotatorNotes about an entity is taken for the note its concept was read
    from: it keeps its number while the concept is the same, and gives way to another. Raises
    UnsupportedError for a label, a code or a line that the format cannot hold.
    """
    ids = _ids(document)
    notes = _own_notes(document.other_lines, ids)
    taken = _note_numbers(document.other_lines)
    free = (number for number in count(1) if str(number) not in taken)
    lines = []
    for id_, entity in zip(ids, document.entities, strict=True):
        lines.append(_format_entity(id_, entity, document.id))
        if entity.concept is None:
            continue
        code = _one_field(entity.concept.code, "code", document.id)
        own = _NOTE.fullmatch(document.other_lines[notes[id_]]) if id_ in notes else None
        if own and own[3].strip() == code:
            lines.append(_one_line(own[0], document.id))
        else:
            lines.append(f"#{next(free)}\tAnnotatorNotes {id_}\t{code}")
    written = set(notes.values())
    rest = (line for index, line in enumerate(document.other_lines) if index not in written)
    lines += [_one_line(line, document.id) for line in rest]
    return "".join(f"{line}\n" for line in lines)


def lines_beside_concepts(document: Document) -> tuple[str, ...]:
    """Return a document's `other_lines` without the notes that its concepts were read from."""
    notes = set(_own_notes(document.other_lines, _ids(document)).values())
    lines = enumerate(document.other_lines)
    return tuple(line for index, line in lines if index not in notes)


def format_spans(entity: Entity) -> str:
    """Return an entity's offsets as brat writes them: `27 46`, or `27 30;35 46` in fragments."""
    return ";".join(f"{span.start} {span.end}" for span in entity.fragments or (entity.span,))


def _lines(text: str) -> list[_Line]:
    lines = []
    for number, content in enumerate(text.removeprefix(_BOM).split("\n"), start=1):
        content = content.removesuffix("\r")
        if content.strip():
            lines.append(_Line(number, content))
    return lines


def _parse_entity(line: str, path: Path | str, number: int) -> Entity:
    fields = line.split("\t", 2)
    if len(fields) < 3:
        expected = "an id, a label with offsets and the surface between tabs"
        raise FormatError(path, number, expected, f"{len(fields) - 1} tabs")
    id_, place, surface = fields
    if not _ENTITY_ID.fullmatch(id_):
        raise FormatError(path, number, "an id of T and a number", "another id")
    label, _, written = place.partition(" ")
    matches = [_SPAN.fullmatch(part) for part in written.split(";")]
    if not label or not all(matches):
        expected = "a label and offsets such as 27 46 or 27 30;35 46"
        raise FormatError(path, number, expected, "a second field of another form")
    try:
        fragments = tuple(Span(int(match[1]), int(match[2])) for match in matches if match)
        hull = Span(fragments[0].start, fragments[-1].end)
        several = fragments if len(fragments) > 1 else ()
        return Entity(hull, label, surface, fragments=several, id=id_)
    except OffsetError:
        expected = "offsets with 0 <= start < end, fragments in order"
        raise FormatError(path, number, expected, written) from None


def _attach_notes(
    entities: Sequence[Entity], others: Sequence[_Line]
) -> tuple[list[Entity], list[str]]:
    """Return the entities with the concepts that notes give them, and the lines to keep."""
    coded = list(entities)
    index_by_id = {entity.id: index for index, entity in reversed(list(enumerate(entities)))}
    attached: set[int] = set()
    in_order, last = True, -1
    for line in others:
        match = _NOTE.fullmatch(line.content)
        index = index_by_id.get(match[2]) if match else None
        if match is None or index is None or not match[3].strip():
            continue
        if coded[index].concept:
            in_order = False
            continue
        coded[index] = replace(coded[index], concept=Concept(match[3].strip()))
        attached.add(line.number)
        plain = match[1] == str(len(attached)) and match[3] == match[3].strip()
        in_order = in_order and plain and index > last
        last = index
    others_numbers = _note_numbers(line.content for line in others if line.number not in attached)
    in_order = in_order and not any(str(n) in others_numbers for n in range(1, len(attached) + 1))
    kept = [line.content for line in others if not in_order or line.number not in attached]
    return coded, kept


def _ids(document: Document) -> list[str]:
    """Return an id for each entity: its own where it is one and unique, else a free number."""
    mentioned = set(re.findall(r"\bT\d+\b", "\n".join(document.other_lines), re.ASCII))
    kept: dict[str, int] = {}
    for index, entity in enumerate(document.entities):
        if entity.id is not None and _ENTITY_ID.fullmatch(entity.id):
            kept.setdefault(entity.id, index)
    ids, number = [], 0
    for index, entity in enumerate(document.entities):
        if entity.id is not None and kept.get(entity.id) == index:
            ids.append(entity.id)
            continue
        number += 1
        while f"T{number}" in kept or f"T{number}" in mentioned:
            number += 1
        ids.append(f"T{number}")
    return ids


def _note_numbers(lines: Iterable[str]) -> set[str]:
    return {match[1] for match in map(_NOTE_NUMBER.match, lines) if match}


def _own_notes(other_lines: Iterable[str], ids: Iterable[str]) -> dict[str, int]:
    """Return for each entity id the index of the kept line that its concept was read from."""
    known, notes = set(ids), dict[str, int]()
    for index, line in enumerate(other_lines):
        match = _NOTE.fullmatch(line)
        if match and match[2] in known and match[3].strip():
            notes.setdefault(match[2], index)
    return notes


def _format_entity(id_: str, entity: Entity, document_id: str) -> str:
    label = _one_field(entity.label, "label", document_id)
    return f"{id_}\t{label} {format_spans(entity)}\t{flatten(entity.text)}"


def _one_field(value: str, what: str, document_id: str) -> str:
    flaws = {
        "an empty one": not value.strip(),
        "a tab or line end in it": value != flatten(value),
        "spaces around it": value != value.strip(),
        "a space in it": what == "label" and " " in value,
    }
    for found, flawed in flaws.items():
        if flawed:
            raise UnsupportedError(
                f"{document_id}: expected a {what} that brat can write, found {found}"
            )
    return value


def _one_line(line: str, document_id: str) -> str:
    if "\n" in line or not line.strip():
        raise UnsupportedError(
            f"{document_id}: expected other_lines of one line each, found "
            + ("a line end inside one" if "\n" in line else "a blank one")
        )
    return line
