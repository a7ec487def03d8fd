"""The values that everything else passes around: Span, Concept, Entity, Document.

All are frozen. Offsets count Unicode code points of the text as given and are end-exclusive.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from farmaner.errors import OffsetError


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The characters [start, end) of a text; never empty."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise OffsetError(
                f"span: expected 0 <= start < end, found start {self.start}, end {self.end}"
            )

    def __len__(self) -> int:
        return self.end - self.start

    def of(self, text: str) -> str:
        """Return the characters of `text` that this span covers."""
        return text[self.start : self.end]

    def overlaps(self, other: Span) -> bool:
        """Return whether the two spans share a character."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Concept:
    """A code, as a terminology or an annotator gives it (`15373003`, `CHEBI:3815`, `<null>`)."""

    code: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """A labelled span with its surface form.

    `text` is the document's text from `start` to `end`; for a discontinuous entity (two or
    more `fragments`) it is the fragments' texts joined by one space, as brat writes it.
    `id` is the entity's identifier in the file it came from and takes no part in comparison.
    """

    span: Span
    label: str
    text: str
    score: float | None = None
    concept: Concept | None = None
    fragments: tuple[Span, ...] = ()
    id: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not self.fragments:
            return
        ordered = all(a.end <= b.start for a, b in zip(self.fragments, self.fragments[1:]))
        hull = Span(self.fragments[0].start, self.fragments[-1].end)
        if len(self.fragments) < 2 or not ordered or hull != self.span:
            raise OffsetError(
                "fragments: expected two or more ordered spans that begin and end with the entity, "
                f"found {len(self.fragments)} for {self.span.start}-{self.span.end}"
            )

    @property
    def start(self) -> int:
        """The first character's offset."""
        return self.span.start

    @property
    def end(self) -> int:
        """The offset after the last character."""
        return self.span.end

    @property
    def discontinuous(self) -> bool:
        """Whether the entity skips characters between its start and its end."""
        return bool(self.fragments)

    @property
    def key(self) -> tuple[str, int, int]:
        """What exact-match scoring compares: label, start, end."""
        return self.label, self.span.start, self.span.end

    def surface_in(self, text: str) -> str:
        """Return what `text` holds at this entity's place."""
        if self.fragments:
            return " ".join(fragment.of(text) for fragment in self.fragments)
        return self.span.of(text)


@dataclass(frozen=True, slots=True)
class Document:
    """An identifier, a text and its entities.

    Every entity fits: its `text` is exactly what the document's text holds at its place, else
    OffsetError. `other_lines` are the lines of a brat file that are no entities (relations,
    events, attributes, normalizations, free notes), kept so that writing loses nothing.
    """

    id: str
    text: str
    entities: tuple[Entity, ...] = ()
    other_lines: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for entity in self.entities:
            if entity.end > len(self.text):
                raise OffsetError(
                    f"{self.id}: expected an entity inside the text of {len(self.text)} "
                    f"characters, found {entity.label} {entity.start}-{entity.end}"
                )
            if entity.surface_in(self.text) != entity.text:
                raise OffsetError(
                    f"{self.id}: expected the entity's text to equal its slice, found another "
                    f"at {entity.label} {entity.start}-{entity.end}"
                )

    def entity(
        self,
        label: str,
        start: int,
        end: int,
        *,
        score: float | None = None,
        concept: Concept | None = None,
    ) -> Entity:
        """Return the entity of that label over characters [start, end) of this document."""
        return Entity(Span(start, end), label, self.text[start:end], score, concept)

    def with_entities(self, entities: Iterable[Entity]) -> Document:
        """Return this document with these entities, in order of place, instead of its own."""
        ordered = sorted(entities, key=lambda entity: (entity.start, entity.end, entity.label))
        return replace(self, entities=tuple(ordered), other_lines=())
