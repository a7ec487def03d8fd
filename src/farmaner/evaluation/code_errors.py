"""The classes of errors in codes: what became of the items that indexing counts.

An item is a code of a document. Each false negative and each false positive of the strict rules is
in exactly one error, and each error in exactly one class; docs/error-classes.md states the rule.
Unlike entities, codes are compared whatever the labels and wherever they stand, so that one class
costs nothing: a right code from a wrong span.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from farmaner.document import Document, Entity, Span
from farmaner.evaluation.sources import entity_codes

CodeErrorClass: TypeAlias = Literal[
    "wrong code",
    "no code",
    "unseen surface",
    "wrong span",
    "missed entity",
    "spurious entity",
    "unclear",
    "right code from wrong span",
]

CODE_ERROR_CLASSES: Mapping[CodeErrorClass, str] = MappingProxyType(
    {
        "wrong code": "the right span, but another code than gold's, or one where gold has none",
        "no code": "the right span, left without a code",
        "unseen surface": "the right span of a name that train does not have, left without a code",
        "wrong span": "gold and predicted share characters, but neither the span nor the code",
        "missed entity": "nothing was predicted where gold has the code",
        "spurious entity": "a code where gold has no entity",
        "unclear": "the code of, or lost to, an UNCLEAR entity, which is not scored",
        "right code from wrong span": "counted as found, though no entity of gold's has this span",
    }
)

Carriers: TypeAlias = Mapping[str, Sequence[Entity]]
"""The entities that carry each code of a document, in order of place."""


@dataclass(frozen=True, slots=True)
class CodeError:
    """One error: a code missed, a spurious one, or one of each that belong together.

    `missed` and `spurious` are the items that the error counts; both are None where a right code
    came from a wrong span. `gold` is an entity that carries the missed code, or what stands
    against the spurious one; `predicted` the same of the system.
    """

    document_id: str
    error_class: CodeErrorClass
    missed: str | None = None
    spurious: str | None = None
    gold: Entity | None = None
    predicted: Entity | None = None

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The entities that show the error, gold's first: one or two."""
        return tuple(entity for entity in (self.gold, self.predicted) if entity is not None)

    @property
    def surroundings(self) -> Span:
        """The characters from the first to the last of its entities."""
        return Span(min(e.start for e in self.entities), max(e.end for e in self.entities))


@dataclass(frozen=True, slots=True)
class CodeMatching:
    """One document's items: those that both have, with gold's carriers, and the errors."""

    found: Carriers
    errors: tuple[CodeError, ...]


def match_codes(
    gold: Document,
    system: Document,
    dropped_labels: Collection[str] = frozenset({"UNCLEAR"}),
    *,
    is_seen: Callable[[str], bool] = lambda _: True,
) -> CodeMatching:
    """Return which codes of a document were found, and every error in its class.

    `is_seen` says whether train has a surface form.
    """
    document = _Document(gold, system, dropped_labels, is_seen)
    errors = [*document.pairs(), *document.lone_missed(), *document.lone_spurious()]
    errors += document.strays()
    return CodeMatching(document.found, tuple(sorted(errors, key=_place)))


