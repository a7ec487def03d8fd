"""Counts of agreement between sets, and the figures derived from them.

Only counts are stored and added; precision, recall and F1 are derived from a sum of counts,
never averaged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items both sides have, only the system has (spurious), only gold has (missed)."""

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
        )

    @property
    def precision(self) -> float:
        """The share of the system's items that gold has; 0.0 where the system has none."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """The share of gold's items that the system has; 0.0 where gold has none."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0.0 where both are 0.

        Computed from the two ratios, as both official scorers do: from the counts alone the
        last digit could differ from theirs.
        """
        precision, recall = self.precision, self.recall
        return _ratio(2 * precision * recall, precision + recall)


def sum_counts(counts: Iterable[Counts]) -> Counts:
    """Return the sum of `counts`; all zero where there are none."""
    return sum(counts, Counts())


def score_sets(gold: Mapping[str, Set[T]], system: Mapping[str, Set[T]]) -> Counts:
    """Return the counts summed over the documents of either side.

    A document that one side lacks counts as empty there; which documents to score is the
    caller's rule.
    """
    return sum_counts(score_sets_by(gold, system, _one_group).values())


def score_sets_by(
    gold: Mapping[str, Set[T]], system: Mapping[str, Set[T]], group: Callable[[T], str]
) -> dict[str, Counts]:
    """Return the counts of each group of items, in the groups' order.

    `group` names an item's group, such as its label. A document that one side lacks counts as
    empty there.
    """
    shared: Counter[str] = Counter()
    spurious: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    empty: frozenset[T] = frozenset()
    for document_id in gold.keys() | system.keys():
        expected = gold.get(document_id, empty)
        found = system.get(document_id, empty)
        shared.update(map(group, expected & found))
        spurious.update(map(group, found - expected))
        missed.update(map(group, expected - found))
    names = sorted(shared.keys() | spurious.keys() | missed.keys())
    return {name: Counts(shared[name], spurious[name], missed[name]) for name in names}


def _one_group(_item: object) -> str:
    return ""


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else 0.0
