from __future__ import annotations

from pathlib import Path

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import CorpusError, FormatError, UnsupportedError
from farmaner.formats.inception import read_inception, write_inception

pytest.importorskip("cassis", reason="needs the extra inception")

TEXT = "💊 ácido\r\n\tfólico ]]> <b>"
ACID = Entity(Span(2, 16), "NORMALIZABLES", "ácido\r\n\tfólico", None, Concept("<null>"))
DOCUMENT = Document("nota 1", TEXT, (ACID, Entity(Span(2, 7), "UNCLEAR", "ácido")))
ORDERED = DOCUMENT.with_entities(DOCUMENT.entities)


def test_a_folder_holds_a_file_a_document_and_the_types(tmp_path: Path) -> None:
    write_inception([DOCUMENT, Document("vacía", "")], tmp_path / "a")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["TypeSystem.xml", "nota 1.xmi", "vacía.xmi"]
    assert read_inception(tmp_path / "a") == [ORDERED, Document("vacía", "")]


def test_offsets_in_the_file_count_utf16_code_units(tmp_path: Path) -> None:
    write_inception([DOCUMENT], tmp_path / "a")
    xmi = (tmp_path / "a" / "nota 1.xmi").read_text(encoding="utf-8")
    assert 'begin="3" end="17" value="NORMALIZABLES" identifier="&lt;null&gt;"' in xmi


def test_one_document_can_be_one_file(tmp_path: Path) -> None:
    write_inception([DOCUMENT], tmp_path / "nota.xmi")
    (read,) = read_inception(tmp_path / "nota.xmi")
    assert (read.id, read.text, read.entities) == ("nota", TEXT, ORDERED.entities)
    with pytest.raises(UnsupportedError, match="expected one document for a file, found more"):
        write_inception([DOCUMENT, Document("b", "")], tmp_path / "dos.xmi")


def test_other_layers_are_passed_over(tmp_path: Path) -> None:
    import cassis

    types = cassis.TypeSystem()
    token = types.create_type("custom.Dosis")
    cas = cassis.Cas(typesystem=types)
    cas.sofa_string = "5 mg"
    cas.add(token(begin=0, end=4))
    (tmp_path / "a.xmi").write_text(cas.to_xmi(), encoding="utf-8")
    (tmp_path / "TypeSystem.xml").write_text(types.to_xml(), encoding="utf-8")
    assert read_inception(tmp_path) == [Document("a", "5 mg")]


@pytest.mark.parametrize("content", ["<", "<a/>", "oro"])
def test_what_is_no_cas_is_named(tmp_path: Path, content: str) -> None:
    write_inception([DOCUMENT], tmp_path)
    (tmp_path / "nota 1.xmi").write_text(content)
    with pytest.raises(FormatError, match=r"nota 1\.xmi: expected a UIMA CAS of the types in"):
        read_inception(tmp_path)


def test_a_folder_without_documents_or_without_types_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"expected a folder with \.xmi files, found none"):
        read_inception(tmp_path)
    (tmp_path / "a.xmi").touch()
    with pytest.raises(CorpusError, match=r"TypeSystem\.xml: expected a readable file"):
        read_inception(tmp_path)


def test_what_cannot_be_a_file_name_or_xml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError):
        write_inception([Document("a/b", "")], tmp_path)
    with pytest.raises(UnsupportedError):
        write_inception([Document("a", "oro", (Entity(Span(0, 3), "\x00", "oro"),))], tmp_path)
