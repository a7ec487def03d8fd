"""What a Python worker does, without Spark."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from farmaner.errors import JobError
from farmaner.formats.rows import Columns
from farmaner.jobs.annotator import Annotator, AnnotatorSettings
from farmaner.recognizer import bundled_model

pa = pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'farmaner[spark]'")

from farmaner.integrations.spark import worker  # noqa: E402

SETTINGS = AnnotatorSettings(str(bundled_model()))
WORK = worker.Work(SETTINGS, Columns(), 1, worker.facts_of(SETTINGS))
TEXT = "Niega alergia a penicilina."


def answers(ids: list[str], texts: list[str], work: worker.Work = WORK) -> list[dict[str, Any]]:
    batches = iter([(pa.array(ids), pa.array(texts))])
    return [row for batch in worker.answer_batches(batches, work) for row in batch.to_pylist()]


def test_a_large_batch_is_answered_row_by_row_in_its_order() -> None:
    texts = [f"{number} mg de omeprazol" if number % 3 else "" for number in range(300)]
    found = answers([str(number) for number in range(300)], texts)
    assert [[entity["text"] for entity in row["entities"]] for row in found] == [
        ["omeprazol"] if number % 3 else [] for number in range(300)
    ]


def test_the_model_is_loaded_once_for_all_tasks_of_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker._annotator.cache_clear()
    loaded: list[int] = []

    class Counted(Annotator):
        def __init__(self, settings: AnnotatorSettings, threads: int) -> None:
            loaded.append(threads)
            super().__init__(settings, threads)

    monkeypatch.setattr(worker, "Annotator", Counted)
    for _ in range(3):
        assert answers(["a"], [TEXT])[0]["error"] is None
    assert loaded == [1]


def test_a_worker_with_another_model_than_the_driver_gives_no_answer() -> None:
    facts = tuple((name, "otro" if name == "model" else value) for name, value in WORK.facts)
    with pytest.raises(JobError, match=r"^worker on .*: expected the model that the driver has, "):
        answers(["a"], [TEXT], dataclasses.replace(WORK, facts=facts))


def test_an_error_that_no_one_foresaw_does_not_carry_a_text_into_a_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise ValueError(TEXT)

    monkeypatch.setattr(worker, "_answers", broken)
    with pytest.raises(JobError) as told:
        answers(["a"], [TEXT])
    assert str(told.value) == "worker: expected one that goes on, found ValueError"
    assert told.value.__suppress_context__
