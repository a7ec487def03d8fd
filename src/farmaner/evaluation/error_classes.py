"""The classes of errors: what went wrong with each entity that exact match does not forgive.

Sun and Yang (2019, error analysis) name three: a wrong boundary, a missed entity, and chemicals
taken for proteins or the reverse. Three more say where the rest of the spurious entities stand.
Each false negative and each false positive of the strict rules is in exactly one error, and each
error in exactly one class; docs/error-classes.md states the rule with examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from farmaner.document import Entity, Span

ErrorClass: TypeAlias = Literal["boundary", "label", "missed", "spurious", "duplicate", "unclear"]

ERROR_CLASSES: Mapping[ErrorClass, str] = MappingProxyType(
    {
        "boundary": "the right label, but another start or end",
        "label": "gold and predicted share characters but not the label",
        "missed": "nothing was predicted that could be meant for it",
        "spurious": "predicted where gold has nothing",
        "duplicate": "a second answer to a gold entity that already has a nearer one",
        "unclear": "an answer to, or by, an UNCLEAR entity, which is not scored",
    }
)


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """How many errors a class has, and what they cost: false negatives and false positives."""

    n_errors: int = 0
    false_negatives: int = 0
    false_positives: int = 0

    def __add__(self, other: ClassCounts) -> ClassCounts:
        return ClassCounts(
            self.n_errors + other.n_errors,
            self.false_negatives + other.false_negatives,
            self.false_positives + other.false_positives,
        )


@dataclass(frozen=True, slots=True)
class NerError:
    """One error: a false negative, a false positive, or one of each that belong together.

    `missed` is the gold entity that was not found, `spurious` the predicted one that gold lacks;
    one of them may be None. `beside` is what decided the class where that is neither: an entity
    that the error shares characters with and that is counted elsewhere or not at all.
    """

    document_id: str
    error_class: ErrorClass
    missed: Entity | None = None
    spurious: Entity | None = None
    beside: Entity | None = None

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The entities that the error counts: one or two."""
        return tuple(entity for entity in (self.missed, self.spurious) if entity is not None)

    @property
    def span(self) -> Span:
        """The characters from the first to the last of the entities that it counts."""
        return _hull(self.entities)

    @property
    def surroundings(self) -> Span:
        """The characters of its span and of what stands beside."""
        beside = () if self.beside is None else (self.beside,)
        return _hull((*self.entities, *beside))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its entities, each once, gold's first."""
        return tuple(dict.fromkeys(entity.label for entity in self.entities))


def _hull(entities: Sequence[Entity]) -> Span:
    return Span(min(entity.start for entity in entities), max(entity.end for entity in entities))


@dataclass(frozen=True, slots=True)
class Matching:
    """One document's items, told apart: found, and the errors in order of place."""

    found: tuple[Entity, ...]
    errors: tuple[NerError, ...]


def match_entities(
    document_id: str,
    gold: Iterable[Entity],
    system: Iterable[Entity],
    dropped_labels: frozenset[str] = frozenset({"UNCLEAR"}),
) -> Matching:
    """Return which gold entities were found, and every error in its class.

    Items are compared as scoring does: by label, start and end, each once, less the dropped
    labels. Found entities are as predicted. A repeated entity counts once, with its highest
    score.
    """
    gold_items, gold_dropped = _items(gold, dropped_labels)
    system_items, system_dropped = _items(system, dropped_labels)
    found = tuple(system_items[key] for key in gold_items if key in system_items)
    missed = [entity for key, entity in gold_items.items() if key not in system_items]
    spurious = [entity for key, entity in system_items.items() if key not in gold_items]
    pairs = _pair(missed, spurious)
    errors = [
        NerError(document_id, _pair_class(missed[i], spurious[j]), missed[i], spurious[j])
        for i, j in pairs
    ]
    paired = {i for i, _ in pairs}, {j for _, j in pairs}
    for i, entity in enumerate(missed):
        if i not in paired[0]:
            errors.append(_lone_missed(document_id, entity, spurious, system_dropped))
    for j, entity in enumerate(spurious):
        if j not in paired[1]:
            scored = list(gold_items.values())
            errors.append(_lone_spurious(document_id, entity, scored, gold_dropped))
    return Matching(found, tuple(sorted(errors, key=_place)))


def _items(
    entities: Iterable[Entity], dropped_labels: frozenset[str]
) -> tuple[dict[tuple[str, int, int], Entity], list[Entity]]:
    """Return the scored entities by key, in order of place, and the dropped ones."""
    ordered = sorted(entities, key=lambda entity: (entity.start, entity.end, entity.label))
    items: dict[tuple[str, int, int], Entity] = {}
    for entity in ordered:
        if entity.label in dropped_labels:
            continue
        known = items.get(entity.key)
        if known is None or _score(entity) > _score(known):
            items[entity.key] = entity
    return items, [entity for entity in ordered if entity.label in dropped_labels]


def _score(entity: Entity) -> float:
    return float("-inf") if entity.score is None else entity.score


def _pair(missed: Sequence[Entity], spurious: Sequence[Entity]) -> list[tuple[int, int]]:
    """Pair entities that share characters one to one, the closest first."""
    candidates = sorted(
        (*_distance(gold, predicted), i, j)
        for i, gold in enumerate(missed)
        for j, predicted in enumerate(spurious)
        if gold.span.overlaps(predicted.span)
    )
    pairs: list[tuple[int, int]] = []
    taken: tuple[set[int], set[int]] = set(), set()
    for *_, i, j in candidates:
        if i not in taken[0] and j not in taken[1]:
            pairs.append((i, j))
            taken[0].add(i)
            taken[1].add(j)
    return pairs


def _distance(one: Entity, other: Entity) -> tuple[bool, bool, float]:
    """Order by: the same span first, then the same label, then the larger shared part."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    together = max(one.end, other.end) - min(one.start, other.start)
    return one.span != other.span, one.label != other.label, -shared / together


def _pair_class(gold: Entity, predicted: Entity) -> ErrorClass:
    return "boundary" if gold.label == predicted.label else "label"


def _lone_missed(
    document_id: str, entity: Entity, spurious: Sequence[Entity], dropped: Sequence[Entity]
) -> NerError:
    beside = _closest(entity, spurious)
    if beside is not None:
        return NerError(document_id, _pair_class(entity, beside), entity, None, beside)
    beside = _closest(entity, dropped)
    return NerError(document_id, "missed" if beside is None else "unclear", entity, None, beside)


def _lone_spurious(
    document_id: str, entity: Entity, gold: Sequence[Entity], dropped: Sequence[Entity]
) -> NerError:
    beside = _closest(entity, gold)
    if beside is not None:
        return NerError(document_id, "duplicate", None, entity, beside)
    beside = _closest(entity, dropped)
    return NerError(document_id, "spurious" if beside is None else "unclear", None, entity, beside)


def _closest(entity: Entity, others: Sequence[Entity]) -> Entity | None:
    near = [other for other in others if entity.span.overlaps(other.span)]
    return min(near, key=lambda other: _distance(entity, other), default=None)


def _place(error: NerError) -> tuple[int, int, str]:
    return error.span.start, error.span.end, error.error_class
