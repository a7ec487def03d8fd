"""`farmaner convert`: what it prints, what it writes, how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.cli import run
from farmaner.formats.brat import read_brat
from farmaner.formats.jsonl import read_jsonl, write_jsonl

ORO = Entity(Span(5, 8), "NORMALIZABLES", "oro", 0.5, Concept("CHEBI:30050"))
DOCUMENT = Document("nota", "Toma oro.\n", (ORO,))


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    write_jsonl([DOCUMENT], tmp_path / "notas.jsonl")
    return tmp_path / "notas.jsonl"


def test_what_the_target_cannot_hold_is_one_line_on_stderr(
    notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = notes.with_name("corpus")
    assert run(["convert", str(notes), str(target)]) == 0
    expected = f"farmaner: {target}: brat cannot hold: scores of entities: 1\n"
    assert capsys.readouterr() == ("", expected)
    (read,) = read_brat(target)
    assert [(e.span, e.label, e.concept) for e in read.entities] == [
        (ORO.span, ORO.label, ORO.concept)
    ]


def test_nothing_is_said_where_nothing_is_lost(
    notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = notes.with_name("copia.jsonl")
    assert run(["convert", str(notes), str(target), "--strict"]) == 0
    assert capsys.readouterr() == ("", "")
    assert read_jsonl(target) == [DOCUMENT]


def test_strict_ends_with_1_where_something_is_lost_but_writes(notes: Path) -> None:
    target = notes.with_name("notas.doccano.jsonl")
    assert run(["convert", str(notes), str(target), "--strict"]) == 1
    assert target.exists()


def test_a_format_can_be_named_whatever_the_file_is_called(notes: Path) -> None:
    odd, back = notes.with_name("notas.txt"), notes.with_name("otra.dat")
    assert run(["convert", str(notes), str(odd), "--to", "omop"]) == 0
    assert run(["convert", str(odd), str(back), "--from", "omop", "--to", "jsonl"]) == 0
    assert read_jsonl(back) == [DOCUMENT]


@pytest.mark.parametrize("name", ["found.csv", "found.parquet"])
def test_what_annotate_writes_as_a_table_is_converted(name: str, tmp_path: Path) -> None:
    if name == "found.parquet":
        pytest.importorskip("pyarrow", reason="needs the extra tables")
    notes, found, gold = tmp_path / "notas.csv", tmp_path / name, tmp_path / "gold"
    notes.write_text("nhc;nota\n7;Niega alergia a penicilina.\n8;Sin novedad.\n", "utf-8")
    columns = ["--id-column", "nhc", "--text-column", "nota", "--delimiter", ";"]
    assert run(["annotate", str(notes), "--output", str(found), *columns]) == 0
    texts = ["--texts", str(notes), *columns] if name == "found.csv" else []
    assert run(["convert", str(found), str(gold), *texts]) == 0
    assert [(one.id, [(e.start, e.text) for e in one.entities]) for one in read_brat(gold)] == [
        ("7", [(16, "penicilina")]),
        ("8", []),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.jsonl", "b.jsonl", "--id-column", "nhc"], "jsonl has no columns to name"),
        (["a.jsonl", "b.jsonl", "--texts", "a.csv"], "jsonl has texts of its own"),
        (["a.csv", "b.jsonl", "--delimiter", "::"], "expected one character"),
        (["notas.json", "b.jsonl"], "expected a format by its name, or one of"),
        (["a.jsonl", "b.jsonl", "--to", "word"], "expected one of brat, jsonl,"),
        (["a.html", "b.jsonl"], "html can only be written"),
    ],
)
def test_a_format_that_is_not_clear_is_a_mistake_of_usage(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    assert run(["convert", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_its_format_ends_with_1(
    notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["convert", str(notes), str(notes) + ".x.jsonl", "--from", "conll"]) == 1
    expected = f"farmaner: {notes}:1: expected a word, a document, start_end and a tag, found 1"
    assert capsys.readouterr().err.startswith(expected)


def test_the_help_names_every_format_and_ending(capsys: pytest.CaptureFixture[str]) -> None:
    from farmaner.formats.table import FORMATS

    assert run(["convert", "--help"]) == 0
    printed = capsys.readouterr().out
    for one in FORMATS:
        assert [word for word in (one.name, *one.endings) if word not in printed] == []
