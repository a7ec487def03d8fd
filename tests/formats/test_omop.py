from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import FormatError, UnsupportedError
from farmaner.formats.omop import NOTE_NLP, read_omop, write_omop

TEXT = 'Toma "oro", hoy\r\nanti-Ro y\ranti-La\n'
ORO = Entity(Span(6, 9), "NORMALIZABLES", "oro", 0.5, Concept("CHEBI:30050", 0.25))
ANTI_LA = Entity(Span(17, 34), "PROTEINAS", "anti- La", None, None, (Span(17, 22), Span(32, 34)))
DOCUMENT = Document("nota 1", TEXT, (ORO, ANTI_LA))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_an_entity_is_a_row_of_note_nlp(tmp_path: Path) -> None:
    write_omop([DOCUMENT], tmp_path, nlp_date="2026-01-31")
    first = rows(tmp_path / "note_nlp.csv")[0]
    assert tuple(first) == NOTE_NLP
    assert first.pop("nlp_system").startswith("farmaner ")
    assert {name: value for name, value in first.items() if value} == {
        "note_nlp_id": "1",
        "note_id": "1",
        "section_concept_id": "0",
        "snippet": TEXT,
        "offset": "6",
        "lexical_variant": "oro",
        "note_nlp_concept_id": "0",
        "note_nlp_source_concept_id": "0",
        "nlp_date": "2026-01-31",
        "term_modifiers": "label=NORMALIZABLES;score=0.5;code=CHEBI:30050;code_score=0.25",
    }
    assert rows(tmp_path / "note.csv") == [
        {"note_id": "1", "note_source_value": "nota 1", "note_text": TEXT}
    ]
    assert read_omop(tmp_path) == [DOCUMENT]


@pytest.mark.parametrize(
    ("ids", "numbers"), [(["901", "17"], ["901", "17"]), (["901", "b"], ["1", "2"])]
)
def test_ids_that_are_all_whole_numbers_are_the_note_ids(
    tmp_path: Path, ids: list[str], numbers: list[str]
) -> None:
    write_omop([Document(id_, "oro") for id_ in ids], tmp_path)
    assert [row["note_id"] for row in rows(tmp_path / "note.csv")] == numbers
    assert [document.id for document in read_omop(tmp_path)] == ids


def test_the_date_is_today_where_none_is_given(tmp_path: Path) -> None:
    write_omop([DOCUMENT], tmp_path)
    assert rows(tmp_path / "note_nlp.csv")[0]["nlp_date"] in (
        date.today().isoformat(),
        date.fromordinal(date.today().toordinal() - 1).isoformat(),
    )


def test_a_note_longer_than_the_limit_of_the_csv_module_is_read(tmp_path: Path) -> None:
    limit = 1000
    before = csv.field_size_limit(limit)  # whatever the readers of other tests left it at
    try:
        document = Document("1", "oro " * limit)
        write_omop([document], tmp_path)
        assert read_omop(tmp_path) == [document]
        assert csv.field_size_limit() == limit
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("note.csv", "note_text", "texto", ":1: expected a column note_text, found none"),
        ("note.csv", "\r\n1,", "\r\n2,", ", row 1: expected the note_id of a row in note.csv"),
        ("note_nlp.csv", "label=N", "X", ", row 1: expected an offset, and label=... in term_"),
        ("note_nlp.csv", "0.25", "z", ", row 1: expected numbers in term_modifiers, found some"),
        ("note_nlp.csv", ",oro,", ",ora,", ", row 1: expected the entity's text at its offsets"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, file: str, old: str, new: str, message: str
) -> None:
    write_omop([DOCUMENT], tmp_path)
    content = (tmp_path / file).read_bytes()
    assert old.encode() in content
    (tmp_path / file).write_bytes(content.replace(old.encode(), new.encode()))
    with pytest.raises(FormatError) as caught:
        read_omop(tmp_path)
    named = "note_nlp.csv" if "row" in message else file
    assert str(caught.value).startswith(f"{tmp_path / named}{message}")


def test_what_would_break_the_modifiers_is_refused(tmp_path: Path) -> None:
    entity = Entity(Span(0, 3), "X;Y", "oro")
    with pytest.raises(UnsupportedError):
        write_omop([Document("a", "oro", (entity,))], tmp_path)
