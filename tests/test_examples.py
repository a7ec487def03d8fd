"""The example notes: they read, they fit, and they hold what they were written to show."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest

from farmaner.document import Document
from farmaner.formats.brat import read_brat

NOTES = Path(__file__).parents[1] / "examples" / "notes"
LABELS = {"NORMALIZABLES", "NO_NORMALIZABLES", "PROTEINAS", "UNCLEAR"}


@pytest.fixture(scope="module")
def notes() -> dict[str, Document]:
    return {note.id: note for note in read_brat(NOTES, realign=False)}


def test_there_are_at_least_thirty_notes_and_every_text_has_its_gold(
    notes: dict[str, Document],
) -> None:
    assert len(notes) >= 30
    assert {path.stem for path in NOTES.glob("*.txt")} == set(notes)
    assert {path.stem for path in NOTES.glob("*.ann")} == set(notes)


def test_every_surface_equals_its_slice_of_the_stored_bytes(notes: dict[str, Document]) -> None:
    for id_, note in notes.items():
        stored = (NOTES / f"{id_}.txt").read_bytes().decode("utf-8")
        assert note.text == stored, id_
        for entity in note.entities:
            assert stored[entity.start : entity.end] == entity.text, id_
            assert entity.text == entity.text.strip(), id_


def test_entities_are_contiguous_ordered_and_never_overlap(notes: dict[str, Document]) -> None:
    for id_, note in notes.items():
        assert not any(entity.discontinuous for entity in note.entities), id_
        for left, right in pairwise(note.entities):
            assert left.end <= right.start, f"{id_}: {left.key} {right.key}"


def test_the_gold_uses_all_four_labels_and_no_other(notes: dict[str, Document]) -> None:
    assert {entity.label for note in notes.values() for entity in note.entities} == LABELS


def test_no_surface_form_carries_two_labels(notes: dict[str, Document]) -> None:
    label_of: dict[str, str] = {}
    for note in notes.values():
        for entity in note.entities:
            form = unicodedata.normalize("NFC", entity.text).casefold()
            assert label_of.setdefault(form, entity.label) == entity.label, entity.key


def test_codes_are_snomed_ct_or_null(notes: dict[str, Document]) -> None:
    codes = {
        entity.concept.code for note in notes.values() for entity in note.entities if entity.concept
    }
    assert len(codes) > 100
    assert {code for code in codes if not code.isdigit()} <= {"<null>"}


def test_several_notes_end_their_lines_with_crlf_and_only_with_crlf(
    notes: dict[str, Document],
) -> None:
    crlf = [note for note in notes.values() if "\r\n" in note.text]
    assert len(crlf) >= 3
    for note in crlf:
        assert note.text.count("\r") == note.text.count("\n") == note.text.count("\r\n"), note.id
        assert any(entity.start > note.text.rindex("\r\n", 0, -2) for entity in note.entities)


def test_a_note_has_entities_after_emoji_outside_the_basic_plane(
    notes: dict[str, Document],
) -> None:
    note = notes["mensaje-teleconsulta"]
    first_emoji = next(i for i, character in enumerate(note.text) if ord(character) > 0xFFFF)
    assert sum(entity.start > first_emoji for entity in note.entities) >= 5
    assert "\u200d" in note.text


def test_a_note_is_in_decomposed_unicode_with_accents_inside_entities(
    notes: dict[str, Document],
) -> None:
    note = notes["anemia-megaloblastica"]
    assert note.text == unicodedata.normalize("NFD", note.text)
    assert "a\u0301cido fo\u0301lico" in {entity.text for entity in note.entities}


def test_some_notes_have_nothing_to_find_and_one_of_them_is_nearly_empty(
    notes: dict[str, Document],
) -> None:
    without = {id_ for id_, note in notes.items() if not note.entities}
    assert without == {"evolutivo-breve", "revision-rodilla", "tac-sin-hallazgos"}
    assert all((NOTES / f"{id_}.ann").read_bytes() == b"" for id_ in without)
    assert len(notes["evolutivo-breve"].text) < 20


def test_a_note_is_one_line_of_about_fifteen_hundred_characters(
    notes: dict[str, Document],
) -> None:
    text = notes["resumen-una-linea"].text
    assert "\n" not in text
    assert 1400 < len(text) < 1600


def test_columns_are_tabbed_and_greek_letters_stand_inside_entities(
    notes: dict[str, Document],
) -> None:
    assert notes["analitica-columnas"].text.count("\t") > 40
    greek = {entity.text for entity in notes["mieloma-griego"].entities}
    assert {"IgG-κ", "β2-microglobulina", "interferón α", "TNF-α"} <= greek


def test_git_is_told_to_leave_every_byte_alone() -> None:
    assert (NOTES / ".gitattributes").read_text("utf-8") == "* -text\n"


def test_brat_is_told_the_four_labels() -> None:
    lines = (NOTES / "annotation.conf").read_text("utf-8").splitlines()
    entities = lines[lines.index("[entities]") + 1 : lines.index("[relations]")]
    assert {line for line in entities if line} == LABELS
