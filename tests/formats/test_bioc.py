from __future__ import annotations

from pathlib import Path

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import FormatError, UnsupportedError
from farmaner.formats.bioc import read_bioc_json, read_bioc_xml, write_bioc_json, write_bioc_xml

pytest.importorskip("bioc", reason="needs the extra bioc")

TEXT = "💊 <oro> ]]>\r\nanti-Ro y anti-La"
ORO = Entity(Span(3, 6), "NORMALIZABLES", "oro", 0.5, Concept("<null>", 0.25))
ANTI_LA = Entity(Span(13, 30), "PROTEINAS", "anti- La", None, None, (Span(13, 18), Span(28, 30)))
DOCUMENT = Document("nota 1", TEXT, (ORO, ANTI_LA))
XML = """<?xml version='1.0' encoding='utf-8' standalone='yes'?>
<collection>
  <source>farmaner</source>
  <date></date>
  <key>farmaner</key>
  <document>
    <id>nota 1</id>
    <passage>
      <offset>0</offset>
      <text>💊 &lt;oro&gt; ]]&gt;&#13;
anti-Ro y anti-La</text>
      <annotation id="0">
        <infon key="type">NORMALIZABLES</infon>
        <infon key="identifier">&lt;null&gt;</infon>
        <infon key="code_score">0.25</infon>
        <infon key="score">0.5</infon>
        <location offset="3" length="3"/>
        <text>oro</text>
      </annotation>
      <annotation id="1">
        <infon key="type">PROTEINAS</infon>
        <location offset="13" length="5"/>
        <location offset="28" length="2"/>
        <text>anti- La</text>
      </annotation>
    </passage>
  </document>
</collection>
"""


def test_a_document_is_a_passage_and_its_entities_annotations(tmp_path: Path) -> None:
    write_bioc_xml([DOCUMENT], tmp_path / "a.xml")
    assert (tmp_path / "a.xml").read_text(encoding="utf-8") == XML
    assert read_bioc_xml(tmp_path / "a.xml") == [DOCUMENT]


def test_json_says_the_same(tmp_path: Path) -> None:
    write_bioc_json([DOCUMENT], tmp_path / "a.json")
    assert read_bioc_json(tmp_path / "a.json") == [DOCUMENT]


PASSAGES = """<collection><source/><date/><key/><document><id>7</id>
<passage><offset>0</offset><text>Oro</text></passage>
<passage><offset>5</offset>
<sentence><offset>5</offset><text>Plata.</text>
<annotation id="1"><infon key="type">X</infon><location offset="5" length="5"/><text>Plata</text>
</annotation></sentence>
<sentence><offset>12</offset><text>Hierro</text></sentence></passage>
</document></collection>"""


def test_passages_and_sentences_are_put_at_their_offsets(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(PASSAGES)
    entity = Entity(Span(5, 10), "X", "Plata")
    assert read_bioc_xml(tmp_path / "a.xml") == [Document("7", "Oro\n\nPlata. Hierro", (entity,))]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</collection>", "", ":8: expected BioC XML, found broken XML"),
        ("<offset>0<", "<offset>x<", ": expected BioC XML, found numbers or attributes missing"),
        ("<offset>5<", "<offset>2<", ", document 7: expected a passage at offset 3 or later"),
        (">Plata<", ">Cobre<", ", document 7: expected the entity's text at its offsets"),
        ('offset="5" length="5"', 'offset="5" length="0"', ", document 7: expected offsets with"),
    ],
)
def test_what_is_no_bioc_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(PASSAGES.replace(old, new))
    with pytest.raises(FormatError) as caught:
        read_bioc_xml(path)
    assert str(caught.value).startswith(f"{path}{message}")


@pytest.mark.parametrize("content", ["{", "[]", '{"documents": []}'])
def test_what_is_no_bioc_json_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(FormatError, match="expected BioC JSON, found something else"):
        read_bioc_json(path)


def test_an_id_that_xml_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError):
        write_bioc_xml([Document("a\x00", "oro")], tmp_path / "a.xml")
    assert list(tmp_path.iterdir()) == []
