"""The worker: threads that own the model and answer the jobs of many clients together."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from farmaner.document import Document
from farmaner.linking import Linker
from farmaner.recognizer import Recognizer
from farmaner.service.errors import ServiceError
from farmaner.service.jobs import Job, JobQueue, QueueClosed, QueueFull
from farmaner.service.logs import describe_exception
from farmaner.service.metrics import Metrics
from farmaner.service.settings import Settings

LONG_BATCHES = 2
"""A job of more than so many batches takes the long lane, so that others do not wait for it."""

MAX_RETRY_SECONDS = 60

_log = logging.getLogger("farmaner.service")


@dataclass(slots=True, eq=False)
class Lane:
    """A queue, and the thread that empties it."""

    name: str
    queue: JobQueue
    thread: threading.Thread
    pieces_per_second: float = 0.0


class Worker:
    """Recognizes and links the documents of jobs, several jobs at a time.

    Short jobs and long ones wait in lanes of their own, each with one thread, so that a huge text
    delays no note by more than its share of the cores.
    """

    def __init__(
        self, recognizer: Recognizer, linker: Linker | None, settings: Settings, metrics: Metrics
    ) -> None:
        self._recognizer, self._linker = recognizer, linker
        self._settings, self._metrics = settings, metrics
        self._lanes = [self._lane("short"), self._lane("long")]

    def _lane(self, name: str) -> Lane:
        queue = JobQueue(self._settings.max_queue_pieces, self._metrics.count_dropped)
        self._metrics.watch_queue(name, queue)
        lane = Lane(name, queue, threading.Thread(target=lambda: self._run(lane), name=name))
        lane.thread.daemon = True  # a text that never ends must not keep the process
        return lane

    def start(self) -> None:
        """Start the threads."""
        for lane in self._lanes:
            lane.thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Answer what waits, take no more, and end the threads."""
        for lane in self._lanes:
            lane.queue.close()
        deadline = time.monotonic() + timeout_seconds
        for lane in self._lanes:
            lane.thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def is_ready(self) -> bool:
        """Whether jobs are taken and answered."""
        return all(lane.thread.is_alive() and not lane.queue.closed for lane in self._lanes)

    def submit(self, job: Job) -> None:
        """Let a job wait for its turn; ServiceError where it cannot."""
        lane = self._lanes[job.n_pieces > LONG_BATCHES * self._settings.max_batch_pieces]
        if not lane.thread.is_alive():
            raise ServiceError("not_ready", "the model is not ready", retry_after_seconds=1)
        try:
            lane.queue.put(job)
        except QueueClosed:
            raise ServiceError(
                "not_ready", "the service is shutting down", retry_after_seconds=1
            ) from None
        except QueueFull:
            raise ServiceError(
                "queue_full",
                "too many texts are waiting; come again",
                retry_after_seconds=_wait_seconds(lane),
            ) from None

    def _run(self, lane: Lane) -> None:
        while (jobs := lane.queue.take(self._settings.max_batch_pieces)) is not None:
            started = time.monotonic()
            for job in jobs:
                self._metrics.queue_seconds.observe(started - job.submitted)
            self._answer_all(jobs)
            n_pieces = sum(job.n_pieces for job in jobs)
            seconds = max(time.monotonic() - started, 1e-6)
            self._metrics.batch_seconds.observe(seconds)
            self._metrics.batch_fill.observe(n_pieces / self._settings.max_batch_pieces)
            rate = n_pieces / seconds
            lane.pieces_per_second = (
                0.8 * lane.pieces_per_second + 0.2 * rate if lane.pieces_per_second else rate
            )

    def _answer_all(self, jobs: Sequence[Job]) -> None:
        """Answer jobs together; where that fails each by itself, so that only one may fail."""
        if len(jobs) > 1:
            try:
                self._answer(jobs)
            except Exception as error:
                _log.warning(
                    "a batch of %d requests failed, each goes alone: %s",
                    len(jobs),
                    describe_exception(error),
                )
            else:
                return
        for job in jobs:
            try:
                self._answer([job])
            except Exception as error:
                _log.error("request %s failed: %s", job.request_id, describe_exception(error))
                job.answer.set_exception(
                    ServiceError("internal", "the text could not be annotated")
                )

    def _answer(self, jobs: Sequence[Job]) -> None:
        documents = [document for job in jobs for document in job.documents]
        recognized = iter(list(self._recognizer.recognize_documents(documents)))
        answers = []
        for job in jobs:
            mine = [next(recognized) for _ in job.documents]
            answers.append(self._link(mine) if job.link else mine)
        for job, answer in zip(jobs, answers):
            job.answer.set_result(answer)

    def _link(self, documents: list[Document]) -> list[Document]:
        if self._linker is None:
            return documents
        return list(self._linker.link_documents(documents))


def _wait_seconds(lane: Lane) -> int:
    """Return after how many seconds there should be room again, by the speed of late."""
    if not lane.pieces_per_second:
        return 1
    seconds = lane.queue.n_pieces / lane.pieces_per_second
    return max(1, min(MAX_RETRY_SECONDS, round(seconds)))
