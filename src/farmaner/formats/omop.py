"""OMOP: a folder with `note_nlp.csv`, a row an entity, and `note.csv`, a row a document.

The columns of NOTE_NLP are those of the OMOP Common Data Model 5.4; of NOTE there are the three
that a document has, `note_id`, `note_source_value` (the document's id) and `note_text`. Where
every id is a whole number it is the `note_id` too, else notes are numbered from 1. `offset`
counts code points. Concept ids are 0, "no matching concept": which concept of the vocabulary a
code is, only the vocabulary knows. Label, code and scores are in `term_modifiers`, as
`label=...;code=...`. `term_exists` is empty: that a name is in a text says neither that the
substance was taken nor that it was not.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from farmaner.document import Concept, Document, Entity
from farmaner.errors import UnsupportedError
from farmaner.formats.files import make_folder, read_text, write_parts
from farmaner.formats.losses import Holds, Losses, fit
from farmaner.formats.reading import Where, bare_entity, place_written

HOLDS = Holds()
NOTE = ("note_id", "note_source_value", "note_text")
NOTE_NLP = (
    "note_nlp_id",
    "note_id",
    "section_concept_id",
    "snippet",
    "offset",
    "lexical_variant",
    "note_nlp_concept_id",
    "note_nlp_source_concept_id",
    "nlp_system",
    "nlp_date",
    "nlp_datetime",
    "term_exists",
    "term_temporal",
    "term_modifiers",
)
_SNIPPET = 60  # characters on both sides; the model's column has 250


def read_omop(folder: Path | str) -> list[Document]:
    """Read the documents of a folder; FormatError with the row for what does not fit."""
    folder = Path(folder)
    rows: dict[str, list[tuple[Where, dict[str, str]]]] = {}
    for where, row in _rows(folder / "note_nlp.csv", NOTE_NLP):
        rows.setdefault(row["note_id"], []).append((where, row))
    documents = []
    for _, note in _rows(folder / "note.csv", NOTE):
        mine = rows.pop(note["note_id"], [])
        text = note["note_text"]
        written = [(_read_entity(row, where), row["lexical_variant"]) for where, row in mine]
        entities = place_written(text, written, [where for where, _ in mine])
        documents.append(Document(note["note_source_value"] or note["note_id"], text, entities))
    for of_note in rows.values():
        raise of_note[0][0].error("the note_id of a row in note.csv", "another")
    return documents


def write_omop(
    documents: Iterable[Document], folder: Path | str, *, nlp_date: str | None = None
) -> Losses:
    """Write documents to a folder and return what it cannot hold; holds all of them in memory.

    `nlp_date` is today where it is not given. UnsupportedError for a label or a code with `;`
    or a line end in it.
    """
    folder = Path(folder)
    losses: Losses = Counter()
    fitted = [fit(document, HOLDS, losses) for document in documents]
    ids = [document.id for document in fitted]
    whole = all(id_.isdecimal() and id_.isascii() for id_ in ids) and len(set(ids)) == len(ids)
    numbers = ids if whole else [str(number) for number in range(1, len(ids) + 1)]
    numbered = list(zip(numbers, fitted, strict=True))
    make_folder(folder)
    notes = ((number, document.id, document.text) for number, document in numbered)
    write_parts(folder / "note.csv", _csv(NOTE, notes))
    rows = _note_nlp(numbered, nlp_date or date.today().isoformat())
    write_parts(folder / "note_nlp.csv", _csv(NOTE_NLP, rows))
    return losses


def _note_nlp(numbered: Iterable[tuple[str, Document]], day: str) -> Iterator[tuple[Any, ...]]:
    system = f"farmaner {version('farmaner')}"
    row_id = 0
    for number, document in numbered:
        for entity in document.entities:
            row_id += 1
            around = slice(max(0, entity.start - _SNIPPET), entity.end + _SNIPPET)
            place = (document.text[around][:250], entity.start, entity.text)
            modifiers = _modifiers(entity, document.id)
            yield (row_id, number, 0, *place, 0, 0, system, day, "", "", "", modifiers)


def _modifiers(entity: Entity, id_: str) -> str:
    values: dict[str, object] = {"label": entity.label}
    if entity.score is not None:
        values["score"] = entity.score
    if entity.concept is not None:
        values["code"] = entity.concept.code
        if entity.concept.score is not None:
            values["code_score"] = entity.concept.score
    if entity.fragments:
        values["fragments"] = " ".join(f"{span.start}-{span.end}" for span in entity.fragments)
    for value in values.values():
        if set(str(value)) & set(";\r\n"):
            raise UnsupportedError(
                f"{id_}: expected labels and codes without ; and line ends, found another"
            )
    return ";".join(f"{name}={value}" for name, value in values.items())


def _csv(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)  # lines end with CR LF, so both are quoted inside a field
    writer.writerow(columns)
    for row in rows:
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _rows(path: Path, columns: Iterable[str]) -> Iterator[tuple[Where, dict[str, str]]]:
    text = read_text(path).removeprefix("\ufeff")
    before = csv.field_size_limit(sys.maxsize)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), restval="")
        missing = [name for name in columns if name not in (reader.fieldnames or [])]
        if missing:
            raise Where(path, 1).error(f"a column {missing[0]}", "none")
        for number, row in enumerate(reader, start=1):
            yield Where(path, part=f"row {number}"), row
    except csv.Error as error:
        raise Where(path).error("a CSV file", str(error)) from None
    finally:
        csv.field_size_limit(before)


def _read_entity(row: dict[str, str], where: Where) -> Entity:
    pairs = (part.partition("=") for part in row["term_modifiers"].split(";"))
    values = {name: value for name, _, value in pairs}
    if not row["offset"].isdecimal() or not values.get("label"):
        raise where.error("an offset, and label=... in term_modifiers", "others")
    start = int(row["offset"])
    spans = [(start, start + len(row["lexical_variant"]))]
    try:
        score, code_score = (_number(values.get(name)) for name in ("score", "code_score"))
        if values.get("fragments"):
            parts = (part.partition("-") for part in values["fragments"].split(" "))
            spans = [(int(first), int(last)) for first, _, last in parts]
    except ValueError:
        raise where.error("numbers in term_modifiers", "something else") from None
    concept = Concept(values["code"], code_score) if values.get("code") else None
    return bare_entity(spans, values["label"], where, score=score, concept=concept)


def _number(value: str | None) -> float | None:
    return None if value is None else float(value)
