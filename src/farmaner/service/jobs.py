"""Jobs and the bounded queue in which they wait for the model."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from farmaner.document import Document

BYTES_PER_PIECE = 2.5
"""UTF-8 bytes of text for each piece of a padded batch, as on the example notes.

Only budgets depend on it; so no text is cut into pieces twice.
"""

MIN_PIECES = 8
"""What the shortest document counts."""


def estimate_pieces(text: str) -> int:
    """Return about how many padded pieces the encoder will read for a text."""
    return max(MIN_PIECES, math.ceil(len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_PIECE))


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """The documents of one request, and the future of their entities.

    A job is abandoned by cancelling its future; `deadline` is a time of `time.monotonic`.
    """

    request_id: str
    documents: tuple[Document, ...]
    n_pieces: int
    deadline: float
    link: bool = False
    answer: Future[list[Document]] = field(default_factory=Future)
    submitted: float = field(default_factory=time.monotonic)

    @classmethod
    def of(
        cls, request_id: str, documents: tuple[Document, ...], deadline: float, *, link: bool
    ) -> Job:
        """Return the job of some documents."""
        n_pieces = sum(estimate_pieces(document.text) for document in documents)
        return cls(request_id, documents, n_pieces, deadline, link)


class QueueFull(Exception):  # noqa: N818  said to the client as 429
    """No room for a job now."""


class QueueClosed(Exception):  # noqa: N818  said to the client as 503
    """No job is taken any more."""


class JobQueue:
    """Jobs in the order in which they came, bounded by their pieces; safe between threads.

    A job that is larger than the bound is taken when nothing else waits. `on_drop` is told of
    each job that was abandoned or came too late while it waited.
    """

    def __init__(self, max_pieces: int, on_drop: Callable[[str], None] = lambda _: None) -> None:
        self.max_pieces = max_pieces
        self._on_drop = on_drop
        self._jobs: deque[Job] = deque()
        self._n_pieces = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def n_pieces(self) -> int:
        """The pieces that wait, abandoned ones included until they are come upon."""
        return self._n_pieces

    @property
    def closed(self) -> bool:
        """Whether no job is taken any more."""
        return self._closed

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job: Job) -> None:
        """Let a job wait; QueueFull where there is no room, QueueClosed after `close`."""
        with self._changed:
            if self._closed:
                raise QueueClosed
            if self._jobs and self._n_pieces + job.n_pieces > self.max_pieces:
                self._sweep()
            if self._jobs and self._n_pieces + job.n_pieces > self.max_pieces:
                raise QueueFull
            self._jobs.append(job)
            self._n_pieces += job.n_pieces
            self._changed.notify()

    def take(self, max_pieces: int) -> list[Job] | None:
        """Wait for jobs and return those that come first and fit a budget, one at least.

        Their futures are running from then on. None once the queue is closed and empty.
        """
        while True:
            with self._changed:
                while not self._jobs:
                    if self._closed:
                        return None
                    self._changed.wait()
                taken = self._fitting(max_pieces)
            if taken:
                return taken

    def close(self) -> None:
        """Take no more jobs; those that wait are still given out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _fitting(self, max_pieces: int) -> list[Job]:
        taken: list[Job] = []
        room = max_pieces
        while self._jobs and (not taken or self._jobs[0].n_pieces <= room):
            job = self._jobs.popleft()
            self._n_pieces -= job.n_pieces
            if self._is_wanted(job) and job.answer.set_running_or_notify_cancel():
                taken.append(job)
                room -= job.n_pieces
        return taken

    def _sweep(self) -> None:
        """Make room by dropping what nobody waits for."""
        self._jobs = deque(job for job in self._jobs if self._is_wanted(job))
        self._n_pieces = sum(job.n_pieces for job in self._jobs)

    def _is_wanted(self, job: Job) -> bool:
        if not job.answer.cancelled() and job.deadline > time.monotonic():
            return True
        self._on_drop("deadline" if job.deadline <= time.monotonic() else "abandoned")
        job.answer.cancel()
        return False
