from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import CorpusError, FarmanerError, FormatError, OffsetError, UnsupportedError
from farmaner.formats.brat import (
    Alignment,
    Realigned,
    align,
    parse_ann,
    read_alignments,
    read_ann,
    read_brat,
    write_ann,
    write_annotation_conf,
    write_brat,
)
from farmaner.formats.files import read_text

ANN = "T1\tNORMALIZABLES 5 8\toro\n#1\tAnnotatorNotes T1\t2309006\n"
ORO = Entity(Span(5, 8), "NORMALIZABLES", "oro", concept=Concept("2309006"), id="T1")


def folder_of(folder: Path, **files: str | bytes) -> Path:
    """Write files given as `nota_txt="..."` for nota.txt."""
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / ".".join(name.rsplit("_", 1))).write_bytes(data)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_documents_come_sorted_by_id_with_their_texts_as_they_are(tmp_path: Path) -> None:
    folder_of(
        tmp_path,
        b_txt="\ufeffCafé.\r\nFin\r",
        b_ann="",
        a_txt="Toma oro.",
        a_ann=ANN,
        a_2_txt="",
        a_2_ann="",
        nota_md="otra cosa",
    )
    (tmp_path / "._a.txt").write_bytes(b"\x00\x05\x16\x07\xff")
    (tmp_path / "carpeta.txt").mkdir()
    assert read_brat(tmp_path) == [
        Document("a", "Toma oro.", (ORO,)),
        Document("a_2", ""),
        Document("b", "\ufeffCafé.\r\nFin\r"),
    ]


def test_reading_and_writing_loses_nothing(tmp_path: Path) -> None:
    source, target = tmp_path / "de", tmp_path / "a" / "b"
    source.mkdir()
    other = "R1\tJunto Arg1:T4 Arg2:T2\n#9\tAnnotatorNotes R1\tdudoso\n"
    folder_of(
        source,
        a_txt="\ufeffToma oro y\r\nPCR.",
        a_ann="T4\tNORMALIZABLES 6 9\toro\n#3\tAnnotatorNotes T4\t2309006\n"
        "T2\tPROTEINAS 13 16\tPCR\n" + other,
        b_txt="Sin nada.\n",
        b_ann="",
    )
    write_brat(read_brat(source), target)
    assert contents(target) == contents(source)


def test_crlf_counted_as_one_character_is_realigned_and_reported(tmp_path: Path) -> None:
    folder_of(tmp_path, a_txt="Dolor.\r\nToma oro.", a_ann="\nT1\tNORMALIZABLES 12 15\toro\n")
    path = str(tmp_path / "a.ann")
    written = Entity(Span(12, 15), "NORMALIZABLES", "oro", id="T1")
    moved = Entity(Span(13, 16), "NORMALIZABLES", "oro", id="T1")
    reason = "a line end CR LF counted as one character"
    realigned = Realigned(path, 2, written, moved, reason)
    assert read_alignments(tmp_path) == [
        Alignment(path, Document("a", "Dolor.\r\nToma oro.", (moved,)), (2,), (realigned,))
    ]
    assert str(realigned) == f"{path}:2: NORMALIZABLES 12 15 realigned to 13 16 ({reason})"


def test_realigned_offsets_are_written(tmp_path: Path) -> None:
    folder_of(tmp_path, a_txt="Dolor.\r\nToma oro.", a_ann="T1\tNORMALIZABLES 12 15\toro\n")
    write_brat(read_brat(tmp_path), tmp_path)
    assert contents(tmp_path) == {
        "a.ann": b"T1\tNORMALIZABLES 13 16\toro\n",
        "a.txt": b"Dolor.\r\nToma oro.",
    }


