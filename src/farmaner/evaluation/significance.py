"""Is one system better than another? Randomization tests and bootstrap intervals over documents.

Documents are the unit, because entities of one document stand and fall together. Both methods
resample documents' counts and derive precision, recall and F1 from the sums, micro and by label:

- *Approximate randomization* (Noreen 1989; Yeh 2000 for precision, recall and F1): were the two
  systems alike, any document's two answers could change sides. The p-value is the share of such
  exchanges, the observed one included, whose absolute difference is at least the observed.
- *Percentile bootstrap* (Efron and Tibshirani 1993, chapter 13), paired: documents are drawn with
  replacement, and both systems answer the same draw.

The strict rules decide what counts: a document that a system lacks is one where it found nothing.
Precision, recall and F1 are 0 where their denominator is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farmaner.errors import ConfigError, CorpusError, MissingExtraError
from farmaner.evaluation.official import STRICT, Coverage, cover
from farmaner.evaluation.scoring import Counts
from farmaner.evaluation.sources import Documents, NerItem, ner_items, sources_by_id

FIGURES = ("precision", "recall", "f1")
N_RESAMPLES = 9999
CONFIDENCE_LEVEL = 0.95
MICRO = "micro"

_A, _B, _GOLD = slice(0, 2), slice(2, 4), 4  # true positives and predicted, of A and of B; gold
_N_COUNTS = 5
_BATCH_CELLS = 4_000_000  # numbers held at once while resampling: 32 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """A bootstrap interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FigureComparison:
    """One figure of both systems, their difference (A less B), its p-value, and intervals."""

    a: float
    b: float
    difference: float
    p_value: float
    a_interval: Interval
    b_interval: Interval
    difference_interval: Interval


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """A label's counts and figures, or those of all together (`micro`)."""

    group: str
    counts_a: Counts
    counts_b: Counts
    figures: Mapping[str, FigureComparison]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the same documents.

    `exact` tells that all exchanges of documents were enumerated instead of a sample drawn,
    which happens where there are no more than `n_resamples` of them.
    """

    n_documents: int
    n_resamples: int
    seed: int
    confidence_level: float
    exact: bool
    coverage_a: Coverage
    coverage_b: Coverage
    groups: tuple[GroupComparison, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "rules": STRICT.name,
            "unit": "document",
            "test": "paired approximate randomization, two-sided",
            "interval": "percentile bootstrap, paired",
            "n_documents": self.n_documents,
            "n_resamples": self.n_resamples,
            "seed": self.seed,
            "confidence_level": self.confidence_level,
            "exact": self.exact,
            "documents": {"a": self.coverage_a.as_dict(), "b": self.coverage_b.as_dict()},
            "groups": [asdict(group) for group in self.groups],
        }


def compare(
    gold: Documents,
    a: Documents,
    b: Documents,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    confidence_level: float = CONFIDENCE_LEVEL,
) -> Comparison:
    """Compare two systems: each figure, the difference, its p-value and intervals.

    Each side is a folder of brat `.ann` files or the documents themselves. MissingExtraError
    without SciPy; ConfigError for settings out of range; CorpusError for fewer than two gold
    documents and for a document that gold lacks; further as `score_ner` raises.
    """
    stats = scipy_stats()
    if n_resamples < 1 or not 0 < confidence_level < 1 or seed < 0:
        raise ConfigError(
            "compare: expected n_resamples of 1 or more, a seed of 0 or more and a confidence "
            f"level between 0 and 1, found {n_resamples}, {seed} and {confidence_level}"
        )
    groups, table, coverages = _count(gold, a, b)
    if len(table) < 2:
        raise CorpusError("gold: expected two documents or more to resample, found 1")
    intervals = _intervals(stats, table, n_resamples, seed, confidence_level)
    compared = []
    for index, group in enumerate(groups):
        counts = _counts(table, index, _A), _counts(table, index, _B)
        p_values = _p_values(stats, table[:, index], n_resamples, seed)
        compared.append(_compared(group, counts, p_values, intervals[:, :, index]))
    return Comparison(
        n_documents=len(table),
        n_resamples=n_resamples,
        seed=seed,
        confidence_level=confidence_level,
        exact=2 ** len(table) <= n_resamples,
        coverage_a=coverages[0],
        coverage_b=coverages[1],
        groups=tuple(compared),
    )


def figures(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return precision, recall and F1, (3, ...), of (..., 3): true positives, predicted, gold."""
    found, predicted, gold = (counts[..., index].astype(np.float64) for index in range(3))
    return np.stack(
        [
            _ratio(found, predicted),
            _ratio(found, gold),
            _ratio(2 * found, predicted + gold),
        ]
    )


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    zeros = np.zeros_like(numerator)
    return np.divide(numerator, denominator, out=zeros, where=denominator > 0)


