"""The PharmaCoNER task's own scores: exact match of labelled spans, and of codes by document.

The task was scored by two programs that disagree. Their rules stand here as data (`Rules`):

- *codalab*, the leaderboard's: `UNCLEAR` entities are dropped from gold and system. In
  indexing, a gold code that only `UNCLEAR` entities of its document carry is dropped, while
  the system's codes are not filtered, so that such a code counts as spurious.
- *standalone*: all labels and all codes count; figures print to four significant digits.

Both score only the documents that gold and system share, so a document that the system left
out costs no recall. *strict*, our own, is the codalab rule with two differences: a gold
document that the system lacks counts as all missed, and a system document that gold lacks is
refused, because nothing is known of what it should hold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from farmaner.errors import CorpusError
from farmaner.evaluation.scoring import Counts, score_sets, score_sets_by, sum_counts
from farmaner.evaluation.sources import (
    Documents,
    NerItem,
    gold_codes,
    gold_suffix,
    ner_items,
    sources_by_id,
    system_codes,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What one way of scoring drops, ignores and prints."""

    name: str
    dropped_labels: frozenset[str]
    missing: Literal["ignored", "missed"]
    unknown: Literal["ignored", "refused"]
    significant_digits: int | None

    def printed(self, figure: float) -> str:
        """Return the figure as the scorer prints it; in full where it sets no digits."""
        if self.significant_digits is None:
            return repr(figure)
        return f"{figure:.{self.significant_digits}}"


CODALAB = Rules("codalab", frozenset({"UNCLEAR"}), "ignored", "ignored", None)
STANDALONE = Rules("standalone", frozenset(), "ignored", "ignored", 4)
STRICT = Rules("strict", frozenset({"UNCLEAR"}), "missed", "refused", None)
RULES: Mapping[str, Rules] = MappingProxyType(
    {rules.name: rules for rules in (STRICT, CODALAB, STANDALONE)}
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which documents were scored, which gold has alone (missing), which the system (unknown)."""

    scored: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the number of documents scored and the ids of the others."""
        return {
            "scored": len(self.scored),
            "missing": list(self.missing),
            "unknown": list(self.unknown),
        }


@dataclass(frozen=True, slots=True)
class NerScore:
    """Subtrack 1: counts by label, and the documents they come from."""

    rules: Rules
    by_label: Mapping[str, Counts]
    coverage: Coverage

    @property
    def micro(self) -> Counts:
        """The sum over labels; exact, because an item has one label."""
        return sum_counts(self.by_label.values())

    def as_dict(self) -> dict[str, Any]:
        """Return counts, figures in full and as printed, and documents, ready for JSON."""
        return {
            "rules": self.rules.name,
            "documents": self.coverage.as_dict(),
            "micro": _counts_as_dict(self.micro, self.rules),
            "labels": {
                label: _counts_as_dict(counts, self.rules)
                for label, counts in self.by_label.items()
            },
        }


@dataclass(frozen=True, slots=True)
class IndexingScore:
    """Subtrack 2: counts of codes, and the documents they come from."""

    rules: Rules
    micro: Counts
    coverage: Coverage

    def as_dict(self) -> dict[str, Any]:
        """Return counts, figures in full and as printed, and documents, ready for JSON."""
        return {
            "rules": self.rules.name,
            "documents": self.coverage.as_dict(),
            "micro": _counts_as_dict(self.micro, self.rules),
        }


def score_ner(gold: Documents, system: Documents, rules: Rules = STRICT) -> NerScore:
    """Score labelled spans by exact match: subtrack 1.

    Each side is a folder of brat `.ann` files or the documents themselves. An item is (label,
    start, end); a document's items are a set. CorpusError where a folder does not exist or
    holds no `.ann`, an id comes twice, no document is shared, or the rules refuse a document
    that gold lacks; UnsupportedError on a discontinuous entity; FormatError on a broken file.
    """
    gold_sources = sources_by_id(gold, ".ann", "gold")
    system_sources = sources_by_id(system, ".ann", "system")
    coverage = cover(gold_sources, system_sources, rules, place=_place(system))
    by_label = score_sets_by(
        {i: ner_items(gold_sources[i], rules.dropped_labels) for i in coverage.scored},
        {
            i: ner_items(system_sources[i], rules.dropped_labels)
            for i in coverage.scored
            if i in system_sources
        },
        _label,
    )
    return NerScore(rules, MappingProxyType(by_label), coverage)


def score_indexing(gold: Documents, system: Documents, rules: Rules = STRICT) -> IndexingScore:
    """Score each document's set of codes: subtrack 2.

    Gold is a folder of brat `.ann` files, whose AnnotatorNotes give the codes, a folder of
    `.tsv` files, or the documents themselves; the system is a folder of `.tsv` files or
    documents. A gold folder that holds any `.ann` is read as brat. UnsupportedError where gold
    is `.tsv` and the rules drop labels, which `.tsv` does not tell; CorpusError and FormatError
    as in `score_ner`. Spans are not compared, so discontinuous entities are no obstacle.
    """
    gold_sources = sources_by_id(gold, gold_suffix(gold, rules.dropped_labels), "gold")
    system_sources = sources_by_id(system, ".tsv", "system")
    coverage = cover(gold_sources, system_sources, rules, place=_place(system))
    expected = {i: gold_codes(gold_sources[i], rules.dropped_labels) for i in coverage.scored}
    found = {i: system_codes(system_sources[i]) for i in coverage.scored if i in system_sources}
    return IndexingScore(rules, score_sets(expected, found), coverage)


def cover(
    gold: Collection[str], system: Collection[str], rules: Rules, *, place: str = "system"
) -> Coverage:
    """Return which document ids the rules score; `place` names the system in messages.

    CorpusError where gold and system share none, or where the system has one that gold lacks
    and the rules refuse that.
    """
    ids, found = set(gold), set(system)
    missing, unknown = tuple(sorted(ids - found)), tuple(sorted(found - ids))
    if ids.isdisjoint(found):
        raise CorpusError(
            f"{place}: expected some of gold's {named(missing)}, found {named(unknown)} instead"
        )
    if unknown and rules.unknown == "refused":
        raise CorpusError(
            f"{place}: expected no document that gold lacks under the {rules.name} rules (codalab "
            f"and standalone ignore them), found {named(unknown)}"
        )
    scored = ids if rules.missing == "missed" else ids & found
    return Coverage(tuple(sorted(scored)), missing, unknown)


def named(ids: Collection[str], n_shown: int = 3) -> str:
    """Return how many documents and the first few ids: `40 documents (A, B, C, ...)`."""
    shown = [*sorted(ids)[:n_shown], *(["..."] if len(ids) > n_shown else [])]
    return f"{len(ids)} document{'' if len(ids) == 1 else 's'} ({', '.join(shown)})"


def _label(item: NerItem) -> str:
    return item[0]


def _place(documents: Documents) -> str:
    return str(documents) if isinstance(documents, (str, Path)) else "system"


def _counts_as_dict(counts: Counts, rules: Rules) -> dict[str, Any]:
    figures = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return {
        "true_positives": counts.true_positives,
        "false_positives": counts.false_positives,
        "false_negatives": counts.false_negatives,
        **figures,
        "printed": {name: rules.printed(figure) for name, figure in figures.items()},
    }
