from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from farmaner import Document, Entity, Span
from farmaner.errors import FormatError, UnsupportedError
from farmaner.formats.conll import read_conll, write_conll
from farmaner.formats.losses import Loss

BSC = (
    "Mujer\tcaso-1\t0_5\tO\n"
    "con\tcaso-1\t6-9\tO\n"
    "atenolol\tcaso-1\t10_18\tB-NORMALIZABLES\n"
    ".\tcaso-1\t18_19\tO\n"
    "\n"
    "Ácido\tcaso-1\t21_26\tB-NORMALIZABLES\n"
    "fólico\tcaso-1\t27_33\tI-NORMALIZABLES\n"
    "PCR\tcaso-1\t34_37\tB-PROTEINAS\n"
    "PCR\tcaso-1\t38_41\tB-PROTEINAS\n"
    "\n"
    "Oro\tcaso-2\t3_6\tI-UNCLEAR\n"
)
CASES = [
    Document("caso-1", "Mujer con atenolol. \nÁcido fólico PCR PCR").with_entities(
        [
            Entity(Span(10, 18), "NORMALIZABLES", "atenolol"),
            Entity(Span(21, 33), "NORMALIZABLES", "Ácido fólico"),
            Entity(Span(34, 37), "PROTEINAS", "PCR"),
            Entity(Span(38, 41), "PROTEINAS", "PCR"),
        ]
    ),
    Document("caso-2", "   Oro", (Entity(Span(3, 6), "UNCLEAR", "Oro"),)),
]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_words_stand_at_their_offsets_and_sentences_on_lines(tmp_path: Path, line_end: str) -> None:
    path = tmp_path / "train.conll"
    path.write_bytes(BSC.replace("\n", line_end).encode())
    assert read_conll(path) == CASES


def test_documents_are_written_word_by_word(tmp_path: Path) -> None:
    path = tmp_path / "train.conll"
    losses = write_conll(CASES, path)
    assert (
        path.read_text(encoding="utf-8")
        == BSC.replace("6-9", "6_9").replace("I-UNCLEAR", "B-UNCLEAR") + "\n"
    )
    assert +losses == Counter()


def test_what_tags_cannot_say_is_counted(tmp_path: Path) -> None:
    text = "Anti-IL6 y oro-plata\n"
    document = Document("a", text).with_entities(
        [
            Entity(Span(5, 7), "PROTEINAS", "IL"),
            Entity(Span(6, 8), "PROTEINAS", "L6"),  # over the same word once widened
            Entity(Span(8, 9), "X", " "),
            Entity(Span(12, 14), "NORMALIZABLES", "ro"),
        ]
    )
    losses = write_conll([document, Document("b", " \n")], tmp_path / "a.conll")
    assert +losses == {
        Loss.OVERLAP: 1,
        Loss.BOUNDARY: 1,
        Loss.WORDLESS: 1,
        Loss.TEXT: 1,
        Loss.DOCUMENT: 1,
    }
    (read,) = read_conll(tmp_path / "a.conll")
    assert [(entity.label, entity.text) for entity in read.entities] == [
        ("PROTEINAS", "IL"),
        ("NORMALIZABLES", "oro"),
    ]


@pytest.mark.parametrize(
    ("line", "expected", "found"),
    [
        ("oro\tb\t9_12", "a word, a document, start_end and a tag", "3 fields"),
        ("oro\ta\t9:12\tO", "a place such as 27_46", "another form"),
        ("oro\ta\t9_11\tO", "a place of 3 characters", "one of 2"),
        ("oro\ta\t2_5\tO", "words in order", "one that begins before the last one's end"),
        ("oro\ta\t9_12\tS-X", "a tag O, B-LABEL or I-LABEL", "another"),
        ("oro\ta\t9_12\tB-", "a tag O, B-LABEL or I-LABEL", "another"),
        ("oro\tb\t0_3\tO\noro\ta\t9_12\tO", "each document in one piece", "more of an earlier one"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, expected: str, found: str) -> None:
    path = tmp_path / "a.conll"
    path.write_text(f"yeso\ta\t0_4\tO\n\n{line}\n")
    with pytest.raises(FormatError) as caught:
        read_conll(path)
    number = 3 + line.count("\n")
    assert str(caught.value) == f"{path}:{number}: expected {expected}, found {found}"


@pytest.mark.parametrize(
    "documents",
    [[Document("a\tb", "oro")], [Document("", "oro")], [Document("a", "oro")] * 2],
)
def test_what_would_break_the_columns_is_refused(tmp_path: Path, documents: list[Document]) -> None:
    with pytest.raises(UnsupportedError):
        write_conll(documents, tmp_path / "a.conll")
    assert list(tmp_path.iterdir()) == []


def test_a_byte_order_mark_is_a_word_only_where_it_is_one(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("\ufefforo\ta\t0_3\tO\n", encoding="utf-8")
    assert read_conll(path) == [Document("a", "oro")]
    write_conll([Document("a", "\ufeff oro")], path)
    assert read_conll(path) == [Document("a", "\ufeff oro")]
