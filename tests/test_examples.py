"""The example notes fit their gold and hold what they were written to show; the demo shows it."""

from __future__ import annotations

import re
import runpy
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

import farmaner
from farmaner.document import Document
from farmaner.formats.brat import read_brat

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTES = EXAMPLES / "notes"
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


class ForgetfulRecognizer:
    """Answers with the gold, less every second entity, and calls every `contraste` a chemical."""

    def recognize_documents(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            spurious = [
                document.entity("NORMALIZABLES", *match.span())
                for match in re.finditer("contraste", document.text)
            ]
            yield document.with_entities([*document.entities[::2], *spurious])


def run_demo(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(farmaner, "load", ForgetfulRecognizer, raising=False)
    monkeypatch.setattr("sys.argv", ["demo.py", *arguments])
    for variable in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)
    runpy.run_path(str(EXAMPLES / "demo.py"), run_name="__main__")


@pytest.mark.parametrize("columns", [80, 120])
def test_the_demo_shows_six_notes_and_scores_all_within_the_terminal(
    columns: int,
    notes: dict[str, Document],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    run_demo(monkeypatch)
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert max(cell_len(line) for line in lines) <= columns
    assert sum(line.split(" ")[0] in notes for line in lines) == 6
    assert "‹apixabán·N› 5 mg/12 h" in printed
    assert "[-NT-proBNP·P-] 4.870 pg/ml" in printed
    assert "{+contraste·N+} intravenoso" in printed
    scored = [
        [entity for entity in note.entities if entity.label != "UNCLEAR"] for note in notes.values()
    ]
    row = next(line.split() for line in lines if line.split()[:1] == ["all"])
    n_gold, n_found, n_missed, n_spurious = (int(cell) for cell in row[1:5])
    assert n_gold == sum(map(len, scored)) == n_found + n_missed
    assert n_spurious == sum(note.text.count("contraste") for note in notes.values())
    assert re.search(rf"^{len(notes)} documents in \d", printed, re.MULTILINE)


def test_the_demo_can_show_fewer_notes(
    notes: dict[str, Document],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_demo(monkeypatch, "--notes", "0")
    lines = capsys.readouterr().out.splitlines()
    assert not any(line.split(" ")[0] in notes for line in lines)
    assert any(line.split()[:1] == ["all"] for line in lines)


def test_the_demo_puts_disagreeing_entities_side_by_side_and_loses_no_text() -> None:
    highlight = runpy.run_path(str(EXAMPLES / "demo.py"))["highlight"]
    console = Console(color_system=None)
    document = Document("d", "Toma hierro sacarosa hoy.")
    gold = document.with_entities([document.entity("NORMALIZABLES", 5, 20)])
    found = document.with_entities([document.entity("PROTEINAS", 5, 11)])
    marked = highlight(gold, found, console=console)
    assert marked.plain == "Toma [-hierro sacarosa·N-]{+hierro·P+} hoy."
    assert highlight(gold, gold, console=console).plain == "Toma ‹hierro sacarosa·N› hoy."


def test_the_demo_tells_labels_by_colour_where_there_is_one_and_by_letter_under_no_color() -> None:
    mark = runpy.run_path(str(EXAMPLES / "demo.py"))["mark"]
    coloured = mark(
        "TSH", "PROTEINAS", "found", console=Console(color_system="standard", no_color=False)
    )
    assert (coloured.plain, str(coloured.style)) == ("‹TSH›", "bold green")
    bare = Console(color_system="standard", no_color=True)
    assert mark("TSH", "PROTEINAS", "found", console=bare).plain == "‹TSH·P›"