def test_an_entity_that_has_no_place_is_refused_with_file_and_line(tmp_path: Path) -> None:
    folder_of(tmp_path, a_txt="Toma oro.", a_ann=ANN + "T2\tPROTEINAS 0 4;5 9\tPCR\n")
    with pytest.raises(OffsetError) as caught:
        read_brat(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/a.ann:3: expected the surface column at PROTEINAS 0 4;5 9, "
        "found other text there and no such words within 16 characters"
    )


def test_nothing_is_realigned_when_asked_not_to() -> None:
    with pytest.raises(OffsetError) as caught:
        align("a", "Toma el oro.", parse_ann(ANN, "a.ann"), realign=False)
    assert str(caught.value) == (
        "a.ann:1: expected the surface column at NORMALIZABLES 5 8, found other text there"
    )


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "{}: expected a folder with .txt files, found none"),
        ({"a_ann": ANN}, "{}: expected a folder with .txt files, found none"),
        ({"a_txt": "oro"}, "{}/a.txt: expected a.ann beside it, found none"),
        (
            {"a_txt": "oro", "a_ann": "", "b_ann": ""},
            "{}/b.ann: expected b.txt beside it, found none",
        ),
    ],
)
def test_a_folder_that_is_no_corpus_is_refused(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    folder_of(tmp_path, **files)
    with pytest.raises(CorpusError) as caught:
        read_brat(tmp_path)
    assert str(caught.value) == message.format(tmp_path)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, a_txt="oro")
    for name, found in (("a.txt", "a file"), ("b", "nothing")):
        with pytest.raises(CorpusError) as caught:
            read_brat(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: expected a folder, found {found}"


def test_texts_without_ann_are_documents_without_entities_when_asked(tmp_path: Path) -> None:
    folder_of(tmp_path, a_txt="Toma oro.", a_ann=ANN, b_txt="Toma oro.")
    assert read_brat(tmp_path, missing_ann_ok=True) == [
        Document("a", "Toma oro.", (ORO,)),
        Document("b", "Toma oro."),
    ]


@pytest.mark.parametrize("name", ["a.txt", "a.ann"])
def test_a_file_that_is_not_utf8_is_refused_with_the_byte(tmp_path: Path, name: str) -> None:
    folder_of(tmp_path, a_txt="Café", a_ann="")
    (tmp_path / name).write_bytes("Café".encode("latin-1"))
    with pytest.raises(FormatError) as caught:
        read_brat(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/{name}: expected UTF-8 text, found byte 0xE9 at byte offset 3"
    )


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    for read in (read_text, read_ann):
        with pytest.raises(CorpusError) as caught:
            read(tmp_path / "a.ann")
        assert str(caught.value) == (
            f"{tmp_path}/a.ann: expected a readable file, found: No such file or directory"
        )


@pytest.mark.parametrize("id_", ["", ".", "..", "../a", "a/b", "a\\b", ".oculto", "a\nb", "a\0"])
def test_an_id_that_is_no_file_name_is_refused(tmp_path: Path, id_: str) -> None:
    with pytest.raises(CorpusError) as caught:
        write_brat([Document(id_, "oro")], tmp_path / "x")
    assert str(caught.value) == (
        f"{tmp_path}/x: expected a document id that is a file name and not hidden, found {id_!r}"
    )
    assert list(tmp_path.rglob("*")) == [tmp_path / "x"]


def test_an_id_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        write_brat([Document("a", "oro"), Document("a", "hierro")], tmp_path)
    assert str(caught.value) == f"{tmp_path}: expected each document id once, found 'a' again"


def test_an_id_may_hold_dots_and_accents(tmp_path: Path) -> None:
    document = Document("niño.v1.txt", "Toma oro.", (ORO,))
    write_brat([document], tmp_path)
    assert read_brat(tmp_path) == [document]


def test_text_that_utf8_cannot_hold_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError) as caught:
        write_brat([Document("a", "oro \ud83d")], tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/a.txt: expected text that UTF-8 can hold, "
        "found a lone surrogate at character 4"
    )
    assert contents(tmp_path) == {}


