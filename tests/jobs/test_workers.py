"""Annotators and workers: failures cost one document, memory that runs out halves the batch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.jobs.conftest import finish

import farmaner.recognizer
from farmaner import Document, Recognizer
from farmaner.errors import OffsetError
from farmaner.jobs.annotator import Annotator, AnnotatorSettings, is_out_of_memory
from farmaner.jobs.processes import _thread_variables
from farmaner.jobs.workers import share_out
from farmaner.testing import fake_recognizer

DOCUMENTS = [Document("a", "PCR"), Document("b", "albúmina"), Document("c", "PCR")]


def ids(document: Document) -> str:
    return f"{document.id}: {len(document.entities)}"


class Runtime(Exception):  # noqa: N818  as runtimes name theirs
    pass


class OutOfMemoryError(RuntimeError):
    """As torch names its own."""


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (MemoryError(), True),
        (OutOfMemoryError("CUDA"), True),
        (Runtime("Failed to allocate memory for requested buffer of size 8388608"), True),
        (RuntimeError("std::bad_alloc"), True),
        (ValueError("another"), False),
    ],
)
def test_memory_that_runs_out_is_known_whichever_runtime_says_so(
    error: Exception, answer: bool
) -> None:
    assert is_out_of_memory(error) is answer


def recognizers(monkeypatch: pytest.MonkeyPatch, most: int, error: Exception) -> list[int]:
    """Let a recognizer with batches of more than `most` pieces fail; returns the sizes asked."""
    sizes: list[int] = []

    def load(*_: Any, max_batch_pieces: int = 16384, **__: Any) -> Recognizer:
        sizes.append(max_batch_pieces)
        recognizer = fake_recognizer()
        recognize = recognizer.recognize_documents

        def limited(documents: Iterable[Document]) -> Iterator[Document]:
            if max_batch_pieces > most:
                raise error
            return recognize(documents)

        monkeypatch.setattr(recognizer, "recognize_documents", limited)
        return recognizer

    monkeypatch.setattr(farmaner.recognizer, "load", load)
    return sizes


def test_where_memory_runs_out_the_batch_is_halved_and_the_documents_are_annotated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = recognizers(monkeypatch, 512, MemoryError())
    annotator = Annotator(AnnotatorSettings(), 1)

    assert annotator.annotate(DOCUMENTS, ids) == ["a: 1", "b: 1", "c: 1"]
    assert annotator.annotate(DOCUMENTS, ids) == ["a: 1", "b: 1", "c: 1"]
    assert sizes == [16384, 8192, 4096, 2048, 1024, 512]


def test_a_document_that_finds_no_memory_in_the_smallest_batch_fails_and_others_get_large_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = recognizers(monkeypatch, 0, MemoryError())
    annotator = Annotator(AnnotatorSettings(), 1)

    reason = "expected to annotate it, found MemoryError"
    assert annotator.annotate(DOCUMENTS[:1], str) == [reason]
    halved = [16384, 8192, 4096, 2048, 1024, 512, 256, 128]
    assert sizes == [*halved, *halved, 16384]  # together, then one by one


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("quotes PCR"), "expected to annotate it, found ValueError"),
        (OffsetError("b: expected one, found another"), "b: expected one, found another"),
    ],
)
def test_what_fails_costs_its_document_alone(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(farmaner.recognizer, "load", lambda *_, **__: fake_recognizer())
    annotator = Annotator(AnnotatorSettings(), None)
    recognize = annotator._recognizer.recognize_documents

    def failing(documents: Iterable[Document]) -> Iterator[Document]:
        for document in recognize(documents):
            if document.id == "b":
                raise error
            yield document

    monkeypatch.setattr(annotator._recognizer, "recognize_documents", failing)
    assert annotator.annotate(DOCUMENTS, ids) == ["a: 1", reason, "c: 1"]


@pytest.mark.parametrize(
    ("threads", "workers", "shares"),
    [(8, 2, [4, 4]), (5, 2, [3, 2]), (2, 4, [1, 1, 1, 1]), (1, 1, [1])],
)
def test_the_cores_are_shared_out_among_the_workers(
    threads: int, workers: int, shares: list[int]
) -> None:
    assert share_out(threads, workers) == shares


def test_a_process_that_starts_is_told_how_many_threads_it_may_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import os

    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("RAYON_NUM_THREADS", raising=False)

    with _thread_variables(2):
        told = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")}

    assert told == {"OMP_NUM_THREADS": "2", "RAYON_NUM_THREADS": "2"}
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "RAYON_NUM_THREADS" not in os.environ


@pytest.mark.slow
def test_a_document_that_kills_its_worker_is_recorded_and_all_others_are_annotated(
    tmp_path: Path,
) -> None:
    source, output = tmp_path / "n.jsonl", tmp_path / "s.jsonl"
    texts = ["PCR"] * 9 + ["MATA", "PCR", "FALLA", "PCR", "PCR"]
    rows = (json.dumps({"id": number, "text": text}) for number, text in enumerate(texts))
    source.write_text("\n".join(rows), encoding="utf-8")

    code, out, err = finish(source, "-o", output, "--workers", 2)

    assert (code, out) == (1, "")
    assert err.splitlines() == [
        f"farmaner: {source}:10: expected to annotate it, found that its worker ended with code -9",
        f"farmaner: {source}:12: expected to annotate it, found ValueError",
        f"farmaner: 2 of 14 documents failed, named in {output}.errors.jsonl",
    ]
    written = [json.loads(line)["id"] for line in output.read_text(encoding="utf-8").splitlines()]
    assert written == [str(number) for number in range(14) if number not in (9, 11)]


@pytest.mark.slow
def test_workers_that_cannot_load_the_model_are_one_line(tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    (tmp_path / "a.txt").write_text("PCR", encoding="utf-8")
    command = ["annotate", str(tmp_path), "-o", f"{tmp_path}/s.jsonl", "--workers", "2"]
    ended = subprocess.run(
        [sys.executable, "-m", "farmaner", *command, "--model", f"{tmp_path}/nada"],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        1,
        "",
        f"farmaner: {tmp_path}/nada: expected a model folder, found no such folder\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
