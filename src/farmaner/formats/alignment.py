"""Find the characters an annotator meant when offsets count something else than code points.

The surface column of a standoff file says which text an entity covers, so it can show that the
annotator counted otherwise than `Document` does, and where the entity really is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, product

from farmaner.document import Entity, Span

MAX_SHIFT = 16
"""How many characters from its written place an entity's surface is looked for."""

AS_WRITTEN = "offsets as written"
_LINE_END = "a line end CR LF counted as one character"
_BOM = "the byte-order mark not counted"
_UTF16 = "UTF-16 code units counted"
_NEARBY = "surface found nearby"

_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an entity is: `entity` with the text's own offsets, or None where it is nowhere.

    `reason` says how it was found; it is AS_WRITTEN where nothing had to be changed, and says
    what was found instead where `entity` is None. It never quotes text.
    """

    entity: Entity | None
    reason: str


def flatten(surface: str) -> str:
    """Return `surface` as one field of one line: each line break and tab becomes a space."""
    return _BREAKS.sub(" ", surface)


def place(text: str, entities: Sequence[Entity], *, realign: bool = True) -> list[Placement]:
    """Find each entity of a standoff file, offsets as written, surface as `text`, in `text`.

    Offsets are read in the way that fits most of the document's entities: as written, or with a
    CR LF counted as one character (brat does), or without the byte-order mark, or in UTF-16 code
    units, or several of these at once; as written wins a draw. An entity that this does not
    explain is looked for, as whole words, up to MAX_SHIFT characters around its place; the
    nearest wins, and two equally near ones are refused. With `realign` false only offsets as
    written count.
    """
    written = [_reading(text, entity, None) for entity in entities]
    if not realign or all(written):
        return [
            _as_written(text, entity, found)
            for entity, found in zip(entities, written, strict=True)
        ]
    best, best_name, offsets = written, AS_WRITTEN, None
    for name, starts in _countings(text):
        found = [_reading(text, entity, starts) for entity in entities]
        if sum(map(bool, found)) > sum(map(bool, best)):
            best, best_name, offsets = found, name, starts
    placements = []
    for entity, as_written, counted in zip(entities, written, best, strict=True):
        if counted:
            moved = counted.span != entity.span or counted.fragments != entity.fragments
            placements.append(Placement(counted, best_name if moved else AS_WRITTEN))
        elif as_written:
            placements.append(Placement(as_written, AS_WRITTEN))
        else:
            placements.append(_nearby(text, entity, offsets))
    return placements


def _as_written(text: str, entity: Entity, found: Entity | None) -> Placement:
    return Placement(found, AS_WRITTEN if found else _what_is_there(text, entity))


def _what_is_there(text: str, entity: Entity) -> str:
    if entity.end > len(text):
        return f"a text of {len(text)} characters"
    return "other text there"


def _countings(text: str) -> list[tuple[str, list[int]]]:
    """Return the other ways to count this text: a name, and each character's offset in it."""
    ways = {
        _LINE_END: "\r\n" in text,
        _BOM: text.startswith("\ufeff"),
        _UTF16: not text.isascii() and max(text) > "\uffff",
    }
    possible = [name for name, applies in ways.items() if applies]
    chosen = [
        [name for name, is_on in zip(possible, switches, strict=True) if is_on]
        for switches in product((False, True), repeat=len(possible))
    ]
    return [(", ".join(names), _offsets(text, names)) for names in sorted(chosen, key=len) if names]


def _offsets(text: str, names: list[str]) -> list[int]:
    """Return for each character of `text`, and its end, the offset that counting gives it."""
    widths = [1] * len(text)
    if _LINE_END in names:
        for match in re.finditer("\r\n", text):
            widths[match.start()] = 0
    if _UTF16 in names:
        for match in re.finditer("[\U00010000-\U0010ffff]", text):
            widths[match.start()] = 2
    if _BOM in names:
        widths[0] = 0
    return list(accumulate(widths, initial=0))


def _reading(text: str, entity: Entity, offsets: list[int] | None) -> Entity | None:
    """Return the entity in `text`'s own offsets if the text there is its surface."""
    return _fit(text, entity, [_own(span, offsets) for span in _spans(entity)])


def _own(span: Span, offsets: list[int] | None) -> tuple[int, int]:
    """Turn a span counted in another way into one of the text's own."""
    if offsets is None:
        return span.start, span.end
    # A character of width 0 (CR, byte-order mark) shares its offset with the next one: a span
    # begins after it, and ends before it.
    start = bisect_left(offsets, span.start + 1) - 1
    return start, bisect_left(offsets, span.end)


def _fit(text: str, entity: Entity, spans: list[tuple[int, int]]) -> Entity | None:
    """Return the entity moved to `spans` if the text there is its surface, else None."""
    if any(not 0 <= start < end <= len(text) for start, end in spans):
        return None
    fragments = tuple(Span(start, end) for start, end in spans)
    found = " ".join(fragment.of(text) for fragment in fragments)
    if not _same(entity.text, found):
        return None
    hull = Span(fragments[0].start, fragments[-1].end)
    return replace(entity, span=hull, text=found, fragments=fragments if entity.fragments else ())


def _same(surface: str, found: str) -> bool:
    """Whether a surface column is that of the text found: brat writes line ends as spaces."""
    if surface == found:
        return True
    flat = flatten(surface)
    return flat in (flatten(found), flatten(found.replace("\r\n", "\n")))


def _nearby(text: str, entity: Entity, offsets: list[int] | None) -> Placement:
    spans = [_own(span, offsets) for span in _spans(entity)]
    for distance in range(MAX_SHIFT + 1):
        found = []
        for shift in sorted({-distance, distance}):
            moved = [(start + shift, end + shift) for start, end in spans]
            fit = _fit(text, entity, moved)
            if fit is None and len(moved) == 1:
                start = moved[0][0]
                fit = _fit(text, entity, [(start, start + len(entity.text))])
            if fit and not _cuts_a_word(text, fit):
                found.append(fit)
        if len(found) > 1:
            return Placement(None, "it at two places equally near")
        if found:
            return Placement(found[0], _NEARBY)
    there = _what_is_there(text, entity)
    return Placement(None, f"{there} and no such words within {MAX_SHIFT} characters")


def _cuts_a_word(text: str, entity: Entity) -> bool:
    """Whether the entity begins or ends between two letters or digits."""
    edges = (edge for span in _spans(entity) for edge in (span.start, span.end))
    return any(
        text[max(0, edge - 1) : edge + 1].isalnum() for edge in edges if 0 < edge < len(text)
    )


def _spans(entity: Entity) -> tuple[Span, ...]:
    return entity.fragments or (entity.span,)
