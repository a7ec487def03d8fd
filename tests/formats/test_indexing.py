from pathlib import Path

import pytest

from farmaner.document import Concept, Document, Entity, Span
from farmaner.errors import CorpusError, FormatError, UnsupportedError
from farmaner.formats.indexing import document_codes, read_indexing, write_indexing

CODES = ("6369005", "<null>", "CHEBI:17334")


def test_codes_survive_writing_and_reading(tmp_path: Path) -> None:
    path = tmp_path / "S0004-06142006000300015-1.tsv"

    write_indexing(path, CODES)

    assert read_indexing(path) == CODES
    assert path.read_bytes() == (
        b"S0004-06142006000300015-1\t6369005\n"
        b"S0004-06142006000300015-1\t<null>\n"
        b"S0004-06142006000300015-1\tCHEBI:17334\n"
    )


def test_a_document_without_codes_has_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"

    write_indexing(path, [])

    assert path.read_bytes() == b""
    assert read_indexing(path) == ()


def test_a_repeated_code_is_written_once_and_read_as_often_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"

    write_indexing(path, ["2", "1", "2"])
    assert read_indexing(path) == ("2", "1")

    path.write_text("a\t2\na\t2\n")
    assert read_indexing(path) == ("2", "2")


def test_a_byte_order_mark_crlf_and_blank_lines_are_tolerated(tmp_path: Path) -> None:
    path = tmp_path / "año 1.v2.tsv"
    path.write_bytes("\ufeff\r\naño 1.v2\t6369005\r\n \r\naño 1.v2\t<null>".encode())

    assert read_indexing(path) == ("6369005", "<null>")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a 6369005", "0 tabs"),
        ("6369005", "0 tabs"),
        ("a\t6369005\tpenicilina", "2 tabs"),
        ("b\t6369005", "another document's id in the first column"),
        ("a\t", "no code"),
        ("a\t 6369005", "blanks around the code"),
        ("a\t6369005 ", "blanks around the code"),
    ],
)
def test_a_malformed_line_is_refused_with_file_and_line(
    tmp_path: Path, content: str, found: str
) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(f"a\t1\n{content}\n")

    with pytest.raises(FormatError) as error:
        read_indexing(path)

    assert str(error.value) == f"{path}:2: expected a, one tab and a code, found {found}"


def test_a_file_that_is_not_utf_8_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    with pytest.raises(CorpusError, match=r"a\.tsv: expected a readable file"):
        read_indexing(path)

    path.write_bytes("a\tpenicilína".encode("latin-1"))
    with pytest.raises(FormatError, match=r"a\.tsv: expected UTF-8 text, found byte 0xED"):
        read_indexing(path)


@pytest.mark.parametrize("code", ["", " ", " 1", "1\n", "1\t2", "1\r2"])
def test_a_code_that_would_not_be_read_back_is_not_written(tmp_path: Path, code: str) -> None:
    path = tmp_path / "a.tsv"

    with pytest.raises(UnsupportedError):
        write_indexing(path, ["6369005", code])

    assert not path.exists()


def test_a_document_gives_each_code_once_in_order_of_appearance() -> None:
    text = "Vancomicina y penicilina; vancomicina; creatinina."

    def entity(surface: str, code: str | None) -> Entity:
        start = text.index(surface)
        concept = None if code is None else Concept(code)
        return Entity(Span(start, start + len(surface)), "NORMALIZABLES", surface, concept=concept)

    document = Document(
        "a",
        text,
        (
            entity("Vancomicina", "372735009"),
            entity("penicilina", "6369005"),
            entity("vancomicina", "372735009"),
            entity("creatinina", None),
        ),
    )

    assert document_codes(document) == ("372735009", "6369005")
