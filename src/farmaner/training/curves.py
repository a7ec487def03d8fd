"""What a training has to show, as PNGs: its learning curve, and what its scores are worth."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

from farmaner.evaluation.confidence import Confidence


def draw_curves(metrics: Path, image: Path) -> None:
    """Draw the epochs of a `metrics.jsonl` into a PNG."""
    epochs = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    numbers = [epoch["epoch"] for epoch in epochs]
    judged = bool(epochs) and epochs[0]["f1"] is not None
    figure, axes = plt.subplots(
        1, 2 if judged else 1, figsize=(9 if judged else 5, 3.5), squeeze=False
    )
    axes[0, 0].plot(numbers, [epoch["loss"] for epoch in epochs], marker="o", color="#444")
    axes[0, 0].set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    if judged:
        for name, colour in (("precision", "#1b6ca8"), ("recall", "#c8553d"), ("f1", "#2f7d32")):
            values = [100 * epoch[name] for epoch in epochs]
            axes[0, 1].plot(numbers, values, marker="o", label=name, color=colour)
        best = max(epochs, key=lambda epoch: epoch["f1"])
        axes[0, 1].axvline(best["epoch"], linestyle=":", color="#999")
        axes[0, 1].set(
            xlabel="epoch", ylabel="dev, strict (%)", title=f"best F1 {100 * best['f1']:.2f}"
        )
        axes[0, 1].legend()
    for axis in axes.flat:
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(image, dpi=120)
    plt.close(figure)


def draw_reliability(before: Confidence, after: Confidence, image: Path) -> None:
    """Draw the share of right entities over their score into a PNG, uncalibrated and calibrated.

    The area of a point grows with the number of its bin's entities.
    """
    figure, axis = plt.subplots(figsize=(4.5, 4.2))
    axis.plot([0, 1], [0, 1], linestyle=":", color="#999")
    for name, one, colour in (
        ("uncalibrated", before, "#c8553d"),
        ("calibrated", after, "#1b6ca8"),
    ):
        largest = max(bin_.n_entities for bin_ in one.bins)
        axis.scatter(
            [bin_.mean_score for bin_ in one.bins],
            [bin_.share_correct for bin_ in one.bins],
            s=[20 + 180 * bin_.n_entities / largest for bin_ in one.bins],
            label=f"{name}, error {one.expected_calibration_error:.3f}",
            color=colour,
            alpha=0.7,
        )
    axis.set(xlabel="mean score", ylabel="share right", xlim=(0, 1), ylim=(0, 1.02))
    axis.legend(loc="upper left", markerscale=0.5)
    axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(image, dpi=120)
    plt.close(figure)
