"""Texts with entities marked, cut into segments that a template can print one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from farmaner.document import Entity, Span
from farmaner.evaluation.error_classes import Matching, NerError

Side: TypeAlias = Literal["gold", "predicted"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A span to show as gold's, as predicted, as both or not; `anchor` is what a link leads to."""

    span: Span
    sides: tuple[Side, ...]
    tag: str
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Characters under the same marks: the sides they are on, and what stands around them.

    `tags` are printed after it: those of a whole run of marks, where the last of them ends, so
    that nothing comes between characters that belong together.
    """

    text: str
    sides: tuple[Side, ...]
    tags: tuple[str, ...]
    anchors: tuple[str, ...]


def segments(text: str, span: Span, marks: Sequence[Mark]) -> list[Segment]:
    """Return the characters of `span` in order; marks may overlap but not reach outside it."""
    bounds = {span.start, span.end}
    for mark in marks:
        bounds |= {mark.span.start, mark.span.end}
    ordered = sorted(bounds)
    cut: list[Segment] = []
    tags: list[str] = []
    for start, end in pairwise(ordered):
        over = [mark for mark in marks if mark.span.start < end and start < mark.span.end]
        sides: tuple[Side, ...] = ("gold", "predicted")
        tags += (mark.tag for mark in over if mark.tag and mark.span.end == end)
        goes_on = any(mark.span.end > end for mark in over)
        cut.append(
            Segment(
                text[start:end],
                tuple(side for side in sides if any(side in mark.sides for mark in over)),
                () if goes_on else tuple(tags),
                tuple(mark.anchor for mark in over if mark.anchor and mark.span.start == start),
            )
        )
        if not goes_on:
            tags = []
    return cut


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
