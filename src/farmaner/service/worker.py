"""The worker: the threads that own the model and answer the jobs of many clients together."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from farmaner.document import Document
from farmaner.linking import Linker
from farmaner.recognizer import Recognizer
from farmaner.service.errors import ServiceError
from farmaner.service.jobs import Job, JobQueue, QueueClosed, QueueFull
from farmaner.service.logs import describe_exception
from farmaner.service.metrics import Metrics
from farmaner.service.settings import Settings

LONG_BATCHES = 2
"""A job of more than so many batches takes the long lane, so that no other waits behind it."""

MAX_RETRY_SECONDS = 60

WAIT_SHARE, BATCH_SHARE = 0.5, 0.25
"""How much of the time that a request has it may wait, and its batch may take, by expectation.

What would wait longer is refused at once; on a slow machine batches are smaller, for in one that
took longer than its requests have, all would be late.
"""

_log = logging.getLogger("farmaner.service")


class Worker:
    """Recognizes and links the documents of jobs, as many jobs at a time as fit a batch.

    Short jobs and long ones wait in lanes of their own, each with one thread, so that a huge text
    costs a note its share of the cores and no more.
    """

    def __init__(
        self, recognizer: Recognizer, linker: Linker | None, settings: Settings, metrics: Metrics
    ) -> None:
        self._batch_pieces = settings.max_batch_pieces
        lanes = [Lane(name, recognizer, linker, settings, metrics) for name in ("short", "long")]
        self._short, self._long = lanes

    def start(self) -> None:
        """Start the threads."""
        for lane in (self._short, self._long):
            lane.thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Take no more jobs, answer those that wait, and end the threads."""
        for lane in (self._short, self._long):
            lane.queue.close()
        deadline = time.monotonic() + timeout_seconds
        for lane in (self._short, self._long):
            lane.thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def is_ready(self) -> bool:
        """Whether jobs are taken and answered."""
        return self._short.is_ready and self._long.is_ready

    def submit(self, job: Job) -> None:
        """Let a job wait for its turn; ServiceError where it cannot."""
        is_long = job.n_pieces > LONG_BATCHES * self._batch_pieces
        (self._long if is_long else self._short).submit(job)


class Lane:
    """A queue, and the thread that empties it.

    The queue and the batches hold no more than the thread, by its speed of late, answers in time.
    """

    def __init__(
        self,
        name: str,
        recognizer: Recognizer,
        linker: Linker | None,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self.queue = JobQueue(settings.max_queue_pieces, metrics.count_dropped)
        # A daemon: a text that never ends must not keep the process from ending.
        self.thread = threading.Thread(target=self._run, name=f"farmaner-{name}", daemon=True)
        self._recognizer, self._linker = recognizer, linker
        self._settings, self._metrics = settings, metrics
        self._batch_pieces = settings.max_batch_pieces
        self._recent_pieces = self._recent_seconds = 0.0
        self._busy_since: float | None = None
        metrics.watch_queue(name, self.queue)

    @property
    def is_ready(self) -> bool:
        """Whether the thread runs, takes jobs, and is not stuck in one past all deadlines."""
        busy_since = self._busy_since
        limit = self._settings.timeout_seconds
        stuck = busy_since is not None and time.monotonic() - busy_since > limit
        return self.thread.is_alive() and not self.queue.closed and not stuck

    def submit(self, job: Job) -> None:
        """Let a job wait; ServiceError where it cannot."""
        if not self.thread.is_alive():
            raise ServiceError("not_ready", "the model is not ready", retry_after_seconds=1)
        try:
            self.queue.put(job)
        except QueueClosed:
            raise ServiceError(
                "not_ready", "the service is shutting down", retry_after_seconds=1
            ) from None
        except QueueFull:
            raise ServiceError(
                "queue_full",
                "too many texts are waiting; try again later",
                retry_after_seconds=self._wait_seconds(),
            ) from None

    def _wait_seconds(self) -> int:
        """Return after how many seconds what waits should be done, by the speed of late."""
        if not self._recent_pieces:
            return 1
        seconds = self.queue.n_pieces * self._recent_seconds / self._recent_pieces
        return max(1, min(MAX_RETRY_SECONDS, round(seconds)))

    def _run(self) -> None:
        while (jobs := self.queue.take(self._batch_pieces)) is not None:
            self._busy_since = started = time.monotonic()
            self._answer_all(jobs)
            self._busy_since = None
            self._measure(jobs, started)

    def _measure(self, jobs: Sequence[Job], started: float) -> None:
        seconds = max(time.monotonic() - started, 1e-6)
        n_pieces = sum(job.n_pieces for job in jobs)
        for job in jobs:
            self._metrics.queue_seconds.observe(started - job.submitted)
        self._metrics.batch_seconds.observe(seconds)
        self._metrics.batch_fill.observe(n_pieces / self._settings.max_batch_pieces)
        self._recent_pieces = 0.8 * self._recent_pieces + n_pieces
        self._recent_seconds = 0.8 * self._recent_seconds + seconds
        rate = self._recent_pieces / self._recent_seconds
        in_time = self._settings.timeout_seconds * rate
        self.queue.max_pieces = min(self._settings.max_queue_pieces, int(WAIT_SHARE * in_time))
        self._batch_pieces = min(self._settings.max_batch_pieces, int(BATCH_SHARE * in_time))

    def _answer_all(self, jobs: Sequence[Job]) -> None:
        """Answer jobs together or, where that fails, each by itself, so that only one may fail."""
        if len(jobs) > 1:
            try:
                self._answer(jobs)
                return
            except Exception as error:
                why = describe_exception(error)
                _log.warning("%d requests failed together, each goes alone: %s", len(jobs), why)
        for job in jobs:
            try:
                self._answer([job])
            except Exception as error:
                _log.error("request %s failed: %s", job.request_id, describe_exception(error))
                failure = ServiceError("internal", "the text could not be annotated")
                job.answer.set_exception(failure)

    def _answer(self, jobs: Sequence[Job]) -> None:
        documents = (document for job in jobs for document in job.documents)
        recognized = iter(list(self._recognizer.recognize_documents(documents)))
        answers: list[list[Document]] = []
        for job in jobs:
            mine = [next(recognized) for _ in job.documents]
            if job.link and self._linker is not None:
                mine = list(self._linker.link_documents(mine))
            answers.append(mine)
        for job, answer in zip(jobs, answers):
            job.answer.set_result(answer)
