"""How a job's progress is shown: a bar on a terminal, else a line now and then; on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from farmaner.jobs.reading import Failure
from farmaner.jobs.run import Progress, Watch

_FAILURES_SHOWN = 20
_SECONDS_BETWEEN_LINES = 60


class ShownProgress(Watch):
    """Names failures, and shows how far a job is where that is asked for."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._bar: Any = None
        self._n_failures = 0
        self._last = time.monotonic()
        self._began = self._last
        self._before = Progress()
        self.progress = Progress()

    def __enter__(self) -> ShownProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, progress: Progress) -> None:
        """Begin to measure, and show a bar on a terminal."""
        self._began = self._last = time.monotonic()
        self._before = self.progress = progress
        if self._shown and sys.stderr.isatty():
            self._bar = _bar()
            self._task = self._bar.add_task("", total=progress.total_bytes or None, said="")
            self._bar.start()

    def fail(self, failure: Failure) -> None:
        """Name a failure, up to a number of them."""
        self._n_failures += 1
        if self._n_failures <= _FAILURES_SHOWN:
            self._print(f"farmaner: {failure}")
        elif self._n_failures == _FAILURES_SHOWN + 1:
            self._print("farmaner: more documents failed; they are counted at the end")

    def advance(self, progress: Progress) -> None:
        """Move the bar, or print a line where the last is a minute old."""
        self.progress = progress
        if self._bar is not None:
            self._bar.update(self._task, completed=progress.n_bytes, said=self._said())
        elif self._shown and time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            self._print(f"farmaner: {self._said()}")

    def summary(self) -> str:
        """Return what was done, in a line."""
        return self._said(at_the_end=True)

    def _print(self, line: str) -> None:
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr)

    def _said(self, *, at_the_end: bool = False) -> str:
        now, before = self.progress, self._before
        seconds = max(time.monotonic() - self._began, 1e-3)
        done = now.n_documents + now.n_failed - before.n_documents - before.n_failed
        characters = now.n_characters - before.n_characters
        said = (
            f"{now.n_documents + now.n_failed:,} documents, {done / seconds:,.1f} a second, "
            f"{characters / seconds:,.0f} characters a second"
        )
        if at_the_end:
            return f"{said}, {now.n_entities:,} entities in {_clock(seconds)}"
        n_bytes = now.n_bytes - before.n_bytes
        if now.total_bytes and n_bytes > 0:
            left = max(0, now.total_bytes - now.n_bytes) * seconds / n_bytes
            said += f", {100 * now.n_bytes / now.total_bytes:.0f} %, {_clock(left)} left"
        return said


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    return Progress(BarColumn(20), TextColumn("{task.fields[said]}"), console=console)
