"""Jobs of many clients: batched, bounded, dropped when nobody waits, finished at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmaner import Document
from farmaner.service import Settings
from farmaner.service.errors import ServiceError
from farmaner.service.jobs import (
    MIN_PIECES,
    Job,
    JobQueue,
    QueueClosed,
    QueueFull,
    estimate_pieces,
)
from farmaner.service.metrics import Metrics
from farmaner.service.worker import Worker
from farmaner.testing import fake_recognizer

from .conftest import NOTE, WatchedModel, wait_until

MakeJob = Callable[..., Job]


def job(text: str = NOTE, *, seconds: float = 60.0, n_pieces: int | None = None) -> Job:
    deadline = time.monotonic() + seconds
    documents = (Document("0", text),)
    if n_pieces is None:
        n_pieces = estimate_pieces(text)
    return Job("1234abcd", documents, n_pieces, deadline)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(10, 100))
def test_jobs_are_taken_in_their_order_as_many_as_fit(sizes: list[int], budget: int) -> None:
    queue = JobQueue(max_pieces=10_000)
    jobs = [job(n_pieces=size) for size in sizes]
    for each in jobs:
        queue.put(each)
    queue.close()
    rounds = []
    while (taken := queue.take(budget)) is not None:
        rounds.append(taken)

    assert [each for round_ in rounds for each in round_] == jobs
    totals = [sum(each.n_pieces for each in round_) for round_ in rounds]
    assert all(total <= budget or len(r) == 1 for total, r in zip(totals, rounds))
    # No round ends before the next job would have burst it.
    following = [round_[0].n_pieces for round_ in rounds[1:]]
    assert all(total + next_ > budget for total, next_ in zip(totals, following))
    assert (len(queue), queue.n_pieces) == (0, 0)


def test_a_full_queue_takes_no_more_until_there_is_room() -> None:
    queue = JobQueue(max_pieces=100)
    queue.put(job(n_pieces=60))
    queue.put(job(n_pieces=40))
    with pytest.raises(QueueFull):
        queue.put(job(n_pieces=1))
    assert (len(queue), queue.n_pieces) == (2, 100)

    queue.take(60)
    queue.put(job(n_pieces=60))


def test_a_job_larger_than_the_queue_is_taken_when_nothing_waits() -> None:
    queue = JobQueue(max_pieces=100)
    queue.put(job(n_pieces=500))
    with pytest.raises(QueueFull):
        queue.put(job(n_pieces=1))


def test_abandoned_and_late_jobs_are_dropped_and_told_of() -> None:
    dropped: list[str] = []
    queue = JobQueue(1000, dropped.append)
    abandoned, late, wanted = job(), job(seconds=-1), job()
    for each in (abandoned, late, wanted):
        queue.put(each)
    abandoned.answer.cancel()

    assert queue.take(1000) == [wanted]
    assert dropped == ["abandoned", "deadline"]
    assert late.answer.cancelled()
    assert wanted.answer.running()


def test_what_nobody_waits_for_makes_room() -> None:
    queue = JobQueue(max_pieces=100)
    first, second = job(n_pieces=60), job(n_pieces=40)
    queue.put(first)
    queue.put(second)
    first.answer.cancel()
    third = job(n_pieces=60)
    queue.put(third)

    assert queue.take(1000) == [second, third]


def test_a_closed_queue_gives_out_what_waits_and_takes_no_more() -> None:
    queue = JobQueue(max_pieces=100)
    waiting = job()
    queue.put(waiting)
    queue.close()
    with pytest.raises(QueueClosed):
        queue.put(job())

    assert queue.take(100) == [waiting]
    assert queue.take(100) is None


def test_every_text_counts_something_and_signs_of_many_bytes_count_more() -> None:
    assert estimate_pieces("") == MIN_PIECES
    assert estimate_pieces("a" * 300) == 120
    assert estimate_pieces("💊" * 300) == 480
    assert estimate_pieces("\ud800" * 300) == 360


MakeWorker = Callable[..., tuple[Worker, Metrics]]


@pytest.fixture
def start() -> Iterator[MakeWorker]:
    """Return a function that starts a worker on a watched model."""
    workers: list[Worker] = []

    def start_(model: WatchedModel, **settings: Any) -> tuple[Worker, Metrics]:
        metrics = Metrics()
        worker = Worker(model.as_recognizer(), None, Settings(**settings), metrics)
        worker.start()
        workers.append(worker)
        return worker, metrics

    yield start_
    for worker in workers:
        worker.stop(30)


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_jobs_that_wait_while_the_model_works_go_together(start: MakeWorker) -> None:
    model = WatchedModel()
    worker, metrics = start(model, max_batch_pieces=60, timeout_seconds=1e6)
    model.gate.clear()
    jobs = [job(f"{NOTE} {number}") for number in range(6)]
    worker.submit(jobs[0])
    assert model.began.acquire(timeout=30)
    for each in jobs[1:]:
        worker.submit(each)
    model.gate.set()
    found = [[e.text for e in each.answer.result(30)[0].entities] for each in jobs]

    assert found == [["penicilina", "PCR"]] * 6
    assert [len(round_) for round_ in model.rounds] == [1, 3, 2]
    wait_until(lambda: sample(metrics, "farmaner_batch_fill_count") == 3)
    assert sample(metrics, "farmaner_queue_seconds_count") == 6


def test_no_more_is_taken_than_is_answered_in_time(start: MakeWorker) -> None:
    """A round of 16 pieces took 0.2 s; what waits then may wait for 0.3 s, less than two such."""
    model = WatchedModel()
    worker, _ = start(model, timeout_seconds=0.4)

    def slowly(text: str) -> Job:
        model.gate.clear()
        job_ = job(text)
        worker.submit(job_)
        assert model.began.acquire(timeout=30)
        return job_

    first = slowly("a" * 39)
    time.sleep(0.2)
    model.gate.set()
    first.answer.result(30)
    second = slowly("b" * 39)
    waiting = job("c" * 39)
    worker.submit(waiting)
    with pytest.raises(ServiceError) as refusal:
        worker.submit(job("d" * 39))
    model.gate.set()

    assert refusal.value.error_type == "queue_full"
    assert refusal.value.retry_after_seconds is not None
    assert [len(each.answer.result(30)) for each in (second, waiting)] == [1, 1]


def test_batches_are_smaller_where_the_model_is_slow(start: MakeWorker) -> None:
    """Rounds of 16 pieces that take 0.2 s or more, and requests that have 0.4 s."""
    model = WatchedModel()
    worker, _ = start(model, timeout_seconds=0.4)
    model.gate.clear()
    jobs = [job("a" * 39)]
    worker.submit(jobs[0])
    assert model.began.acquire(timeout=30)
    jobs += [job(letter * 39) for letter in "bc"]
    for each in jobs[1:]:
        worker.submit(each)
    time.sleep(0.2)
    model.gate.set()

    assert [len(each.answer.result(30)) for each in jobs] == [1, 1, 1]
    assert [len(round_) for round_ in model.rounds] == [1, 1, 1]


def test_a_text_on_which_the_model_fails_harms_no_other(start: MakeWorker) -> None:
    model = WatchedModel(fails_on="ilegible")
    worker, _ = start(model)
    model.gate.clear()
    first, good, bad, better = job("a"), job(), job("ilegible"), job()
    for each in (first, good, bad, better):
        worker.submit(each)
    model.gate.set()

    library = fake_recognizer().recognize(NOTE).entities
    assert [j.answer.result(30)[0].entities for j in (good, better)] == [library] * 2
    with pytest.raises(ServiceError) as failure:
        bad.answer.result(30)
    assert failure.value.error_type == "internal"
    assert worker.is_ready


def test_a_huge_text_does_not_hold_up_a_short_one(start: MakeWorker) -> None:
    """The model is still at the huge one when the short one is answered."""
    model = WatchedModel()
    worker, _ = start(model, max_batch_pieces=100)
    model.gate.clear()
    huge = job("dolor " * 2000)
    worker.submit(huge)
    assert model.began.acquire(timeout=30)
    short = job()
    worker.submit(short)
    assert model.began.acquire(timeout=30)
    model.gate.set()

    assert len(short.answer.result(30)) == 1
    assert len(huge.answer.result(30)) == 1
    assert sorted(map(len, model.texts)) == [len(NOTE), 12_000]


def test_a_worker_that_stops_answers_what_it_took_and_refuses_more(start: MakeWorker) -> None:
    model = WatchedModel()
    worker, _ = start(model)
    model.gate.clear()
    jobs = [job() for _ in range(3)]
    for each in jobs:
        worker.submit(each)
    assert worker.is_ready
    worker.stop(0)
    assert not worker.is_ready
    with pytest.raises(ServiceError) as refusal:
        worker.submit(job())
    model.gate.set()

    assert [len(each.answer.result(30)) for each in jobs] == [1, 1, 1]
    assert (refusal.value.error_type, refusal.value.status_code) == ("not_ready", 503)


def test_before_it_starts_a_worker_is_not_ready() -> None:
    model = WatchedModel()
    worker = Worker(model.as_recognizer(), None, Settings(), Metrics())

    assert not worker.is_ready
    with pytest.raises(ServiceError, match="the model is not ready"):
        worker.submit(job())


def test_a_worker_that_hangs_past_all_deadlines_is_not_ready(start: MakeWorker) -> None:
    model = WatchedModel()
    worker, _ = start(model, timeout_seconds=0.05)
    model.gate.clear()
    hanging = job()
    worker.submit(hanging)
    wait_until(lambda: not worker.is_ready)
    model.gate.set()
    hanging.answer.result(30)
    wait_until(lambda: worker.is_ready)
