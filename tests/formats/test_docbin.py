from __future__ import annotations

from pathlib import Path

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import FormatError
from farmaner.formats.docbin import read_docbin, write_docbin

spacy = pytest.importorskip("spacy", reason="needs the extra spacy")

TEXT = " 💊 Toma  hidroxicloroquina\r\n\n y oro-plata \t\n"
CLORO = Entity(Span(9, 26), "NORMALIZABLES", "hidroxicloroquina", 0.5, Concept("1", 0.25))
INSIDE = Entity(Span(16, 20), "UNCLEAR", "clor", None, Concept("<null>"))
SPACES = Entity(Span(31, 36), "X", " oro-")
DOCUMENT = Document("nota 1", TEXT, (CLORO, INSIDE, SPACES))


def test_text_and_boundaries_are_exact_even_inside_words(tmp_path: Path) -> None:
    documents = [DOCUMENT, Document("vacía", ""), Document("c", " \n"), Document("d", "a  b ")]
    write_docbin(documents, tmp_path / "a.spacy")
    assert read_docbin(tmp_path / "a.spacy") == documents


def test_spacy_sees_the_longest_entities_and_all_spans(tmp_path: Path) -> None:
    write_docbin([DOCUMENT], tmp_path / "a.spacy")
    docs = spacy.tokens.DocBin().from_disk(tmp_path / "a.spacy")
    (doc,) = docs.get_docs(spacy.blank("es").vocab)
    assert doc.text == TEXT
    assert [(e.text, e.label_, e.kb_id_) for e in doc.ents] == [
        ("hidroxicloroquina", "NORMALIZABLES", "1"),
        (" oro-", "X", ""),
    ]
    assert [span.text for span in doc.spans["farmaner"]] == ["hidroxicloroquina", "clor", " oro-"]


def test_a_file_of_spacy_itself_is_read_by_its_ents(tmp_path: Path) -> None:
    nlp = spacy.blank("es")
    doc = nlp("Toma ácido fólico.")
    doc.ents = [doc.char_span(5, 17, label="DRUG")]
    docs = spacy.tokens.DocBin(docs=[doc, nlp("Sin más.")])
    docs.to_disk(tmp_path / "train.spacy")
    assert read_docbin(tmp_path / "train.spacy") == [
        Document("train-1", "Toma ácido fólico.", (Entity(Span(5, 17), "DRUG", "ácido fólico"),)),
        Document("train-2", "Sin más."),
    ]


def test_what_is_no_docbin_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.spacy").write_bytes(b"oro")
    with pytest.raises(FormatError, match=r"a\.spacy: expected a spaCy DocBin, found"):
        read_docbin(tmp_path / "a.spacy")
