"""`farmaner terminology`, `farmaner index` and `annotate --link`, in process."""

from __future__ import annotations

import bz2
import json
import re
from pathlib import Path

import pytest

import farmaner.recognizer
from farmaner import Document
from farmaner.cli import run
from farmaner.formats.brat import read_brat, write_brat
from farmaner.formats.indexing import read_indexing
from farmaner.testing import fake_recognizer

from .conftest import annotated

Captured = pytest.CaptureFixture[str]
NOTE = "Niega alergia a penicilina. Toma ácido fólico y penicilina."


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a gold corpus and the terminology that the command makes of it."""
    folder, drug = tmp_path_factory.mktemp("terminología"), "NORMALIZABLES"
    gold = [
        annotated(id_, text, {(name, drug): code for name, code in codes.items()})
        for id_, text, codes in [
            ("a", "penicilina sola", {"penicilina": "764146007"}),
            ("b", "ácido fólico y omeprazol", {"ácido fólico": "63718003", "omeprazol": "1"}),
        ]
    ]
    write_brat(gold, folder / "oro")
    output = str(folder / "propia.terms")
    assert run(["terminology", "build", "--brat", str(folder / "oro"), "-o", output]) == 0
    return folder


@pytest.fixture
def terms(built: Path) -> Path:
    return built / "propia.terms"


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(farmaner.recognizer, "load", lambda *_, **__: fake_recognizer())
    folder = tmp_path / "notas"
    folder.mkdir()
    (folder / "n1.txt").write_bytes(NOTE.encode())
    (folder / "n2.txt").write_bytes(b"Sin hallazgos.")
    return folder


def test_build_says_what_it_made_and_info_what_it_holds(terms: Path, capsys: Captured) -> None:
    gold, again = terms.parent / "oro", terms.parent / "otra.terms"
    assert run(["terminology", "build", "--brat", str(gold), "-o", str(again)]) == 0
    printed = capsys.readouterr().out
    assert re.fullmatch(rf"{re.escape(str(again))}: [\d,]+ terms, 4 codes, [\d,]+ bytes\n", printed)
    assert again.read_bytes() == terms.read_bytes()
    assert run(["terminology", "info", "-t", str(terms), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["sources"]["corpus"] == 3
    assert facts["labels"]["NORMALIZABLES"] >= 3
    assert run(["terminology", "info", "-t", str(terms)]) == 0
    assert "source corpus" in capsys.readouterr().out


def test_search_prints_a_table_or_json(terms: Path, capsys: Captured) -> None:
    capsys.readouterr()
    assert run(["terminology", "search", "acido folico", "-t", str(terms)]) == 0
    assert "63718003" in capsys.readouterr().out
    assert run(["terminology", "search", "omepr", "-t", str(terms), "--json", "--limit", "1"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "query": "omepr",
        "terms": [
            {
                "term": "omeprazol",
                "code": "1",
                "label": "NORMALIZABLES",
                "count": 1,
                "source": "corpus",
                "score": 0.5556,
            }
        ],
    }


def test_search_that_finds_nothing_fails_in_one_line(terms: Path, capsys: Captured) -> None:
    capsys.readouterr()
    assert run(["terminology", "search", "zzz", "-t", str(terms)]) == 1
    assert capsys.readouterr().err == (
        "farmaner: terminology: expected a term with these words, found none\n"
    )


def test_tables_are_built_and_bad_ones_named(tmp_path: Path, capsys: Captured) -> None:
    table, output = tmp_path / "t.csv", tmp_path / "t.terms"
    table.write_text("nombre,atc\nsodiolina,A01\n", encoding="utf-8")
    options = ["--table", str(table), "--term-column", "nombre", "--code-column"]
    assert run(["terminology", "build", *options, "atc", "--no-synonyms", "-o", str(output)]) == 0
    assert ": 1 terms, 1 codes, " in capsys.readouterr().out
    assert run(["terminology", "build", *options, "codigo", "-o", str(output)]) == 1
    assert capsys.readouterr().err == (
        f"farmaner: {table}:1: expected a column named 'codigo', found nombre, atc\n"
    )


def test_build_without_a_source_is_a_usage_error(tmp_path: Path) -> None:
    assert run(["terminology", "build", "-o", str(tmp_path / "x")]) == 2


def test_index_writes_a_file_of_codes_for_every_document(
    terms: Path, notes: Path, tmp_path: Path
) -> None:
    output = tmp_path / "nueva" / "codigos"
    assert run(["index", str(notes), "-o", str(output), "-t", str(terms)]) == 0
    assert sorted(path.name for path in output.iterdir()) == ["n1.tsv", "n2.tsv"]
    assert (output / "n1.tsv").read_text(encoding="utf-8") == "n1\t764146007\nn1\t63718003\n"
    assert (output / "n2.tsv").read_bytes() == b""


def test_index_of_a_text_that_cannot_be_read_goes_on_and_fails(
    terms: Path, notes: Path, tmp_path: Path, capsys: Captured
) -> None:
    (notes / "n0.txt").write_bytes(b"\xff")
    output = tmp_path / "codigos"
    assert run(["index", str(notes), "-o", str(output), "-t", str(terms)]) == 1
    assert "n0.txt: expected UTF-8 text" in capsys.readouterr().err
    assert read_indexing(output / "n1.tsv") == ("764146007", "63718003")
    assert not (output / "n0.tsv").exists()


def test_index_reads_what_annotate_reads_and_names_what_has_no_file_of_its_own(
    terms: Path, notes: Path, tmp_path: Path, capsys: Captured
) -> None:
    text = (notes / "n1.txt").read_text(encoding="utf-8")
    rows = [{"id": id_, "text": text} for id_ in ("a", "b/c", "a", "d")]
    table = tmp_path / "notas.jsonl.bz2"
    table.write_bytes(bz2.compress("\n".join(map(json.dumps, rows)).encode()))
    (notes / "planta").mkdir()
    (notes / "planta" / "n3.txt").write_text(text, encoding="utf-8")
    output = tmp_path / "codigos"
    capsys.readouterr()
    assert run(["index", str(table), str(notes), "-o", str(output), "-t", str(terms)]) == 1
    written = sorted(path.name for path in output.iterdir())
    assert written == ["a.tsv", "d.tsv", "n1.tsv", "n2.tsv"]
    assert read_indexing(output / "d.tsv") == read_indexing(output / "n1.tsv")
    a_file_name = "expected a document id that is a file name and not hidden, found"
    assert capsys.readouterr().err.splitlines() == [
        f"farmaner: {table}:2: {a_file_name} 'b/c'",
        f"farmaner: {table}:3: expected each document id once, found 'a' again",
        f"farmaner: {notes}/planta/n3.txt: {a_file_name} 'planta/n3'",
    ]


def test_index_of_gold_entities_needs_no_model(terms: Path, tmp_path: Path) -> None:
    output = tmp_path / "codigos"
    options = ["--entities", "-t", str(terms), "-o", str(output)]
    assert run(["index", str(terms.parent / "oro"), *options]) == 0
    assert read_indexing(output / "b.tsv") == ("63718003", "1")


def test_index_never_writes_one_document_over_another(
    terms: Path, tmp_path: Path, capsys: Captured
) -> None:
    gold = str(terms.parent / "oro")
    options = ["--entities", "-t", str(terms), "-o", str(tmp_path / "codigos")]
    capsys.readouterr()
    assert run(["index", gold, gold, *options]) == 1
    assert capsys.readouterr().err == (
        f"farmaner: {gold}: expected each document id in one folder alone, found 'a' again\n"
    )


def test_index_by_a_file_that_is_no_terminology_fails(
    notes: Path, tmp_path: Path, capsys: Captured
) -> None:
    arguments = ["index", str(notes), "-o", str(tmp_path / "c"), "-t", str(notes / "n1.txt")]
    assert run(arguments) == 1
    assert "expected a compiled terminology" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_annotate_links_into_jsonl_and_brat(
    terms: Path, notes: Path, tmp_path: Path, capsys: Captured
) -> None:
    capsys.readouterr()
    assert run(["annotate", str(notes / "n1.txt"), "--link", "-t", str(terms)]) == 0
    (first, *_) = json.loads(capsys.readouterr().out)["entities"]
    assert (first["text"], first["code"]) == ("penicilina", "764146007")
    output = tmp_path / "anotado"
    options = ["--format", "brat", "-o", str(output), "--terminology", str(terms)]
    assert run(["annotate", str(notes), *options]) == 0
    found = {document.id: document for document in read_brat(output)}
    assert [_code(found["n1"], i) for i in range(3)] == ["764146007", "63718003", "764146007"]


def test_annotate_without_link_gives_no_code(notes: Path, capsys: Captured) -> None:
    assert run(["annotate", str(notes / "n1.txt")]) == 0
    assert "code" not in capsys.readouterr().out


def _code(document: Document, index: int) -> str | None:
    concept = document.entities[index].concept
    return concept.code if concept else None
