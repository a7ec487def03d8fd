"""farmaner on the fake recognizer, in processes of its own that tests may kill.

    python fake_farmaner.py ARGUMENT...   as `farmaner ARGUMENT...`
    python fake_farmaner.py               a server: for each line of stdin it forks one

A line is JSON: `arguments`; `kill_at`, the number of the step on the disk (a sync, a rename, a
removal; before and after each) at which the process kills itself; `n_steps`, a file to write
their number to. The server answers with the exit code, -9 for a kill.

Words in a text make the fake misbehave, unless FAKE_CALM is set: FALLA raises, MATA kills the
process, LENTO takes ten minutes.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import farmaner.recognizer
from farmaner import Document, Recognizer
from farmaner.cli import main, run
from farmaner.jobs import shards
from farmaner.testing import fake_recognizer

shards.MAX_SHARD_DOCUMENTS = 4


class Fake:
    def __init__(self) -> None:
        self._fake = fake_recognizer()
        self.settings = self._fake.settings

    def recognize_documents(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            if "FAKE_CALM" not in os.environ:
                misbehave(document.text)
            yield self._fake.recognize_documents([document]).__next__()


def misbehave(text: str) -> None:
    if "FALLA" in text:
        raise ValueError(text)
    if "MATA" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    if "LENTO" in text:
        time.sleep(600)


def load(*_: object, **__: object) -> Recognizer:
    fake: Any = Fake()
    recognizer: Recognizer = fake
    return recognizer


farmaner.recognizer.load = load


class Steps:
    """Counts the steps on the disk, and kills the process at one of them."""

    def __init__(self, kill_at: int | None) -> None:
        self.n = 0
        self._kill_at = kill_at
        for name in ("fsync", "replace", "unlink"):
            setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, step: Callable[..., None]) -> Callable[..., None]:
        def counted(*arguments: Any, **options: Any) -> None:
            self._count()
            step(*arguments, **options)
            self._count()

        return counted

    def _count(self) -> None:
        if self.n == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.n += 1


def serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            steps = Steps(order.get("kill_at"))
            code = run(order["arguments"])
            if "n_steps" in order:
                Path(order["n_steps"]).write_text(str(steps.n), encoding="utf-8")
            os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:]) if sys.argv[1:] else serve()
