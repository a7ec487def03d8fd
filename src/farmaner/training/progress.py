"""Each epoch's figures: appended to `metrics.jsonl`, and shown."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from farmaner.formats.files import write_text

METRICS_FILE = "metrics.jsonl"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch: its mean loss, its dev figures (None without dev), its time."""

    epoch: int
    epochs: int
    loss: float
    learning_rate: float
    precision: float | None
    recall: float | None
    f1: float | None
    seconds: float
    seconds_left: float

    def summary(self) -> str:
        """Return one line for a person."""
        dev = ""
        if self.f1 is not None and self.precision is not None and self.recall is not None:
            dev = (
                f"  dev P {100 * self.precision:5.2f} R {100 * self.recall:5.2f} "
                f"F1 {100 * self.f1:5.2f}"
            )
        minutes, seconds = divmod(round(self.seconds_left), 60)
        return (
            f"epoch {self.epoch:>3}/{self.epochs}  loss {self.loss:.4f}{dev}  "
            f"{self.seconds:.0f} s, {minutes}:{seconds:02d} left"
        )


ShowEpoch = Callable[[Epoch], None]
ShowStep = Callable[[int, int], None]


class EpochLog(TrainerCallback):
    """Writes a line per epoch, and hands each on to be shown, as it does every step's number.

    On a resumed run the lines of epochs that are trained again are taken out first.
    """

    def __init__(
        self,
        path: Path,
        *,
        resumed: bool,
        show: ShowEpoch | None,
        show_step: ShowStep | None,
    ) -> None:
        self._path = path
        self._resumed = resumed
        self._show = show
        self._show_step = show_step
        self._last: dict[str, float] = {}
        self._began = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin the file, or cut it back to the epoch that the checkpoint closed."""
        done = round(state.epoch or 0) if self._resumed else 0
        lines = self._path.read_text(encoding="utf-8").splitlines(True) if done else []
        kept = [line for line in lines if json.loads(line)["epoch"] <= done]
        write_text(self._path, "".join(kept))

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the epoch's clock."""
        self._began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Show how far the training is."""
        if self._show_step is not None:
            self._show_step(state.global_step, state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Remember the newest of every figure."""
        self._last |= kwargs["logs"]

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Write and show the epoch, now that its checkpoint stands."""
        seconds = time.monotonic() - self._began
        number, epochs = round(state.epoch), int(args.num_train_epochs)
        last = self._last
        epoch = Epoch(
            epoch=number,
            epochs=epochs,
            loss=round(last.get("loss", float("nan")), 5),
            learning_rate=last.get("learning_rate", 0.0),
            precision=last.get("eval_precision"),
            recall=last.get("eval_recall"),
            f1=last.get("eval_f1"),
            seconds=round(seconds, 1),
            seconds_left=round(seconds * (epochs - number), 1),
        )
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(epoch)) + "\n")
        if self._show is not None:
            self._show(epoch)
