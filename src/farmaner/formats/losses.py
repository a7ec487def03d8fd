"""What a format has no place for: taken away before writing, counted, and reported.

Every `write_x` that cannot hold all of a document returns the losses of what it wrote.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from farmaner.document import Concept, Document, Entity, Span
from farmaner.formats.ann import lines_beside_concepts

# XML 1.0, section 2.2: tab, line ends and U+0020 up, without surrogates and two non-characters.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Loss(str, Enum):
    """What can be lost, and what is written instead."""

    SCORE = "scores of entities"
    CODE = "codes"
    CODE_SCORE = "scores of codes"
    FRAGMENTS = "discontinuous entities, written from first to last character"
    OVERLAP = "entities that overlap a longer one, left out"
    BOUNDARY = "entities that begin or end inside a word, written over whole words"
    WORDLESS = "entities without a word, left out"
    OTHER_LINE = "brat lines that are no entities"
    LINE_END = "line ends, written as spaces"
    CHARACTER = "characters that XML cannot hold, written as U+FFFD"
    TEXT = "texts whose white space has to be rebuilt"
    DOCUMENT = "documents without a word, left out"


Losses: TypeAlias = Counter[Loss]


@dataclass(frozen=True, slots=True)
class Holds:
    """What a format has a place for beside texts, labels and plain spans."""

    scores: bool = True
    codes: bool = True
    code_scores: bool = True
    fragments: bool = True
    overlaps: bool = True
    other_lines: bool = False


def describe(losses: Losses) -> str:
    """Return what was lost and how many of each, on one line."""
    return "; ".join(f"{loss.value}: {n:,}" for loss, n in sorted(losses.items()) if n)


def fit(document: Document, holds: Holds, losses: Losses) -> Document:
    """Return the document with what the format holds, and count what it does not.

    A discontinuous entity becomes one from its first to its last character. Of entities that
    overlap the longest is kept, of equally long ones the first.
    """
    if document.other_lines and not holds.other_lines:
        losses[Loss.OTHER_LINE] += len(lines_beside_concepts(document))
        document = replace(document, other_lines=())
    entities = [_fit_entity(entity, document.text, holds, losses) for entity in document.entities]
    if not holds.overlaps:
        kept = without_overlaps(entities)
        losses[Loss.OVERLAP] += len(entities) - len(kept)
        entities = kept
    return replace(document, entities=tuple(entities))


def fit_all(documents: Iterable[Document], holds: Holds, losses: Losses) -> Iterator[Document]:
    """Yield what the format holds of each document."""
    return (fit(document, holds, losses) for document in documents)


def without_overlaps(entities: Sequence[Entity]) -> list[Entity]:
    """Return the entities that overlap no longer one, nor an equally long one before them."""
    taken: list[Span] = []
    kept: set[int] = set()
    for index, entity in sorted(enumerate(entities), key=lambda pair: -len(pair[1].span)):
        place = bisect_left(taken, entity.span)
        beside = taken[max(0, place - 1) : place + 1]
        if not any(entity.span.overlaps(span) for span in beside):
            taken.insert(place, entity.span)
            kept.add(index)
    return [entity for index, entity in enumerate(entities) if index in kept]


def fit_xml(document: Document, losses: Losses) -> Document:
    """Return the document with U+FFFD for each character that XML 1.0 has no way to write."""
    text, n_replaced = _NOT_XML.subn("\ufffd", document.text)
    if not n_replaced:
        return document
    losses[Loss.CHARACTER] += n_replaced
    entities = (replace(entity, text=entity.surface_in(text)) for entity in document.entities)
    return replace(document, text=text, entities=tuple(entities))


def counting(
    write: Callable[[Iterable[Document], Path], object], holds: Holds
) -> Callable[[Iterable[Document], Path], Losses]:
    """Return a writer that counts what `write`, which reports nothing, has no place for."""

    def write_and_count(documents: Iterable[Document], path: Path) -> Losses:
        losses: Losses = Counter()
        write(fit_all(documents, holds, losses), path)
        return losses

    return write_and_count


def _fit_entity(entity: Entity, text: str, holds: Holds, losses: Losses) -> Entity:
    if entity.score is not None and not holds.scores:
        losses[Loss.SCORE] += 1
        entity = replace(entity, score=None)
    concept = entity.concept
    if concept is not None and concept.score is not None and not holds.code_scores:
        losses[Loss.CODE_SCORE] += 1
        entity = replace(entity, concept=Concept(concept.code))
    if concept is not None and not holds.codes:
        losses[Loss.CODE] += 1
        entity = replace(entity, concept=None)
    if entity.fragments and not holds.fragments:
        losses[Loss.FRAGMENTS] += 1
        entity = replace(entity, fragments=(), text=entity.span.of(text))
    return entity
