"""Confidence: what a system's scores are worth, as a precision-recall curve and a calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from farmaner.errors import UnsupportedError
from farmaner.evaluation.scoring import Counts

N_BINS = 10


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The counts where only the entities with at least this score are kept."""

    threshold: float
    counts: Counts


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """The predicted entities with a score in [low, high), of the last bin also 1."""

    low: float
    high: float
    n_entities: int
    n_correct: int
    mean_score: float

    @property
    def share_correct(self) -> float:
        """The share of its entities that gold has."""
        return self.n_correct / self.n_entities


@dataclass(frozen=True, slots=True)
class Confidence:
    """The curve from the highest score down, and the bins that hold any entity.

    The curve ends with all that was predicted: what the system itself held back under its own
    threshold is not there to be seen.
    """

    curve: tuple[CurvePoint, ...]
    bins: tuple[CalibrationBin, ...]

    @property
    def expected_calibration_error(self) -> float:
        """The mean distance of score and share correct over bins, weighted by their entities.

        Naeini et al. 2015, with ten bins of equal width.
        """
        total = sum(bin_.n_entities for bin_ in self.bins)
        distances = (
            abs(bin_.share_correct - bin_.mean_score) * bin_.n_entities for bin_ in self.bins
        )
        return sum(distances) / total

    @property
    def best(self) -> CurvePoint:
        """The point of highest F1; chosen on this very gold, so better than elsewhere."""
        return max(self.curve, key=lambda point: point.counts.f1)


def confidence(scored: Iterable[tuple[float, bool]], n_gold: int) -> Confidence:
    """Return curve and calibration of predicted entities, each (score, whether gold has it).

    `n_gold` is how many entities gold has. UnsupportedError for a score outside [0, 1], or
    without any entity.
    """
    pairs = sorted(scored, reverse=True)
    outside = sum(not 0 <= score <= 1 for score, _ in pairs)
    if outside or not pairs:
        found = f"{outside} outside" if pairs else "none"
        raise UnsupportedError(f"scores: expected scores between 0 and 1, found {found}")
    return Confidence(tuple(_curve(pairs, n_gold)), tuple(_bins(pairs)))


def _curve(pairs: Sequence[tuple[float, bool]], n_gold: int) -> Iterable[CurvePoint]:
    n_kept = n_correct = 0
    for threshold, group in groupby(pairs, key=lambda pair: pair[0]):
        verdicts = [correct for _, correct in group]
        n_kept += len(verdicts)
        n_correct += sum(verdicts)
        yield CurvePoint(threshold, Counts(n_correct, n_kept - n_correct, n_gold - n_correct))


def _bins(pairs: Sequence[tuple[float, bool]]) -> Iterable[CalibrationBin]:
    for index in range(N_BINS):
        inside = [pair for pair in pairs if min(int(pair[0] * N_BINS), N_BINS - 1) == index]
        if inside:
            yield CalibrationBin(
                index / N_BINS,
                (index + 1) / N_BINS,
                len(inside),
                sum(correct for _, correct in inside),
                sum(score for score, _ in inside) / len(inside),
            )