class _Document:
    """The codes of one document on both sides, and what has been paired so far."""

    def __init__(
        self,
        gold: Document,
        system: Document,
        dropped_labels: Collection[str],
        is_seen: Callable[[str], bool],
    ) -> None:
        self._id, self._is_seen, self._dropped_labels = gold.id, is_seen, dropped_labels
        self._scored = [e for e in gold.entities if e.label not in dropped_labels]
        self._dropped = [e for e in gold.entities if e.label in dropped_labels]
        self._predicted = system.entities
        expected = _carriers(entity_codes(self._scored, gold.other_lines))
        answered = _carriers((e, e.concept.code) for e in system.entities if e.concept)
        self._answered = answered
        self.found = {code: expected[code] for code in expected if code in answered}
        self._missed = {code: expected[code] for code in expected if code not in answered}
        self._spurious = {code: answered[code] for code in answered if code not in expected}

    def pairs(self) -> list[CodeError]:
        """Pair missed and spurious codes whose carriers share characters, the closest first."""
        candidates = sorted(
            (
                (_distance(one, other), one.start, one, other, missed, spurious)
                for missed, ones in self._missed.items()
                for spurious, others in self._spurious.items()
                for one in ones
                for other in others
                if one.span.overlaps(other.span)
            ),
            key=lambda candidate: candidate[:2],
        )
        errors = []
        for _, _, one, other, missed, spurious in candidates:
            if missed in self._missed and spurious in self._spurious:
                name: CodeErrorClass = "wrong code" if one.span == other.span else "wrong span"
                errors.append(CodeError(self._id, name, missed, spurious, one, other))
                del self._missed[missed], self._spurious[spurious]
        return errors

    def lone_missed(self) -> list[CodeError]:
        """Return the errors of the missed codes that are left."""
        errors = []
        for code, carriers in self._missed.items():
            gold, predicted = _closest(carriers, self._predicted)
            name = "missed entity" if predicted is None else self._lost(gold, predicted)
            errors.append(CodeError(self._id, name, code, None, gold, predicted))
        return errors

    def _lost(self, gold: Entity, predicted: Entity) -> CodeErrorClass:
        """Return what an entity did to the code of the gold entity that it stands on."""
        if predicted.label in self._dropped_labels and not predicted.concept:
            return "unclear"
        if predicted.span != gold.span:
            return "wrong span"
        if predicted.concept:
            return "wrong code"
        return "no code" if self._is_seen(gold.text) else "unseen surface"

    def lone_spurious(self) -> list[CodeError]:
        """Return the errors of the spurious codes that are left."""
        errors = []
        for code, carriers in self._spurious.items():
            predicted, gold = _closest(carriers, self._scored)
            name: CodeErrorClass = "spurious entity"
            if gold is not None:
                name = "wrong code" if gold.span == predicted.span else "wrong span"
            else:
                predicted, gold = _closest(carriers, self._dropped)
                if gold is not None:
                    name = "unclear"
            errors.append(CodeError(self._id, name, None, code, gold, predicted))
        return errors

    def strays(self) -> list[CodeError]:
        """Return the codes found though no gold entity that carries one has the answer's span."""
        errors = []
        for code, carriers in self.found.items():
            answers = self._answered[code]
            spans = {entity.span for entity in answers}
            if not any(entity.span in spans for entity in carriers):
                predicted, gold = _closest(answers, carriers)
                gold = carriers[0] if gold is None else gold
                name: CodeErrorClass = "right code from wrong span"
                errors.append(CodeError(self._id, name, None, None, gold, predicted))
        return errors


def _carriers(coded: Iterable[tuple[Entity, str]]) -> dict[str, list[Entity]]:
    carriers: dict[str, list[Entity]] = {}
    for entity, code in sorted(coded, key=lambda pair: (pair[0].span, pair[0].label, pair[1])):
        carriers.setdefault(code, []).append(entity)
    return carriers


def _distance(one: Entity, other: Entity) -> tuple[bool, float]:
    """Order by: the same span first, then the larger shared part."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    together = max(one.end, other.end) - min(one.start, other.start)
    return one.span != other.span, -shared / together


def _closest(carriers: Sequence[Entity], others: Iterable[Entity]) -> tuple[Entity, Entity | None]:
    """Return the carrier and the other that are closest; of equal ones those with a code, first.

    Without any that share a character, the first carrier and None.
    """
    near = [(one, other) for one in carriers for other in others if one.span.overlaps(other.span)]
    return min(
        near,
        key=lambda pair: (*_distance(*pair), pair[1].concept is None, pair[0].start),
        default=(carriers[0], None),
    )


def _place(error: CodeError) -> tuple[Span, str, str, str]:
    return error.surroundings, error.error_class, error.missed or "", error.spurious or ""
