"""What readers of foreign formats share: values of a stated kind, entities that fit their text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from farmaner.document import Concept, Entity, Span
from farmaner.errors import FormatError, OffsetError
from farmaner.formats.alignment import place

T = TypeVar("T")

_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a truth value",
    int: "a whole number",
    float: "a number",
    type(None): "nothing",
}


@dataclass(frozen=True, slots=True)
class Where:
    """What an error names: a file, a line of it, or a part such as `document 3`."""

    path: Path | str
    line: int | None = None
    part: str = ""

    def error(self, expected: str, found: str) -> FormatError:
        """Return the error that says what should be here."""
        path = f"{self.path}, {self.part}" if self.part else self.path
        return FormatError(path, self.line, expected, found)


def need(row: dict[str, Any], key: str, kind: type[T], where: Where) -> T:
    """Return the value under a key; FormatError where it is missing or of another kind."""
    value = row.get(key)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise where.error(f'{_KINDS[kind]} under "{key}"', _KINDS.get(type(value), "another kind"))
    return value


def need_object(value: object, where: Where) -> dict[str, Any]:
    """Return a JSON value that is an object; FormatError where it is another kind."""
    if not isinstance(value, dict):
        raise where.error("an object", _KINDS.get(type(value), "another kind"))
    return value


def optional_number(row: dict[str, Any], key: str, where: Where) -> float | None:
    """Return the number under a key or None; FormatError where it is another kind."""
    value = row.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise where.error(f'a number or nothing under "{key}"', _KINDS.get(type(value), "another"))
    return value


def bare_entity(
    spans: Sequence[tuple[int, int]],
    label: str,
    where: Where,
    *,
    score: float | None = None,
    concept: Concept | None = None,
) -> Entity:
    """Return an entity that does not know its text yet; FormatError for offsets out of order."""
    try:
        fragments = tuple(Span(start, end) for start, end in spans)
        hull = Span(fragments[0].start, fragments[-1].end)
        several = fragments if len(fragments) > 1 else ()
        return Entity(hull, label, "", score, concept, several)
    except (OffsetError, IndexError):
        expected = "offsets with 0 <= start < end, fragments in order"
        raise where.error(expected, "others") from None


def entity_at(
    text: str,
    spans: Sequence[tuple[int, int]],
    label: str,
    where: Where,
    *,
    score: float | None = None,
    concept: Concept | None = None,
) -> Entity:
    """Return the entity over spans of a text; FormatError where they do not fit."""
    entity = bare_entity(spans, label, where, score=score, concept=concept)
    if entity.end > len(text):
        raise where.error(f"entities inside the text of {len(text)} characters", "an end past it")
    return replace(entity, text=entity.surface_in(text))


def place_written(
    text: str, written: Sequence[tuple[Entity, str | None]], where: Sequence[Where]
) -> tuple[Entity, ...]:
    """Put entities whose file also says their surfaces on their text.

    Offsets that count UTF-16 code units, or a line end as one character, are realigned as
    `farmaner.formats.alignment.place` does. An entity without a surface stays where it is.
    Raises FormatError for one that is not in the text.
    """
    named = [
        replace(entity, text=entity.surface_in(text) if surface is None else surface)
        for entity, surface in written
    ]
    placed = []
    for placement, place_ in zip(place(text, named), where, strict=True):
        if placement.entity is None:
            raise place_.error("the entity's text at its offsets", placement.reason)
        placed.append(placement.entity)
    return tuple(placed)
