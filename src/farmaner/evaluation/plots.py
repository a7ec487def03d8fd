"""Where the lines and dots of the report's two plots stand; the template draws them as SVG."""

from __future__ import annotations

from typing import Any

from farmaner.evaluation.confidence import Confidence
from farmaner.evaluation.scoring import Counts

SIZE = 240
MARGIN = 44
_THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)


def plots(confidence: Confidence) -> dict[str, Any]:
    """Return the points of both plots in the SVG's own units, and their numbers as tables."""
    largest = max(bin_.n_entities for bin_ in confidence.bins)
    curve = [(point.counts.recall, point.counts.precision) for point in confidence.curve]
    return {
        "size": SIZE,
        "margin": MARGIN,
        "ticks": [(f"{n / 5:.1f}", x(n / 5), y(n / 5)) for n in range(6)],
        "curve": " ".join(f"{x(recall)},{y(precision)}" for recall, precision in curve),
        "end": (x(curve[-1][0]), y(curve[-1][1])),
        "best": confidence.best,
        "thresholds": _at_thresholds(confidence),
        "bins": [
            {
                "x": x(bin_.mean_score),
                "y": y(bin_.share_correct),
                "radius": 3 + 9 * (bin_.n_entities / largest) ** 0.5,
                "bin": bin_,
            }
            for bin_ in confidence.bins
        ],
        "error": confidence.expected_calibration_error,
    }


def x(share: float) -> float:
    """Return how far from the left a share between 0 and 1 stands."""
    return round(MARGIN + share * SIZE, 1)


def y(share: float) -> float:
    """Return how far from the top a share between 0 and 1 stands."""
    return round(MARGIN / 4 + (1 - share) * SIZE, 1)


def _at_thresholds(confidence: Confidence) -> list[tuple[str, Counts]]:
    rows = []
    for threshold in _THRESHOLDS:
        kept = [point for point in confidence.curve if point.threshold >= threshold]
        if kept:
            rows.append((f"{threshold:.2f}", kept[-1].counts))
    return rows
