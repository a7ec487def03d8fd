"""The analysis of a system's codes: classes of errors, and splits by what train knew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from farmaner.document import Document, Entity
from farmaner.evaluation.code_errors import (
    CODE_ERROR_CLASSES,
    CodeError,
    CodeErrorClass,
    CodeMatching,
    match_codes,
)
from farmaner.evaluation.error_classes import ClassCounts
from farmaner.evaluation.official import STRICT, IndexingScore, score_indexing
from farmaner.evaluation.scoring import Counts
from farmaner.evaluation.splits import normalized

CodeGroup: TypeAlias = Callable[[Entity, str], str]
"""Returns the group of a code by an entity that carries it."""

SURFACE_GROUPS = (
    "seen with this code",
    "seen with another code",
    "unseen, code seen",
    "unseen, code unseen",
)


@dataclass(frozen=True, slots=True)
class CodeAnalysis:
    """The codes of one system against gold under the strict rules.

    `matchings` holds found codes and errors by document id, `splits` the counts by split and
    group; each adds up to the score. `surface_group` tells what train knew of a name, None where
    no train was given.
    """

    score: IndexingScore
    matchings: Mapping[str, CodeMatching]
    splits: Mapping[str, Mapping[str, Counts]]
    surface_group: CodeGroup | None = field(default=None, repr=False, compare=False)

    @property
    def errors(self) -> tuple[CodeError, ...]:
        """Every error, by document and place."""
        return tuple(error for matching in self.matchings.values() for error in matching.errors)

    @property
    def classes(self) -> dict[CodeErrorClass, ClassCounts]:
        """The counts of every class; they add up to the score's."""
        counts = dict.fromkeys(CODE_ERROR_CLASSES, ClassCounts())
        for error in self.errors:
            missed, spurious = error.missed is not None, error.spurious is not None
            counts[error.error_class] += ClassCounts(1, int(missed), int(spurious))
        return counts


def analyze_codes(
    gold: Iterable[Document],
    system: Iterable[Document],
    *,
    train: Iterable[Document] | None = None,
) -> CodeAnalysis:
    """Return the analysis of the codes that a system's documents carry, by the strict rules.

    With `train`, names that it has are told from others, and codes are also split by what it
    knew. Errors are those of `score_indexing`.
    """
    expected, answers = list(gold), list(system)
    score = score_indexing(expected, answers, STRICT)
    by_id = {document.id: document for document in answers}
    known = None if train is None else _known_codes(train)
    matchings = {
        document.id: match_codes(
            document,
            by_id.get(document.id, Document(document.id, document.text)),
            STRICT.dropped_labels,
            is_seen=lambda surface: known is None or normalized(surface) in known,
        )
        for document in sorted(expected, key=lambda document: document.id)
    }
    rules: dict[str, CodeGroup] = {"label": lambda entity, _: entity.label}
    rules["vocabulary"] = lambda _, code: vocabulary(code)
    surface_group = None if known is None else _surface_rule(known)
    if surface_group is not None:
        rules["surface"] = surface_group
    splits = {split: _split(matchings.values(), rule) for split, rule in rules.items()}
    return CodeAnalysis(score, matchings, splits, surface_group)


def vocabulary(code: str) -> str:
    """Return what a code of the task belongs to, by its form."""
    if code == "<null>":
        return code
    if code.upper().startswith("CHEBI:"):
        return "CHEBI"
    return "SNOMED CT" if code.isdigit() else "another"


def _known_codes(train: Iterable[Document]) -> dict[str, set[str]]:
    """Return the codes that each normalized surface form has in train."""
    known: dict[str, set[str]] = {}
    for document in train:
        for entity in document.entities:
            if entity.label not in STRICT.dropped_labels:
                codes = known.setdefault(normalized(entity.text), set())
                codes |= {entity.concept.code} if entity.concept else set()
    return known


def _surface_rule(known: Mapping[str, set[str]]) -> CodeGroup:
    every = {code for codes in known.values() for code in codes}

    def group(entity: Entity, code: str) -> str:
        codes = known.get(normalized(entity.text))
        if codes is None:
            return SURFACE_GROUPS[2 if code in every else 3]
        return SURFACE_GROUPS[0 if code in codes else 1]

    return group


def _split(matchings: Iterable[CodeMatching], group: CodeGroup) -> dict[str, Counts]:
    """Return the counts of each group that has any, in order.

    A found code counts in the first group of its gold entities; an error in that of the entity
    which shows it.
    """
    counts: dict[str, Counts] = {}

    def add(entities: Sequence[Entity], code: str, one: Counts) -> None:
        name = min((group(entity, code) for entity in entities), key=_rank)
        counts[name] = counts.get(name, Counts()) + one

    for matching in matchings:
        for code, carriers in matching.found.items():
            add(carriers, code, Counts(1, 0, 0))
        for error in matching.errors:
            if error.missed is not None and error.gold is not None:
                add([error.gold], error.missed, Counts(0, 0, 1))
            if error.spurious is not None and error.predicted is not None:
                add([error.predicted], error.spurious, Counts(0, 1, 0))
    return {name: counts[name] for name in sorted(counts, key=_rank)}


def _rank(group: str) -> tuple[int, str]:
    return SURFACE_GROUPS.index(group) if group in SURFACE_GROUPS else 0, group
