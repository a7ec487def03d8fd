"""`farmaner evaluate`: what it prints, where, and with which exit code."""

import json
from pathlib import Path

import pytest

from farmaner.cli import run

ALBUMIN = "T1\tPROTEINAS 8 16\talbúmina\n#1\tAnnotatorNotes T1\t52454007\n"
CREATININE = "T2\tNORMALIZABLES 20 30\tcreatinina\n#2\tAnnotatorNotes T2\t15373003\n"
SPURIOUS = "T3\tNORMALIZABLES 40 43\tsal\n"


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    return folder(tmp_path / "gold", {"a.ann": ALBUMIN + CREATININE, "b.ann": ALBUMIN})


def folder(path: Path, files: dict[str, str]) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / name).write_text(content, encoding="utf-8")
    return path


def rows(printed: str) -> list[list[str]]:
    """Return the cells of the lines that begin with a label or `micro`."""
    cells = [line.split() for line in printed.splitlines()]
    return [row for row in cells if row and row[0] in {"PROTEINAS", "NORMALIZABLES", "micro"}]


def test_ner_prints_figures_and_counts_by_label(
    gold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = folder(tmp_path / "sistema [1]", {"a.ann": ALBUMIN + SPURIOUS, "b.ann": ALBUMIN})

    assert run(["evaluate", "ner", str(gold), str(system)]) == 0

    printed = capsys.readouterr()
    assert rows(printed.out) == [
        ["NORMALIZABLES", "0.0000", "0.0000", "0.0000", "0", "1", "1"],
        ["PROTEINAS", "1.0000", "1.0000", "1.0000", "2", "0", "0"],
        ["micro", "0.6667", "0.6667", "0.6667", "2", "1", "1"],
    ]
    assert "strict rules, documents scored: 2" in printed.out
    assert "P 0.6666666666666666  R 0.6666666666666666  F1 0.6666666666666666" in printed.out
    assert printed.err == ""


@pytest.mark.parametrize("n_columns", [30, 80, 200])
def test_a_long_folder_name_is_shown_whole_and_unchanged(
    gold: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    n_columns: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(n_columns))
    system = folder(tmp_path / ("sistema[bold]" * 8), {"a.ann": "", "b.ann": ""})

    assert run(["evaluate", "ner", str(gold), str(system)]) == 0

    assert str(system) in "".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", ["empty", "empty" * 30])
def test_several_systems_stand_side_by_side_however_long_their_names(
    gold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    empty = folder(tmp_path / name, {"a.ann": "", "b.ann": ""})

    assert run(["evaluate", "ner", str(gold), str(gold), str(empty)]) == 0

    [micro] = [row for row in rows(capsys.readouterr().out) if row[0] == "micro"]
    assert micro == [
        *("micro", "1.0000", "1.0000", "1.0000", "3", "0", "0"),
        *("micro", "0.0000", "0.0000", "0.0000", "0", "0", "3"),
    ]


def test_missing_documents_are_warned_of_on_stderr(
    gold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = folder(tmp_path / "system", {"a.ann": ALBUMIN})

    assert run(["evaluate", "ner", str(gold), str(system)]) == 0
    strict = capsys.readouterr()
    assert run(["evaluate", "ner", str(gold), str(system), "--rules", "codalab"]) == 0
    codalab = capsys.readouterr()

    warning = f"farmaner: warning: {system}: 1 document (b) of gold missing: "
    assert strict.err == f"{warning}all their gold counts as missed\n"
    assert rows(strict.out)[-1][-3:] == ["1", "0", "2"]
    assert codalab.err == f"{warning}left out of the score\n"
    assert rows(codalab.out)[-1][-3:] == ["1", "0", "1"]


def test_unknown_documents_are_warned_of_or_refused(
    gold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = folder(tmp_path / "system", {"a.ann": "", "b.ann": "", "c.ann": ""})
    command = ["evaluate", "ner", str(gold), str(system), "--rules"]

    assert run([*command, "codalab"]) == 0
    assert "1 document (c) not in gold: left out of the score" in capsys.readouterr().err
    assert run([*command, "strict"]) == 1
    assert "expected no document that gold lacks" in capsys.readouterr().err


def test_gold_with_nothing_to_find_is_warned_of(
    gold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = folder(tmp_path / "nothing", {"a.ann": "", "b.ann": ""})

    assert run(["evaluate", "ner", str(nothing), str(gold)]) == 0

    assert "gold holds nothing to find" in capsys.readouterr().err


def test_json_holds_counts_and_figures_in_full_and_as_printed(
    gold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = "a\t52454007\na\t15373003\na\t<null>\n"
    system = folder(tmp_path / "system", {"a.tsv": codes, "b.tsv": ""})
    command = ["evaluate", "indexing", str(gold), str(system), "--rules", "standalone", "--json"]

    assert run(command) == 0

    printed = capsys.readouterr()
    assert json.loads(printed.out) == {
        "task": "indexing",
        "gold": str(gold),
        "systems": [
            {
                "system": str(system),
                "rules": "standalone",
                "documents": {"scored": 2, "missing": [], "unknown": []},
                "micro": {
                    "true_positives": 2,
                    "false_positives": 1,
                    "false_negatives": 1,
                    "precision": 2 / 3,
                    "recall": 2 / 3,
                    "f1": 2 / 3,
                    "printed": {"precision": "0.6667", "recall": "0.6667", "f1": "0.6667"},
                },
            }
        ],
    }
    assert printed.err == ""


def test_indexing_prints_one_row(
    gold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = folder(tmp_path / "system", {"a.tsv": "a\t52454007\n", "b.tsv": "b\t1\n"})

    assert run(["evaluate", "indexing", str(gold), str(system)]) == 0

    assert rows(capsys.readouterr().out) == [
        ["micro", "0.5000", "0.3333", "0.4000", "1", "1", "2"],
    ]


def test_the_oracle_links_gold_spans_and_tells_linking_from_recognition(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "Calcio, albúmina y creatinina altas, nadaína sin subir."
    albumin = "T1\tPROTEINAS 8 16\talbúmina\n#1\tAnnotatorNotes T1\t52454007\n"
    creatinine = "T2\tNORMALIZABLES 19 29\tcreatinina\n#2\tAnnotatorNotes T2\t15373003\n"
    unknown = "T3\tNORMALIZABLES 37 44\tnadaína\n#3\tAnnotatorNotes T3\t999999\n"
    known = folder(tmp_path / "train", {"t.txt": text, "t.ann": albumin + creatinine})
    gold = folder(tmp_path / "gold", {"a.txt": text, "a.ann": albumin + creatinine + unknown})
    system = folder(tmp_path / "system", {"a.tsv": "a\t52454007\n"})
    terms = str(tmp_path / "train.terms")
    assert run(["terminology", "build", "--brat", str(known), "-o", terms]) == 0
    capsys.readouterr()
    command = ["evaluate", "indexing", str(gold), str(system), "--oracle", terms]

    assert run(command) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert run([*command, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)

    assert ["micro", "1.0000", "0.3333", "0.5000", "1", "0", "2"] in printed
    assert ["gold", "spans", "1.0000", "0.6667", "0.8000", "2", "0", "1"] in printed
    assert data["gold_spans"]["micro"]["true_positives"] == 2
    assert data["systems"][0]["micro"]["true_positives"] == 1


def test_the_bundled_terminology_may_be_the_oracle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "Sin albúmina"
    ann = "T1\tPROTEINAS 4 12\talbúmina\n#1\tAnnotatorNotes T1\t52454007\n"
    gold = folder(tmp_path / "gold", {"a.txt": text, "a.ann": ann})
    system = folder(tmp_path / "system", {"a.tsv": ""})

    assert run(["evaluate", "indexing", str(gold), str(system), "--oracle", "bundled"]) == 0

    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["gold", "spans", "1.0000", "1.0000", "1.0000", "1", "0", "0"] in printed


def test_input_that_cannot_be_scored_is_one_line_and_exit_1(
    gold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = folder(tmp_path / "empty", {})

    assert run(["evaluate", "ner", str(gold), str(empty)]) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        f"farmaner: {empty}: expected .ann files of the system, found none among 0 files\n"
    )


@pytest.mark.parametrize(
    "arguments", [["ner"], ["ner", "gold"], ["ner", "gold", "system", "--rules", "muc"]]
)
def test_wrong_usage_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", *arguments]) == 2
    assert capsys.readouterr().out == ""
