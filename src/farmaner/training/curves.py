"""The learning curve: loss and dev figures over epochs, as a PNG."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt


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
