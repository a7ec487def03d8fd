from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import FormatError, UnsupportedError
from farmaner.formats.losses import Loss
from farmaner.formats.pubtator import read_pubtator, write_pubtator

CDR = (
    "12345|t|Coma por paracetamol.\n"
    "12345|a|La N-acetilcisteína | el oro.\n"
    "12345\t9\t20\tparacetamol\tChemical\tD000082\n"
    "12345\t25\t41\tN-acetilcisteína\tChemical\t-\n"
    "12345\tCID\tD000082\tD003128\n"
    "\n"
    "67890|t|Oro\n"
    "67890|a|\n"
)
PARACETAMOL = Entity(Span(9, 20), "Chemical", "paracetamol", None, Concept("D000082"))
DOCUMENTS = [
    Document("12345", "Coma por paracetamol.\nLa N-acetilcisteína | el oro.").with_entities(
        [PARACETAMOL, Entity(Span(25, 41), "Chemical", "N-acetilcisteína")]
    ),
    Document("67890", "Oro"),
]


def test_offsets_run_over_title_and_abstract_and_relations_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.pubtator"
    path.write_text(CDR, encoding="utf-8")
    assert read_pubtator(path) == DOCUMENTS
    losses = write_pubtator(DOCUMENTS, path)
    assert +losses == Counter()
    assert path.read_text(encoding="utf-8") == (
        CDR.replace("\t-\n", "\n").replace("12345\tCID\tD000082\tD003128\n", "") + "\n"
    )


def test_line_ends_after_the_first_become_spaces_and_offsets_stay(tmp_path: Path) -> None:
    text = "Dx.\r\nToma\toro\r\ny plata\n"
    document = Document("a", text, (Entity(Span(5, 13), "X", "Toma\toro"),))
    losses = write_pubtator([document], tmp_path / "a.pubtator")
    assert +losses == {Loss.LINE_END: 4}
    assert read_pubtator(tmp_path / "a.pubtator") == [
        Document("a", "Dx. \nToma\toro  y plata ", document.entities)
    ]


def test_an_entity_over_a_last_line_end_keeps_its_place(tmp_path: Path) -> None:
    document = Document("a", "oro\n", (Entity(Span(2, 4), "X", "o\n"),))
    assert +write_pubtator([document], tmp_path / "a") == {Loss.LINE_END: 1}
    assert read_pubtator(tmp_path / "a") == [
        Document("a", "oro ", (Entity(Span(2, 4), "X", "o "),))
    ]


def test_offsets_counted_in_utf16_are_realigned_by_the_text(tmp_path: Path) -> None:
    path = tmp_path / "a.pubtator"
    path.write_text("1|t|💊 oro\n1|a|\n1\t3\t6\toro\tX\n", encoding="utf-8")
    assert read_pubtator(path) == [Document("1", "💊 oro", (Entity(Span(2, 5), "X", "oro"),))]


@pytest.mark.parametrize(
    ("content", "where", "message"),
    [
        ("1|a|oro\n", ":1", "expected a title, ID|t|..., found another line"),
        ("1|t|oro\n2|a|oro\n", ":2", "expected the title's id, found another"),
        (
            "1|t|oro\n1|a|\n2\t0\t3\toro\tX\n",
            ":3",
            "expected the title's id and tabs, found another",
        ),
        ("1|t|oro\n1|a|\n1\t0\tz\toro\tX\n", ":3", "expected two offsets after the id, found some"),
        ("1|t|oro\n1|a|\n1\t3\t3\toro\tX\n", ":3", "expected offsets with 0 <= start < end"),
        ("1|t|oro\n1|a|\n1\t0\t3\tora\tX\n", ":3", "expected the entity's text at its offsets"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, content: str, where: str, message: str) -> None:
    path = tmp_path / "a.pubtator"
    path.write_text(content)
    with pytest.raises(FormatError) as caught:
        read_pubtator(path)
    assert str(caught.value).startswith(f"{path}{where}: {message}")


def test_an_id_that_would_break_a_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError):
        write_pubtator([Document("a|b", "oro")], tmp_path / "a.pubtator")
