import json
from pathlib import Path

import pytest

from farmaner.errors import CorpusError, FormatError
from farmaner.formats.opening import PACKINGS, packed
from farmaner.training.texts import Overlap, SourceText, read_source_texts


def _line(text: str, **more: str) -> str:
    return json.dumps({"text": text, **more}, ensure_ascii=False) + "\n"


def test_json_lines_name_their_source_or_take_the_files_name(tmp_path: Path) -> None:
    plain = tmp_path / "casos.jsonl"
    plain.write_text(_line("Fiebre.", source="urgencias") + _line("Tos."), encoding="utf-8")
    assert list(read_source_texts([plain])) == [
        SourceText("urgencias", "Fiebre."),
        SourceText("casos", "Tos."),
    ]


@pytest.fixture(params=PACKINGS)
def suffix(request: pytest.FixtureRequest) -> str:
    """How a file is packed."""
    if request.param == ".zst":
        pytest.importorskip("zstandard", reason="needs the extra zstd")
    return str(request.param)


def test_packed_lines_and_texts_are_read_like_plain_ones(tmp_path: Path, suffix: str) -> None:
    text = "Se aprueba el ácido acetilsalicílico.\r\n"
    folder = tmp_path / "actas"
    folder.mkdir()
    (folder / f"a.jsonl{suffix}").write_bytes(packed(_line(text).encode(), suffix))
    (folder / f"b.txt{suffix}").write_bytes(packed(text.encode(), suffix))
    expected = [SourceText("a", text), SourceText("actas", text)]
    assert list(read_source_texts([folder])) == expected
    assert list(read_source_texts(sorted(folder.iterdir()))) == expected


def test_text_files_are_of_the_source_that_their_folder_names(tmp_path: Path) -> None:
    folder = tmp_path / "altas"
    folder.mkdir()
    (folder / "2.txt").write_bytes(b"Alta.\r\n")
    (folder / "1.txt").write_text("Ingreso.", encoding="utf-8")
    (folder / "notas.md").write_text("no", encoding="utf-8")
    expected = [SourceText("altas", "Ingreso."), SourceText("altas", "Alta.\r\n")]
    assert list(read_source_texts([folder])) == expected
    assert list(read_source_texts([folder / "1.txt"])) == expected[:1]


def test_a_line_that_is_no_json_is_named_without_its_text(tmp_path: Path) -> None:
    path = tmp_path / "casos.jsonl"
    path.write_text(_line("Fiebre.") + "Paciente secreto\n", encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        list(read_source_texts([path]))
    assert f"{path}:2" in str(caught.value)
    assert "secreto" not in str(caught.value)


@pytest.mark.parametrize("line", ['{"texto": "Fiebre."}\n', "[1]\n", '{"text": 5}\n'])
def test_a_line_without_text_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "casos.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(FormatError, match='a string under "text"'):
        list(read_source_texts([path]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("casos.jsonl", "expected whole lines, found"), ("caso.txt", "a whole file")],
)
def test_a_file_cut_short_is_an_error_and_not_an_end(
    tmp_path: Path, suffix: str, name: str, expected: str
) -> None:
    path = tmp_path / f"{name}{suffix}"
    whole = packed(_line("Fiebre." * 1000).encode(), suffix)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=expected):
        list(read_source_texts([path]))


@pytest.mark.parametrize("name", ["nada", "nada.jsonl", "nada.txt.gz", "tabla.csv", "tabla.gz"])
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "tabla.csv").write_text("text\n", encoding="utf-8")
    with pytest.raises(CorpusError):
        list(read_source_texts([tmp_path / name]))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"found none"):
        list(read_source_texts([tmp_path]))


def test_lines_in_another_encoding_are_named(tmp_path: Path) -> None:
    path = tmp_path / "casos.jsonl"
    path.write_bytes(_line("Fiebre.").encode() + '{"text": "Más."}\n'.encode("latin-1"))
    with pytest.raises(FormatError, match="expected lines of UTF-8, found other bytes"):
        list(read_source_texts([path]))


RUN = "el paciente ingresa por fiebre alta y tos seca de tres días"
"""Twelve words."""


def test_twelve_words_in_a_row_are_an_overlap_whatever_case_and_signs() -> None:
    overlap = Overlap([f"Varón de 60 años: {RUN}. Resto normal."])
    assert f"INFORME. {RUN.upper().replace(' ', ' - ')}!" in overlap
    assert RUN.replace("tres", "dos") not in overlap
    assert " ".join(RUN.split()[:11]) not in overlap


def test_nothing_overlaps_with_nothing() -> None:
    assert RUN not in Overlap([])
    assert "" not in Overlap([RUN])
