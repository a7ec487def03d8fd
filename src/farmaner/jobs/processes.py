"""Several workers, each a process of its own.

A process that dies is replaced and its shard annotated again, document by document, so that one
that kills its worker is found out, recorded and left behind.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeAlias

from farmaner.errors import FarmanerError, JobError
from farmaner.jobs.annotator import Annotator
from farmaner.jobs.shards import Shard
from farmaner.jobs.workers import SHARDS_AT_HAND, Answer, Task, Work, perform
from farmaner.jobs.writing import shard_writer

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "RAYON_NUM_THREADS",
)

Message: TypeAlias = tuple[str, Any]
"""What a worker process says: ("ready", labels), ("at", index), ("answer", Answer) or
("failed", error)."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection
    threads: int
    tasks: deque[Task] = field(default_factory=deque)
    ready: bool = False
    at: int | None = None


class ProcessPool:
    """Several workers, each a process of its own."""

    def __init__(self, work: Work, threads: list[int]) -> None:
        self.capacity = SHARDS_AT_HAND * len(threads) + 2
        self.labels: tuple[str, ...] = ()
        self._work = work
        self._context = get_context("spawn")
        self._waiting: deque[Task] = deque()
        self._workers: list[_Worker] = []
        try:
            with _interrupts_ignored():
                for share in threads:
                    self._workers.append(self._start(share))
            while not all(worker.ready for worker in self._workers):
                self._hear()
        except BaseException:
            self.close()
            raise

    def submit(self, shard: Shard) -> None:
        """Put a shard in line, and give it to a worker that has room."""
        self._waiting.append(Task(shard.number, shard.documents))
        self._hand_out()

    def receive(self) -> Answer:
        """Wait for the next answer; a worker that dies meanwhile is replaced."""
        while True:
            answer = self._hear()
            if answer is not None:
                return answer

    def close(self) -> None:
        """Kill the workers."""
        for worker in self._workers:
            worker.process.kill()
            worker.connection.close()
        for worker in self._workers:
            worker.process.join()

    def _start(self, threads: int) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(theirs, self._work, threads), daemon=True
        )
        with _thread_variables(threads):
            process.start()
        theirs.close()
        return _Worker(process, ours, threads)

    def _hand_out(self) -> None:
        while self._waiting:
            worker = min(self._workers, key=lambda worker: len(worker.tasks))
            if len(worker.tasks) >= SHARDS_AT_HAND:
                return
            task = self._waiting.popleft()
            worker.tasks.append(task)
            with contextlib.suppress(OSError):  # it died: heard of at the next message
                worker.connection.send(task)

    def _hear(self) -> Answer | None:
        """Wait for one message of a worker; return it if it is an answer."""
        connection = wait([worker.connection for worker in self._workers])[0]
        index = next(i for i, w in enumerate(self._workers) if w.connection is connection)
        worker = self._workers[index]
        try:
            kind, value = worker.connection.recv()
        except (EOFError, OSError):
            with _interrupts_ignored():
                self._workers[index] = self._replaced(worker)
            self._hand_out()
            return None
        if kind == "failed":
            raise value
        if kind == "ready":
            worker.ready, self.labels = True, value
        elif kind == "at":
            worker.at = value
        else:
            worker.tasks.popleft()
            worker.at = None
            self._hand_out()
            return value  # type: ignore[no-any-return]
        return None

    def _replaced(self, dead: _Worker) -> _Worker:
        """Return a new worker; what the dead one had at hand is first in line again."""
        dead.connection.close()
        dead.process.join()
        code = dead.process.exitcode
        task = dead.tasks[0] if dead.tasks else None
        if not dead.ready or (task and task.one_by_one and dead.at is None):
            raise JobError(f"worker: expected one that goes on, found it ended with code {code}")
        if task is not None and dead.at is not None:
            reason = f"expected to annotate it, found that its worker ended with code {code}"
            dead.tasks[0] = replace(task, given_up={**task.given_up, dead.at: reason})
        elif task is not None:
            dead.tasks[0] = replace(task, one_by_one=True)
        self._waiting.extendleft(reversed(dead.tasks))
        return self._start(dead.threads)


def _serve(connection: Connection, work: Work, threads: int) -> None:
    """Be a worker process, until the other end is closed or gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    tasks: queue.Queue[Task] = queue.Queue()

    def say(kind: str, value: object) -> None:
        try:
            connection.send((kind, value))
        except OSError:
            os._exit(1)

    threading.Thread(target=_take, args=(connection, tasks), daemon=True).start()
    try:
        annotator = Annotator(work.annotator, threads)
        writer = shard_writer(work.output, Path(work.temporary))
        say("ready", annotator.labels)
        while True:
            task = tasks.get()
            tell = (lambda index: say("at", index)) if task.one_by_one else None
            say("answer", perform(task, annotator, writer, tell))
    except FarmanerError as error:
        say("failed", error)
    except BaseException as error:  # its message may quote a text, and it may not travel
        say("failed", JobError(f"worker: expected one that goes on, found {type(error).__name__}"))


def _take(connection: Connection, tasks: queue.Queue[Task]) -> None:
    """Take tasks as they come, so that handing one out never waits; end with the parent."""
    try:
        while True:
            tasks.put(connection.recv())
    except (EOFError, OSError):
        os._exit(1)


@contextlib.contextmanager
def _thread_variables(threads: int) -> Iterator[None]:
    """Let a process that starts inherit how many threads its libraries may have."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Let processes that start inherit that Ctrl-C is not for them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
