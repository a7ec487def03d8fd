"""Two systems trained with several seeds each: how far apart, with an interval.

The figure of a system is the mean F1 over its seeds. The interval is a percentile bootstrap of the
difference (Efron and Tibshirani 1993, chapter 13) that draws what chance decided: the documents,
the same for both systems, and the seeds of each. A system of one seed keeps it in every draw, and
the interval then says nothing of the chance in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farmaner.errors import CorpusError
from farmaner.evaluation.official import STRICT, cover
from farmaner.evaluation.significance import (
    CONFIDENCE_LEVEL,
    N_RESAMPLES,
    Interval,
    figures,
    scipy_stats,
)
from farmaner.evaluation.sources import Documents, ner_items, sources_by_id

_BATCH = 500  # draws held at once


@dataclass(frozen=True, slots=True)
class SeedsComparison:
    """The difference of two systems' mean F1 (A less B), micro, strict rules, and its interval."""

    difference: float
    interval: Interval
    n_documents: int
    n_seeds_a: int
    n_seeds_b: int
    n_resamples: int
    seed: int
    confidence_level: float


def compare_seeds(
    gold: Documents,
    a: Sequence[Documents],
    b: Sequence[Documents],
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    confidence_level: float = CONFIDENCE_LEVEL,
) -> SeedsComparison:
    """Compare two systems, of each of which `a` and `b` hold the answers of every seed.

    Raises MissingExtraError without SciPy, CorpusError where there is less than two documents of
    gold, and where the strict rules refuse a document.
    """
    stats = scipy_stats()
    counts_a, counts_b = (np.stack([_counts(gold, answer) for answer in side]) for side in (a, b))
    n_documents = counts_a.shape[1]
    if n_documents < 2:
        raise CorpusError("gold: expected two documents or more to resample, found 1")

    def difference(*drawn: NDArray[np.int64], axis: int) -> NDArray[np.float64]:  # noqa: ARG001
        weights = np.apply_along_axis(np.bincount, -1, drawn[0], minlength=n_documents)
        seeds = iter(drawn[1:])
        means = [
            _mean_f1(counts, weights, next(seeds) if len(counts) > 1 else None)
            for counts in (counts_a, counts_b)
        ]
        return np.asarray(means[0] - means[1])

    seeds = [np.arange(len(side)) for side in (a, b) if len(side) > 1]
    interval = stats.bootstrap(
        (np.arange(n_documents), *seeds),
        difference,
        method="percentile",
        vectorized=True,
        n_resamples=n_resamples,
        batch=_BATCH,
        confidence_level=confidence_level,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    every = np.ones(n_documents, dtype=np.int64)
    return SeedsComparison(
        difference=float(_mean_f1(counts_a, every, None) - _mean_f1(counts_b, every, None)),
        interval=Interval(float(interval.low), float(interval.high)),
        n_documents=n_documents,
        n_seeds_a=len(a),
        n_seeds_b=len(b),
        n_resamples=n_resamples,
        seed=seed,
        confidence_level=confidence_level,
    )


def _mean_f1(
    counts: NDArray[np.int64], weights: NDArray[np.int64], seeds: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    """Return the mean F1, (...), of (seeds, documents, 3) counts.

    `weights`, (..., documents), say how often each document was drawn; `seeds`, (..., seeds),
    which seeds were, None for each once.
    """
    f1 = figures(np.einsum("...d,sdc->...sc", weights, counts))[2]
    if seeds is not None:
        f1 = np.take_along_axis(f1, seeds, axis=-1)
    return np.asarray(f1.mean(axis=-1))


def _counts(gold: Documents, system: Documents) -> NDArray[np.int64]:
    """Return each document's true positives, predicted and gold, (documents, 3)."""
    gold_sources = sources_by_id(gold, ".ann", "gold")
    sources = sources_by_id(system, ".ann", "system")
    cover(gold_sources, sources, STRICT)
    rows = []
    for id_ in sorted(gold_sources):
        expected = ner_items(gold_sources[id_], STRICT.dropped_labels)
        found = ner_items(sources[id_], STRICT.dropped_labels) if id_ in sources else frozenset()
        rows.append((len(expected & found), len(found), len(expected)))
    return np.asarray(rows, dtype=np.int64)
