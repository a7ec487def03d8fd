"""Texts with entities marked, cut into segments that a template can print one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter

from farmaner.document import Span


@dataclass(frozen=True, slots=True)
class Mark:
    """A span to show, the sides it is on (gold, predicted, a label); a link leads to `anchor`."""

    span: Span
    sides: tuple[str, ...]
    tag: str
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Characters under the same marks: the sides they are on, and what stands around them.

    `tags` are printed after it: those of a whole run of marks, where the last of them ends, so
    that nothing comes between characters that belong together.
    """

    text: str
    sides: tuple[str, ...]
    tags: tuple[str, ...]
    anchors: tuple[str, ...]


def segments(text: str, span: Span, marks: Sequence[Mark]) -> list[Segment]:
    """Return the characters of `span` in order; marks may overlap but not reach outside it."""
    bounds = {span.start, span.end}
    for mark in marks:
        bounds |= {mark.span.start, mark.span.end}
    beginning: dict[int, list[tuple[int, Mark]]] = {}
    for index, mark in enumerate(marks):
        beginning.setdefault(mark.span.start, []).append((index, mark))
    cut: list[Segment] = []
    tags: list[str] = []
    open_: list[tuple[int, Mark]] = []
    for start, end in pairwise(sorted(bounds)):
        still = [pair for pair in open_ if pair[1].span.end > start]
        open_ = sorted(still + beginning.get(start, []), key=itemgetter(0))
        over = [mark for _, mark in open_]
        tags += (mark.tag for mark in over if mark.tag and mark.span.end == end)
        goes_on = any(mark.span.end > end for mark in over)
        cut.append(
            Segment(
                text[start:end],
                tuple(sorted({side for mark in over for side in mark.sides})),
                () if goes_on else tuple(tags),
                tuple(mark.anchor for mark in over if mark.anchor and mark.span.start == start),
            )
        )
        if not goes_on:
            tags = []
    return cut
