"""Workers: what annotates shards beside the thread that reads and writes.

One worker is a thread of this process; several are processes (`farmaner.jobs.processes`) with
the cores shared out among them. Each loads the model once, answers whole shards and never
decides their order.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from farmaner.document import Document
from farmaner.jobs.annotator import Annotator, AnnotatorSettings
from farmaner.jobs.shards import Shard
from farmaner.jobs.writing import OutputSettings, ShardWriter, shard_writer

SHARDS_AT_HAND = 2
"""Shards given to a worker: one that it annotates, one that waits for it."""


@dataclass(frozen=True, slots=True)
class Work:
    """What every worker does with its documents."""

    annotator: AnnotatorSettings
    output: OutputSettings
    temporary: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A shard's documents by index; those of `given_up` are not tried, for the reason there."""

    number: int
    documents: tuple[tuple[int, Document], ...]
    given_up: dict[int, str] = field(default_factory=dict)
    one_by_one: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A shard's share of the output, and why documents are not in it, by index."""

    number: int
    data: bytes
    failures: dict[int, str]
    n_entities: int


class Pool(Protocol):
    """Workers of one kind."""

    labels: tuple[str, ...]
    capacity: int

    def submit(self, shard: Shard) -> None:
        """Hand over a shard; never more than `capacity` are unanswered."""

    def receive(self) -> Answer:
        """Return the next answer, of any shard; raise what a worker raised."""

    def close(self) -> None:
        """Let go of the workers at once, whatever they are at."""


def open_pool(work: Work, *, n_workers: int, threads: int | None) -> Pool:
    """Return a pool of workers that have loaded their model; raise what loading raised."""
    if n_workers == 1:
        return ThreadPool(work, threads)
    from farmaner.jobs.processes import ProcessPool

    return ProcessPool(work, share_out(threads or n_cores(), n_workers))


def n_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share_out(n_threads: int, n_workers: int) -> list[int]:
    """Return each worker's share of the threads; at least one each."""
    whole, left = divmod(n_threads, n_workers)
    return [max(1, whole + (worker < left)) for worker in range(n_workers)]


class ThreadPool:
    """One worker, a thread of this process; the encoder leaves it the interpreter."""

    def __init__(self, work: Work, threads: int | None) -> None:
        self.capacity = SHARDS_AT_HAND
        self._tasks: queue.Queue[Task | None] = queue.Queue()
        self._answers: queue.Queue[Any] = queue.Queue()
        self._closed = threading.Event()
        thread = threading.Thread(target=self._serve, args=(work, threads), daemon=True)
        thread.start()
        self.labels: tuple[str, ...] = self._hear()

    def submit(self, shard: Shard) -> None:
        """Put a shard in line."""
        self._tasks.put(Task(shard.number, shard.documents))

    def receive(self) -> Answer:
        """Wait for the next answer."""
        answer: Answer = self._hear()
        return answer

    def _hear(self) -> Any:
        heard = self._answers.get()
        if isinstance(heard, BaseException):
            raise heard
        return heard

    def close(self) -> None:
        """Let the thread end after the shard that it is at, which no one will hear of."""
        self._closed.set()
        self._tasks.put(None)

    def _serve(self, work: Work, threads: int | None) -> None:
        try:
            annotator = Annotator(work.annotator, threads)
            writer = shard_writer(work.output, Path(work.temporary))
            self._answers.put(annotator.labels)
            while (task := self._tasks.get()) and not self._closed.is_set():
                self._answers.put(perform(task, annotator, writer, None))
        except BaseException as error:  # raised again in the thread that waits
            self._answers.put(error)


def perform(
    task: Task, annotator: Annotator, writer: ShardWriter, tell: Callable[[int], None] | None
) -> Answer:
    """Annotate and write a shard; `tell` hears the index of each document that is tried alone."""
    n_entities = 0

    def finish(document: Document) -> Any:
        nonlocal n_entities
        written = writer.write(document)
        n_entities += len(document.entities)
        return _Written(written)

    tried = [(index, document) for index, document in task.documents if index not in task.given_up]
    told = None if tell is None else lambda place: tell(tried[place][0])
    answers = annotator.annotate([document for _, document in tried], finish, one_by_one=told)
    failures = dict(task.given_up)
    written = []
    for (index, _), answer in zip(tried, answers, strict=True):
        if isinstance(answer, str):
            failures[index] = answer
        else:
            written.append(answer.content)
    return Answer(task.number, writer.pack(written), failures, n_entities)


@dataclass(frozen=True, slots=True)
class _Written:
    content: Any
