from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from farmaner import Document, Entity, Span
from farmaner.errors import FormatError, UnsupportedError
from farmaner.formats.iob2 import read_iob2, write_iob2
from farmaner.formats.losses import Loss

FIRST = "Toma\tO\nácido\tB-FARMACO\nfólico\tI-FARMACO\n(\tO\n5\tO\nmg\tO\n)\tO\n.\tO\n"
SECOND = "¿\tO\nOro\tB-FARMACO\n?\tO\n"
ACID = Entity(Span(5, 17), "FARMACO", "ácido fólico")


def read(tmp_path: Path, content: str) -> list[Document]:
    path = tmp_path / "dev.iob2"
    path.write_text(content, encoding="utf-8")
    return read_iob2(path)


def test_a_block_between_blank_lines_is_a_document_and_its_text_is_rebuilt(tmp_path: Path) -> None:
    gold = Entity(Span(1, 4), "FARMACO", "Oro")
    assert read(tmp_path, f"\n{FIRST}\n\n{SECOND}") == [
        Document("dev-1", "Toma ácido fólico (5 mg).", (ACID,)),
        Document("dev-2", "¿Oro?", (gold,)),
    ]


@pytest.mark.parametrize(
    ("start", "id_"),
    [("# newdoc id = caso 1", "caso 1"), ("-DOCSTART-\tO\n", "dev-1"), ("-DOCSTART-", "dev-1")],
)
def test_where_documents_are_marked_a_block_is_a_sentence(
    tmp_path: Path, start: str, id_: str
) -> None:
    (document,) = read(tmp_path, f"{start}\n{FIRST}\n{SECOND}\n")
    gold = Entity(Span(27, 30), "FARMACO", "Oro")
    assert document == Document(id_, "Toma ácido fólico (5 mg).\n¿Oro?", (ACID, gold))


def test_documents_survive_but_for_their_white_space(tmp_path: Path) -> None:
    documents = [
        Document("a", "Toma ácido fólico (5 mg).", (ACID,)),
        Document("vacío", ""),
        Document("c", "Toma  oro\n", (Entity(Span(6, 9), "X", "oro"),)),
    ]
    losses = write_iob2(documents, tmp_path / "a.iob2")
    assert +losses == {Loss.TEXT: 1}
    assert read_iob2(tmp_path / "a.iob2") == [
        *documents[:2],
        Document("c", "Toma oro", (Entity(Span(5, 8), "X", "oro"),)),
    ]


def test_a_number_sign_is_a_word(tmp_path: Path) -> None:
    document = Document("a", "# oro")
    assert +write_iob2([document], tmp_path / "a.iob2") == Counter()
    assert read_iob2(tmp_path / "a.iob2") == [document]


@pytest.mark.parametrize("line", ["oro", "oro O", "oro\tB-X\tI-X", "\tO"])
def test_a_malformed_line_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(FormatError, match="iob2:2: expected a word, one tab and a tag, found an"):
        read(tmp_path, f"toma\tO\n{line}\n")


def test_what_would_break_the_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError):
        write_iob2([Document("a\nb", "oro")], tmp_path / "a.iob2")


@pytest.mark.shared
@pytest.mark.parametrize("name", ["cardioccc_drug_dev", "chilean_wl_medication_test"])
def test_every_entity_of_published_corpora_is_read(shared_dir: Path, name: str) -> None:
    path = shared_dir / "labelled" / f"{name}.iob2"
    documents = read_iob2(path)
    text = path.read_text(encoding="utf-8")
    assert sum(len(document.entities) for document in documents) == text.count("\tB-")
    assert len(documents) == len([block for block in text.split("\n\n") if block.strip()])
