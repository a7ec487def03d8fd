"""The trials of a search: as a table, as a plot, and the best one's settings as a file."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

from farmaner.errors import ConfigError
from farmaner.formats.files import write_text
from farmaner.training.config import TrainingConfig
from farmaner.training.search import BEST_FILE, Range, Search

mpl.use("Agg")
from matplotlib import pyplot as plt

TABLE_FILE = "trials.csv"
PLOT_FILE = "trials.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One training of a search: its settings, and the dev figures of its kept epoch.

    `state` is complete, pruned or fail. A pruned trial has the F1 of its last epoch, and no
    other figures.
    """

    number: int
    settings: dict[str, Any]
    state: str
    f1: float | None
    precision: float | None
    recall: float | None
    best_epoch: int | None
    seconds: float | None


def write_trials(trials: Sequence[Trial], search: Search, output: Path) -> list[Trial]:
    """Write table, plot and best settings into `output`; return the trials, the best first.

    Raises ConfigError where no trial was completed.
    """
    ranked = sorted(trials, key=_rank)
    write_text(output / TABLE_FILE, _as_csv(ranked, search))
    _draw(ranked, search, output / PLOT_FILE)
    best = ranked[0]
    if best.state != "complete" or best.f1 is None:
        raise ConfigError(
            f"{output}: expected a trial that was completed, found none among {len(trials)}"
        )
    heading = (
        f"# Trial {best.number}, the best of {len(trials)} on dev: F1 {100 * best.f1:.2f} "
        f"(strict), epoch {best.best_epoch}.\n"
    )
    write_text(output / BEST_FILE, heading + as_toml(search.config(best.settings)))
    return ranked


def as_toml(config: TrainingConfig) -> str:
    """Return settings as a TOML file that `read_config` reads back."""
    values = dataclasses.asdict(config)
    return "".join(f"{key} = {_value(value)}\n" for key, value in values.items())


def _value(value: object) -> str:
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)  # its strings, lists and numbers are TOML's too


def _rank(trial: Trial) -> tuple[bool, float, int]:
    return trial.state != "complete", -(trial.f1 or 0.0), trial.number


def _as_csv(trials: Sequence[Trial], search: Search) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    figures = ("state", "precision", "recall", "f1", "best_epoch", "seconds")
    rows.writerow(["trial", *search.space, *figures])
    for trial in trials:
        settings = [trial.settings.get(key) for key in search.space]
        rows.writerow([trial.number, *settings, *(getattr(trial, name) for name in figures)])
    return text.getvalue()


def _draw(trials: Sequence[Trial], search: Search, image: Path) -> None:
    """Draw the trials' F1 against each setting that was varied, as a PNG."""
    figure, axes = plt.subplots(
        1, len(search.space), figsize=(1 + 3 * len(search.space), 3.5), sharey=True, squeeze=False
    )
    for axis, (key, part) in zip(axes[0], search.space.items(), strict=True):
        for state, colour in (("complete", "#1b6ca8"), ("pruned", "#c8553d")):
            shown = [trial for trial in trials if trial.state == state and trial.f1 is not None]
            places = [_place(trial.settings[key], part) for trial in shown]
            values = [100 * trial.f1 for trial in shown if trial.f1 is not None]
            axis.scatter(places, values, label=state, color=colour, alpha=0.7)
        if isinstance(part, Range):
            axis.set_xscale("log" if part.log else "linear")
        else:
            axis.set_xticks(range(len(part)), [str(choice) for choice in part])
            axis.margins(x=0.2)
        axis.set_xlabel(key)
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("dev F1, strict (%)")
    if any(trial.state == "pruned" for trial in trials):
        axes[0, 0].legend()
    figure.tight_layout()
    figure.savefig(image, dpi=120)
    plt.close(figure)


def _place(value: Any, part: tuple[Any, ...] | Range) -> float:
    return float(value) if isinstance(part, Range) else float(part.index(value))
