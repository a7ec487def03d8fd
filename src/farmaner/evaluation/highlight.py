"""The marks of an analysis: errors, and documents with what was found, missed and made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from farmaner.document import Entity
from farmaner.evaluation.error_classes import Matching, NerError
from farmaner.text.highlight import Mark

Side: TypeAlias = Literal["gold", "predicted"]


def error_marks(error: NerError) -> list[Mark]:
    """Return the marks of one error: what it counts, and what decided its class beside it."""
    marks = _counted_marks(error)
    if error.beside is not None:
        marks.append(_mark(error.beside, "gold" if error.missed is None else "predicted"))
    return marks


def document_marks(
    matching: Matching, anchors: Sequence[str], dropped: Sequence[Entity]
) -> list[Mark]:
    """Return the marks of a whole document: found entities, errors, and gold that is not scored.

    `anchors` are one for each error, put where it begins.
    """
    marks = [
        Mark(entity.span, ("gold", "predicted"), f"✓ {entity.label}") for entity in matching.found
    ]
    marks += [
        Mark(entity.span, ("gold",), f"gold {entity.label}, not scored") for entity in dropped
    ]
    for error, anchor in zip(matching.errors, anchors, strict=True):
        first, *others = sorted(_counted_marks(error), key=lambda mark: mark.span)
        marks += [Mark(first.span, first.sides, first.tag, anchor), *others]
    return marks


def _counted_marks(error: NerError) -> list[Mark]:
    marks = []
    if error.missed is not None:
        marks.append(_mark(error.missed, "gold"))
    if error.spurious is not None:
        marks.append(_mark(error.spurious, "predicted"))
    return marks


def _mark(entity: Entity, side: Side) -> Mark:
    return Mark(entity.span, (side,), f"{side} {entity.label}")
