"""`farmaner annotate`, in process, on the fake recognizer."""

import io
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import farmaner.recognizer
from farmaner import Document
from farmaner.cli import run
from farmaner.errors import ModelError
from farmaner.testing import fake_recognizer

NOTE = "Niega alergia a penicilina.\r\nToma ácido fólico 💊.\r\n"
NEVER_SHOWN = "Confidencial"  # begins every text that must not be quoted

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Put the fake in the place of every model; returns what it was asked for."""
    asked: list[dict[str, Any]] = []

    def load(model: Path | None = None, **settings: Any) -> farmaner.Recognizer:
        asked.append({"model": model, **settings})
        return fake_recognizer()

    monkeypatch.setattr(farmaner.recognizer, "load", load)
    return asked


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notas"
    folder.mkdir()
    (folder / "b.txt").write_bytes(NOTE.encode())
    (folder / "a.txt").write_bytes(b"Sin hallazgos.")
    (folder / "vacía.txt").write_bytes(b"")
    return folder


def give_stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def rows(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.split("\n") if line]


def entities(id_: str, row: dict[str, Any]) -> list[tuple[str, int, int]]:
    assert row["id"] == id_
    return [(entity["label"], entity["start"], entity["end"]) for entity in row["entities"]]


def test_stdin_is_annotated_as_json_lines(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    give_stdin(monkeypatch, NOTE.encode())

    assert run(["annotate", "-"]) == 0
    out, err = capsysbinary.readouterr()
    assert err == b""
    assert out.count(b"\n") == 1
    assert json.loads(out) == {
        "id": "stdin",
        "text": NOTE,
        "entities": [
            {
                "label": "NORMALIZABLES",
                "start": 16,
                "end": 26,
                "text": "penicilina",
                "score": 0.9853,
            },
            {
                "label": "NORMALIZABLES",
                "start": 34,
                "end": 46,
                "text": "ácido fólico",
                "score": 0.9853,
            },
        ],
    }


def test_json_has_the_keys_of_the_transformers_pipeline_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    give_stdin(monkeypatch, b"PCR")

    assert run(["annotate", "-", "--keys", "hf"]) == 0
    assert rows(capsys.readouterr().out)[0]["entities"] == [
        {"entity_group": "PROTEINAS", "start": 0, "end": 3, "word": "PCR", "score": 0.9853}
    ]


def test_files_and_folders_come_in_the_order_given_and_folders_in_order_of_name(
    notes: Path, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "sola").write_text("PCR", encoding="utf-8")

    assert run(["annotate", str(tmp_path / "sola"), str(notes)]) == 0
    sola, a, b, empty = rows(capsys.readouterr().out)
    assert entities("sola", sola) == [("PROTEINAS", 0, 3)]
    assert entities("a", a) == []
    assert entities("b", b) == [("NORMALIZABLES", 16, 26), ("NORMALIZABLES", 34, 46)]
    assert empty == {"id": "vacía", "text": "", "entities": []}


def test_hidden_files_and_folders_named_like_texts_are_passed_over(
    notes: Path, tmp_path: Path, capsys: Captured
) -> None:
    (notes / ".oculta.txt").write_text("PCR", encoding="utf-8")
    (notes / "carpeta.txt").mkdir()

    assert run(["annotate", str(notes), "-f", "brat", "-o", str(tmp_path / "out")]) == 0
    assert capsys.readouterr() == ("", "")
    assert not (tmp_path / "out" / ".oculta.ann").exists()


def test_json_lines_go_to_the_file_named(notes: Path, tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "anotado.jsonl"

    assert run(["annotate", str(notes), "--output", str(file)]) == 0
    assert capsys.readouterr() == ("", "")
    assert [row["id"] for row in rows(file.read_text(encoding="utf-8"))] == ["a", "b", "vacía"]


def test_brat_has_every_text_as_it_was_and_an_ann_for_it(notes: Path, tmp_path: Path) -> None:
    output = tmp_path / "anotado"

    assert run(["annotate", str(notes), "--format", "brat", "--output", str(output)]) == 0
    assert {path.name: path.read_bytes().decode() for path in output.iterdir()} == {
        "a.txt": "Sin hallazgos.",
        "a.ann": "",
        "b.txt": NOTE,
        "b.ann": "T1\tNORMALIZABLES 16 26\tpenicilina\nT2\tNORMALIZABLES 34 46\tácido fólico\n",
        "vacía.txt": "",
        "vacía.ann": "",
        "annotation.conf": (
            "[entities]\nNORMALIZABLES\nNO_NORMALIZABLES\nPROTEINAS\n"
            "\n[relations]\n\n[events]\n\n[attributes]\n"
        ),
    }


def test_the_model_and_what_runs_it_are_handed_on(notes: Path, model: list[dict[str, Any]]) -> None:
    options = ["--model", "mi-modelo", "--backend", "onnx", "--threads", "2"]

    assert run(["annotate", str(notes), *options]) == 0
    assert run(["annotate", str(notes)]) == 0
    assert model == [
        {"model": Path("mi-modelo"), "backend": "onnx", "threads": 2},
        {"model": None, "backend": "auto", "threads": None},
    ]


@pytest.mark.parametrize("output_format", ["jsonl", "brat"])
def test_a_file_that_is_not_utf8_fails_alone(
    notes: Path, tmp_path: Path, capsys: Captured, output_format: str
) -> None:
    bad, output = notes / "a2.txt", tmp_path / "salida"
    bad.write_bytes(f"{NEVER_SHOWN}: penicilina, ácido fólico".encode("latin-1"))

    assert run(["annotate", str(notes), "-f", output_format, "-o", str(output)]) == 1
    errors = output / "errors.jsonl" if output_format == "brat" else f"{output}.errors.jsonl"
    assert capsys.readouterr() == (
        "",
        f"farmaner: {bad}: expected UTF-8 text, found byte 0xE1 at byte offset 26\n"
        f"farmaner: 1 of 4 documents failed, named in {errors}\n",
    )
    assert rows(Path(errors).read_text(encoding="utf-8")) == [
        {
            "id": "a2",
            "place": str(bad),
            "reason": "expected UTF-8 text, found byte 0xE1 at byte offset 26",
        }
    ]
    if output_format == "brat":
        written = {path.stem for path in output.glob("*.ann")}
    else:
        written = {row["id"] for row in rows(output.read_text(encoding="utf-8"))}
    assert written == {"a", "b", "vacía"}


def test_stdin_that_is_not_utf8_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    give_stdin(monkeypatch, f"{NEVER_SHOWN} Núñez".encode("latin-1"))

    assert run(["annotate", "-"]) == 1
    assert capsys.readouterr() == (
        "",
        "farmaner: stdin: expected UTF-8 text, found byte 0xFA at byte offset 14\n",
    )


def test_a_folder_without_texts_is_one_line(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "nota.doc").write_text(NEVER_SHOWN, encoding="utf-8")

    assert run(["annotate", str(tmp_path)]) == 1
    assert capsys.readouterr() == (
        "",
        f"farmaner: {tmp_path}: expected a folder with .txt files, found none\n",
    )


def test_an_input_that_does_not_exist_fails_before_anything_is_read(
    notes: Path, tmp_path: Path, capsys: Captured, model: list[dict[str, Any]]
) -> None:
    missing = tmp_path / "nada.txt"

    assert run(["annotate", str(notes), str(missing)]) == 1
    assert capsys.readouterr() == (
        "",
        f"farmaner: {missing}: expected a text file or a folder, found neither\n",
    )
    assert model == []


def test_equal_ids_are_refused_for_brat_and_told_apart_by_no_one_in_json(
    notes: Path, tmp_path: Path, capsys: Captured
) -> None:
    (other := tmp_path / "otras").mkdir()
    (other / "b.txt").write_text("PCR", encoding="utf-8")
    inputs = [str(notes), str(other)]

    assert run(["annotate", *inputs, "-f", "brat", "-o", str(tmp_path / "out")]) == 1
    assert capsys.readouterr() == (
        "",
        f"farmaner: {other / 'b.txt'}: expected a document id of its own, "
        "found 'b' a second time\n",
    )
    assert not (tmp_path / "out").exists()
    assert run(["annotate", *inputs]) == 0
    assert [row["id"] for row in rows(capsys.readouterr().out)] == ["a", "b", "vacía", "b"]


def test_stdin_cannot_be_read_twice(capsys: Captured) -> None:
    assert run(["annotate", "-", "-"]) == 2
    assert "stdin can be read once" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["-", "--format", "brat"],
        ["-", "--format", "xml"],
        ["-", "--threads", "0"],
        ["-", "--backend", "cuda"],
        ["-", "--format", "parquet"],
        ["-", "--input-format", "parquet"],
        ["-", "--delimiter", "||"],
        ["-", "--workers", "0"],
        [],
    ],
)
def test_a_usage_mistake_exits_2(arguments: list[str], capsys: Captured) -> None:
    assert run(["annotate", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err


def test_an_output_that_cannot_be_written_is_one_line(
    notes: Path, tmp_path: Path, capsys: Captured
) -> None:
    (taken := tmp_path / "ocupado").write_text("", encoding="utf-8")

    assert run(["annotate", str(notes), "-f", "brat", "-o", str(taken)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"farmaner: {taken}: expected a folder to write in, found: File exists\n"


def test_an_interrupt_exits_130_says_how_to_resume_and_leaves_no_file_half_written(
    notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def interrupted(_: object, documents: Iterable[Document]) -> Iterator[Document]:
        yield next(iter(documents))
        raise KeyboardInterrupt

    output = tmp_path / "salida"
    command = ["annotate", str(notes), "-f", "brat", "-o", str(output)]
    with monkeypatch.context() as patch:
        patch.setattr(farmaner.Recognizer, "recognize_documents", interrupted)
        assert run(command) == 130
    assert capsys.readouterr() == (
        "",
        "farmaner: interrupted after 0 documents; the same command with --resume goes on\n",
    )
    assert [path.name for path in output.iterdir()] == [".farmaner-job"]
    assert run([*command, "--resume"]) == 0
    assert sorted(path.name for path in output.glob("*.ann")) == ["a.ann", "b.ann", "vacía.ann"]


def test_a_model_that_cannot_be_loaded_is_one_line(
    notes: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def load(*_: object, **__: object) -> farmaner.Recognizer:
        raise ModelError("m: expected model weights (model.safetensors), found none")

    monkeypatch.setattr(farmaner.recognizer, "load", load)

    assert run(["annotate", str(notes)]) == 1
    assert capsys.readouterr() == (
        "",
        "farmaner: m: expected model weights (model.safetensors), found none\n",
    )


@pytest.mark.parametrize("output_format", ["jsonl", "brat"])
def test_no_text_ever_reaches_stderr(tmp_path: Path, capsys: Captured, output_format: str) -> None:
    (folder := tmp_path / "notas").mkdir()
    for number, data in enumerate(
        [b"%s \xff", b"%s\x00\x01\x1b[31m", "%s 💊 \ud83d".encode("utf-8", "surrogatepass"), b"%s"]
    ):
        (folder / f"{number}.txt").write_bytes(data.replace(b"%s", NEVER_SHOWN.encode()))

    code = run(["annotate", str(folder), "-f", output_format, "-o", str(tmp_path / "salida")])
    err = capsys.readouterr().err
    assert code == 1
    assert [line.split(": ")[1] for line in err.splitlines()[:-1]] == (
        [str(folder / "0.txt"), str(folder / "2.txt")]
    )
    assert NEVER_SHOWN not in err


def test_annotations_that_lie_beside_the_texts_are_never_written_over(
    notes: Path, capsys: Captured
) -> None:
    (notes / "b.ann").write_text("T1\tPROTEINAS 0 5\tNiega\n", encoding="utf-8")

    assert run(["annotate", str(notes), "--format", "brat", "--output", str(notes)]) == 1
    assert capsys.readouterr().err == (
        f"farmaner: {notes}: expected an output folder other than the input's, whose annotations "
        "would be lost, found b.ann in it\n"
    )
    assert (notes / "b.ann").read_text(encoding="utf-8") == "T1\tPROTEINAS 0 5\tNiega\n"
    assert not (notes / "a.ann").exists()


def test_a_folder_of_texts_alone_may_be_annotated_in_place(notes: Path) -> None:
    assert run(["annotate", str(notes), "--format", "brat", "--output", str(notes)]) == 0
    assert (notes / "a.ann").read_bytes() == b""
    assert (notes / "b.txt").read_bytes() == NOTE.encode()