def _count(
    gold: Documents, a: Documents, b: Documents
) -> tuple[list[str], NDArray[np.int64], list[Coverage]]:
    """Return the groups, (documents, groups, 5) counts, and each system's coverage."""
    gold_sources = sources_by_id(gold, ".ann", "gold")
    dropped = STRICT.dropped_labels
    expected = {i: ner_items(source, dropped) for i, source in gold_sources.items()}
    answers: list[dict[str, frozenset[NerItem]]] = []
    coverages = []
    for documents, name in ((a, "system A"), (b, "system B")):
        sources = sources_by_id(documents, ".ann", name)
        coverages.append(cover(gold_sources, sources, STRICT, place=name))
        answers.append({i: ner_items(source, dropped) for i, source in sources.items()})
    sides = [expected, *answers]
    labels = sorted({item[0] for side in sides for items in side.values() for item in items})
    table = np.zeros((len(expected), 1 + len(labels), _N_COUNTS), dtype=np.int64)
    place = {label: index for index, label in enumerate(labels, start=1)}
    for row, id_ in enumerate(sorted(expected)):
        for label, _, _ in expected[id_]:
            table[row, place[label], _GOLD] += 1
        for answer, side in zip(answers, (_A, _B), strict=True):
            for item in answer.get(id_, frozenset()):
                table[row, place[item[0]], side] += (item in expected[id_], 1)
    table[:, 0] = table[:, 1:].sum(axis=1)
    return [MICRO, *labels], table, coverages


def _counts(table: NDArray[np.int64], group: int, side: slice) -> Counts:
    total = table[:, group].sum(axis=0)
    found, predicted = (int(number) for number in total[side])
    return Counts(found, predicted - found, int(total[_GOLD]) - found)


def _of(table: NDArray[np.int64], side: slice) -> NDArray[np.int64]:
    """Return (..., 3) counts of one system: true positives, predicted, gold."""
    return np.concatenate([table[..., side], table[..., _GOLD, None]], axis=-1)


def _p_values(
    stats: ModuleType, table: NDArray[np.int64], n_resamples: int, seed: int
) -> NDArray[np.float64]:
    """Return the p-value of each figure's difference in one group's (documents, 5) counts.

    SciPy exchanges the two numbers of each document, `i` and `n + i`; which of them comes first
    says whose answer A takes.
    """
    n_documents = len(table)
    total_a, total_b = _of(table, _A).sum(axis=0), _of(table, _B).sum(axis=0)
    change = _of(table, _B) - _of(table, _A)
    ids = np.arange(n_documents)

    def difference(index: int, first: NDArray[np.int64]) -> NDArray[np.float64]:
        exchanged = (first >= n_documents).astype(np.float64) @ change.astype(np.float64)
        moved = np.rint(exchanged).astype(np.int64)
        gap: NDArray[np.float64] = figures(total_a + moved) - figures(total_b - moved)
        return np.asarray(np.abs(gap[index]))

    return np.array(
        [
            stats.permutation_test(
                (ids, ids + n_documents),
                lambda first, _second, axis, index=index: difference(index, first),  # noqa: ARG005
                permutation_type="samples",
                alternative="greater",
                vectorized=True,
                n_resamples=n_resamples,
                batch=max(1, _BATCH_CELLS // (2 * n_documents)),
                rng=np.random.default_rng(seed),
            ).pvalue
            for index in range(len(FIGURES))
        ]
    )


def _intervals(
    stats: ModuleType,
    table: NDArray[np.int64],
    n_resamples: int,
    seed: int,
    confidence_level: float,
) -> NDArray[np.float64]:
    """Return (2, 3, groups, 3): low and high, of A, B and A less B, by group, by figure."""
    n_documents, n_groups, _ = table.shape
    flat = table.reshape(n_documents, -1)

    def statistic(drawn: NDArray[np.int64], axis: int) -> NDArray[np.float64]:  # noqa: ARG001
        total = flat[drawn].sum(axis=-2).reshape(*drawn.shape[:-1], n_groups, _N_COUNTS)
        of_a, of_b = figures(_of(total, _A)), figures(_of(total, _B))
        every = np.stack([of_a, of_b, of_a - of_b])  # (3, figures, ..., groups)
        return np.moveaxis(every, (-1, 1), (1, 2))  # (3, groups, figures, ...)

    interval = stats.bootstrap(
        (np.arange(n_documents),),
        statistic,
        method="percentile",
        vectorized=True,
        n_resamples=n_resamples,
        batch=max(1, _BATCH_CELLS // flat.size),
        confidence_level=confidence_level,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return np.stack([interval.low, interval.high])


def _compared(
    group: str,
    counts: tuple[Counts, Counts],
    p_values: NDArray[np.float64],
    intervals: NDArray[np.float64],
) -> GroupComparison:
    compared = {}
    for index, name in enumerate(FIGURES):
        a, b = (float(getattr(side, name)) for side in counts)
        of_a, of_b, of_difference = (
            Interval(*map(float, pair)) for pair in intervals[:, :, index].T
        )
        p_value = float(p_values[index])
        compared[name] = FigureComparison(a, b, a - b, p_value, of_a, of_b, of_difference)
    return GroupComparison(group, *counts, compared)


def scipy_stats() -> ModuleType:
    """Return `scipy.stats`; MissingExtraError where SciPy is not installed."""
    try:
        from scipy import stats
    except ImportError:
        raise MissingExtraError("scipy", "stats") from None
    module: ModuleType = stats
    return module