def test_a_document_that_brat_cannot_express_leaves_no_file(tmp_path: Path) -> None:
    document = Document("a", "oro")
    with pytest.raises(UnsupportedError):
        write_brat([document.with_entities([document.entity("A B", 0, 3)])], tmp_path)
    assert contents(tmp_path) == {}


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    folder_of(tmp_path, a="un fichero")
    with pytest.raises(CorpusError) as caught:
        write_brat([], tmp_path / "a")
    assert str(caught.value) == (f"{tmp_path}/a: expected a folder to write in, found: File exists")
    with pytest.raises(CorpusError) as caught:
        write_ann(Document("b", ""), tmp_path / "c" / "b.ann")
    assert str(caught.value) == (
        f"{tmp_path}/c/b.ann: expected a writable file, found: No such file or directory"
    )


def test_a_failed_write_keeps_the_file_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path, a_ann=ANN)

    class FullDisk(io.FileIO):
        def write(self, data: Any) -> int:
            super().write(bytes(data)[:3])
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda path, mode: FullDisk(path, mode))
    with pytest.raises(FarmanerError) as caught:
        write_ann(Document("a", "Toma oro.", (ORO, ORO)), tmp_path / "a.ann")
    assert str(caught.value) == (
        f"{tmp_path}/a.ann: expected a writable file, found: No space left on device"
    )
    assert contents(tmp_path) == {"a.ann": ANN.encode()}


def test_an_ann_file_alone_can_be_written(tmp_path: Path) -> None:
    write_ann(Document("a", "Toma oro.", (ORO,)), tmp_path / "otro.ann")
    assert contents(tmp_path) == {"otro.ann": ANN.encode()}


def test_annotation_conf_names_the_labels(tmp_path: Path) -> None:
    write_annotation_conf(tmp_path, ["NORMALIZABLES", "PROTEINAS"])
    assert contents(tmp_path) == {
        "annotation.conf": b"[entities]\nNORMALIZABLES\nPROTEINAS\n\n"
        b"[relations]\n\n[events]\n\n[attributes]\n"
    }


@pytest.mark.shared
@pytest.mark.parametrize(
    ("split", "n_documents", "n_entities", "changed"),
    [("train", 500, 3822, ["S0211-69952015000200015-1.ann"]), ("dev", 250, 1926, [])],
)
def test_the_corpus_survives_byte_for_byte(
    shared_dir: Path,
    tmp_path: Path,
    split: str,
    n_documents: int,
    n_entities: int,
    changed: list[str],
) -> None:
    source = shared_dir / "pharmaconer" / split
    documents = read_brat(source)
    write_brat(documents, tmp_path)
    before, after = contents(source), contents(tmp_path)
    assert [name for name in before if before[name] != after.get(name)] == changed
    assert before.keys() == after.keys()
    assert read_brat(tmp_path, realign=False) == documents
    entities = [(d.text, entity) for d in documents for entity in d.entities]
    assert (len(documents), len(entities)) == (n_documents, n_entities)
    assert all(text[entity.start : entity.end] == entity.text for text, entity in entities)


@pytest.mark.shared
def test_the_five_lines_of_the_corpus_that_are_out_of_place_are_realigned(
    shared_dir: Path,
) -> None:
    alignments = read_alignments(shared_dir / "pharmaconer" / "train")
    realigned = [
        (Path(moved.path).name, moved.line, moved.written.span, moved.entity.span)
        for alignment in alignments
        for moved in alignment.realigned
    ]
    name = "S0211-69952015000200015-1.ann"
    assert realigned == [
        (name, 1, Span(1376, 1387), Span(1375, 1386)),
        (name, 3, Span(2565, 2575), Span(2563, 2573)),
        (name, 7, Span(2301, 2307), Span(2299, 2305)),
        (name, 9, Span(1931, 1943), Span(1930, 1942)),
        (name, 11, Span(1915, 1928), Span(1914, 1927)),
    ]
