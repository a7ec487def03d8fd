"""What an unfinished job is, when it may go on, and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.jobs.conftest import content

import farmaner.recognizer
from farmaner import Document
from farmaner.cli import run
from farmaner.jobs import shards
from farmaner.jobs.manifest import JobFolder
from farmaner.testing import fake_recognizer

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farmaner.recognizer, "load", lambda *_, **__: fake_recognizer())
    monkeypatch.setattr(shards, "MAX_SHARD_DOCUMENTS", 2)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    (folder := tmp_path / "textos").mkdir()
    for number in range(7):
        (folder / f"n{number}.txt").write_text(f"{number}: PCR y albúmina", encoding="utf-8")
    return folder


@pytest.fixture
def command(texts: Path, tmp_path: Path) -> list[str]:
    (tmp_path / "salida").mkdir()
    return ["annotate", str(texts), "--output", str(tmp_path / "salida" / "a.jsonl")]


@pytest.fixture
def job(command: list[str]) -> Path:
    return Path(f"{command[-1]}.job")


@pytest.fixture
def whole(command: list[str], tmp_path: Path) -> bytes:
    """What the command writes when nothing interrupts it."""
    assert run([*command[:-1], str(tmp_path / "entera.jsonl")]) == 0
    return (tmp_path / "entera.jsonl").read_bytes()


@pytest.fixture
def interrupt(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> Callable[[list[str]], None]:  # fmt: skip
    """Runs a command and interrupts it in its third shard."""

    def interrupted(command: list[str]) -> None:
        recognize = farmaner.Recognizer.recognize_documents

        def until(self: Any, documents: Iterable[Document]) -> Iterator[Document]:
            for document in recognize(self, documents):
                if document.id == "n5":
                    raise KeyboardInterrupt
                yield document

        with monkeypatch.context() as patch:
            patch.setattr(farmaner.Recognizer, "recognize_documents", until)
            assert run(command) == 130
        assert capsys.readouterr() == (
            "",
            "farmaner: interrupted after 4 documents; the same command with --resume goes on\n",
        )

    return interrupted


Interrupt = Callable[[list[str]], None]


def test_an_interrupted_job_goes_on_from_its_last_shard_and_leaves_nothing_behind(
    command: list[str],
    interrupt: Interrupt,
    whole: bytes,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    interrupt(command)
    annotated: list[str] = []
    recognize = farmaner.Recognizer.recognize_documents

    def noted(self: Any, documents: list[Document]) -> Iterator[Document]:
        annotated.extend(document.id for document in documents)
        return recognize(self, documents)

    monkeypatch.setattr(farmaner.Recognizer, "recognize_documents", noted)

    assert run([*command, "--resume"]) == 0
    assert annotated == ["n4", "n5", "n6"]
    assert content(tmp_path / "salida") == {"a.jsonl": whole}


def test_the_manifest_holds_hashes_counts_and_offsets_and_no_text(
    command: list[str], interrupt: Interrupt, job: Path
) -> None:
    interrupt(command)

    lines = (job / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    head, *done = map(json.loads, lines)
    assert head["INPUT"] == [command[1]]
    assert [(row["shard"], row["n_items"], row["n_entities"]) for row in done] == [
        (0, 2, 4),
        (1, 2, 4),
    ]
    assert done[-1]["end"] == (job / "data").stat().st_size
    held = (job / "manifest.jsonl").read_bytes() + (job / "files.jsonl").read_bytes()
    assert b"PCR" not in held


def test_an_unfinished_job_is_not_begun_anew_unless_its_folder_is_removed(
    command: list[str], interrupt: Interrupt, capsys: Captured, job: Path
) -> None:
    interrupt(command)
    before = content(job)

    assert run(command) == 1
    assert capsys.readouterr() == (
        "",
        f"farmaner: {job}: expected no unfinished job, found one; go on with --resume, or remove "
        "that folder to start anew\n",
    )
    assert content(job) == before


def test_resume_begins_where_there_is_nothing_to_resume(
    command: list[str], whole: bytes, tmp_path: Path
) -> None:
    for _ in range(2):
        assert run([*command, "--resume"]) == 0
        assert content(tmp_path / "salida") == {"a.jsonl": whole}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--keys", "hf"], "the --keys"),
        (["--format", "csv"], "the --format"),
        (["--max-chars", "100"], "the --max-chars"),
        (["--id-column", "nhc"], "the --id-column"),
        (["--text-column", "nota"], "the --text-column"),
        (["--delimiter", ";"], "the --delimiter"),
        (["--input-format", "jsonl"], "the --input-format"),
        (["--backend", "onnx"], "the --backend"),
        (["--link"], "the --link"),
    ],
)
def test_other_options_are_refused_in_a_line(
    options: list[str],
    said: str,
    command: list[str],
    interrupt: Interrupt,
    capsys: Captured,
    job: Path,
) -> None:
    interrupt(command)

    assert run([*command, *options, "--resume"]) == 1
    assert capsys.readouterr() == (
        "",
        f"farmaner: {job}: expected {said} that the job began with, found another; resume with "
        "the same, or remove that folder to start anew\n",
    )


@pytest.mark.parametrize("file", ["farmaner.json", "lexicon.txt"])
def test_another_model_is_refused_even_in_the_same_folder(
    file: str, command: list[str], interrupt: Interrupt, capsys: Captured, tmp_path: Path
) -> None:
    (model := tmp_path / "modelo").mkdir()
    (model / file).write_text("{}", encoding="utf-8")
    interrupt([*command, "--model", str(model)])
    (model / file).write_text("{ }", encoding="utf-8")

    assert run([*command, "--model", str(model), "--resume"]) == 1
    assert "expected the model that the job began with" in capsys.readouterr().err


def test_other_inputs_are_refused(
    command: list[str], interrupt: Interrupt, capsys: Captured, texts: Path
) -> None:
    interrupt(command)

    assert run(["annotate", f"{texts}/n1.txt", *command[1:], "--resume"]) == 1
    assert "expected the INPUT that the job began with" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["n0.txt", "n6.txt"])
@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("otra cosa")])
def test_an_input_that_changed_is_refused_whether_or_not_it_was_read(
    name: str,
    change: Callable[[Path], object],
    command: list[str],
    interrupt: Interrupt,
    capsys: Captured,
    texts: Path,
    job: Path,
) -> None:
    interrupt(command)
    change(texts / name)

    assert run([*command, "--resume"]) == 1
    assert capsys.readouterr() == (
        "",
        f"farmaner: {texts / name}: expected the file that the job began with, found it changed "
        f"or gone; remove {job} to start anew\n",
    )


def test_an_input_that_changed_behind_its_size_and_time_is_known_by_its_hash(
    command: list[str], interrupt: Interrupt, capsys: Captured, texts: Path
) -> None:
    interrupt(command)
    status = (texts / "n1.txt").stat()
    (texts / "n1.txt").write_text("1: PCR y albumina!", encoding="utf-8")
    os.utime(texts / "n1.txt", ns=(status.st_atime_ns, status.st_mtime_ns))

    assert run([*command, "--resume"]) == 1
    assert "found other documents" in capsys.readouterr().err


def test_files_that_come_after_the_beginning_are_not_part_of_the_job(
    command: list[str], interrupt: Interrupt, whole: bytes, texts: Path
) -> None:
    interrupt(command)
    (texts / "n00.txt").write_text("PCR", encoding="utf-8")
    (texts / "n7.txt").write_text("PCR", encoding="utf-8")

    assert run([*command, "--resume"]) == 0
    assert Path(command[-1]).read_bytes() == whole


@pytest.mark.parametrize(
    "damage",
    [
        lambda job: cut_off(job / "manifest.jsonl", 7),
        lambda job: add(job / "manifest.jsonl", b'{"shard": 2, "n_it'),
        lambda job: add(job / "manifest.jsonl", b"\0\0\0\n"),
        lambda job: add(job / "data", b'{"id": "n4", "te'),
        lambda job: cut_off(job / "data", 1),
        lambda job: (job / "data").write_bytes(b"?" + (job / "data").read_bytes()[1:]),
    ],
    ids=["note cut", "note begun", "note of zeros", "data begun", "data cut", "data changed"],
)
def test_what_a_power_cut_leaves_half_written_is_done_again(
    damage: Callable[[Path], object],
    command: list[str],
    interrupt: Interrupt,
    whole: bytes,
    job: Path,
) -> None:
    interrupt(command)
    damage(job)

    assert run([*command, "--resume"]) == 0
    assert Path(command[-1]).read_bytes() == whole


def cut_off(path: Path, n_bytes: int) -> None:
    path.write_bytes(path.read_bytes()[:-n_bytes])


def add(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


def test_a_document_that_could_not_be_read_then_and_can_be_now_stays_failed(
    command: list[str], interrupt: Interrupt, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from farmaner.errors import CorpusError
    from farmaner.jobs import reading

    def unreadable(name: str) -> Any:
        if name.endswith("n1.txt"):
            raise CorpusError(f"{name}: expected a readable file, found: Input/output error")
        return Path(name).open("rb")

    with monkeypatch.context() as patch:
        patch.setattr(reading, "open_binary", unreadable)
        interrupt_quietly(command, monkeypatch)

    assert run([*command, "--resume"]) == 1
    errors = Path(f"{command[-1]}.errors.jsonl").read_text(encoding="utf-8")
    assert json.loads(errors) == {
        "id": "n1",
        "place": str(texts / "n1.txt"),
        "reason": "expected a readable file, found: Input/output error",
    }
    rows = Path(command[-1]).read_text(encoding="utf-8").splitlines()
    assert [json.loads(row)["id"] for row in rows] == ["n0", "n2", "n3", "n4", "n5", "n6"]


def interrupt_quietly(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    append = JobFolder.append

    def until(self: JobFolder, row: Any) -> None:
        append(self, row)
        if getattr(row, "shard", 0) == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(JobFolder, "append", until)
        assert run(command) == 130


def test_two_processes_never_work_at_one_job(
    command: list[str], interrupt: Interrupt, capsys: Captured, job: Path
) -> None:
    pytest.importorskip("fcntl", reason="needs a system that locks files")
    interrupt(command)
    other = JobFolder(job)
    other.lock()

    assert run([*command, "--resume"]) == 1
    assert capsys.readouterr() == (
        "",
        f"farmaner: {job}: expected a job that no one works on, found another process at it\n",
    )
    other.close()


def test_a_folder_annotated_in_place_can_be_resumed(
    texts: Path, interrupt: Interrupt, tmp_path: Path
) -> None:
    command = ["annotate", str(texts), "--format", "brat", "--output", str(texts)]
    interrupt(command)

    assert run([*command, "--resume"]) == 0
    assert run(["annotate", str(texts), "--output", str(tmp_path / "otra") + "/"]) == 0
    assert content(texts) == content(tmp_path / "otra")


def test_resume_needs_an_output(texts: Path, capsys: Captured) -> None:
    assert run(["annotate", str(texts), "--resume"]) == 2
    assert "only a job with --output is resumed" in capsys.readouterr().err


def test_what_failed_in_a_job_before_is_not_said_of_this_one(
    command: list[str], texts: Path
) -> None:
    (texts / "n3.txt").write_bytes(b"\xff")
    assert run(command) == 1
    errors = Path(f"{command[-1]}.errors.jsonl")
    assert errors.exists()
    (texts / "n3.txt").write_bytes(b"PCR")

    assert run(command) == 0
    assert not errors.exists()
