"""Entities in a spaCy Doc (extra `spacy`): one rule for its files and for its pipelines.

A spaCy span is made of whole tokens. An entity that begins or ends inside a token is widened to
the whole of it. All entities are in a span group, their labels, codes (`kb_id_`) and, among the
group's `attrs`, scores; `doc.ents`, which can hold no two that overlap, has the longest ones, of
equally long ones the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from farmaner.document import Entity, Span
from farmaner.errors import MissingExtraError
from farmaner.formats.losses import without_overlaps

GROUP = "farmaner"


@dataclass(frozen=True, slots=True)
class Placed:
    """How many entities were set, widened to whole tokens, and left out of `doc.ents`."""

    n_entities: int
    n_widened: int
    n_left_out: int


def spacy_library() -> Any:
    """Return the module `spacy`; MissingExtraError without it."""
    try:
        import spacy
        import spacy.tokens
    except ImportError:
        raise MissingExtraError("spacy", "spacy") from None
    return spacy


def set_entities(
    doc: Any,
    entities: Sequence[Entity],
    *,
    group: str | None = GROUP,
    ents: bool = True,
    overwrite: bool = False,
) -> Placed:
    """Set entities of a Doc's text as its span group `group` and, if `ents`, in `doc.ents`.

    Entities that `doc.ents` holds already stay, and one of ours that overlaps them is left out;
    with `overwrite` it takes their place.
    """
    tokens = spacy_library().tokens
    whole = [_over_tokens(doc, entity) for entity in entities]
    if group is not None:
        doc.spans[group] = tokens.SpanGroup(
            doc,
            name=group,
            attrs={
                "scores": [entity.score for entity in whole],
                "code_scores": [entity.concept and entity.concept.score for entity in whole],
            },
            spans=[_span(doc, entity) for entity in whole],
        )
    n_left_out = _set_ents(doc, whole, overwrite=overwrite) if ents else 0
    n_widened = sum(entity.span != wide.span for entity, wide in zip(entities, whole))
    return Placed(len(whole), n_widened, n_left_out)


def _over_tokens(doc: Any, entity: Entity) -> Entity:
    found = doc.char_span(entity.start, entity.end, alignment_mode="expand")
    span = Span(found.start_char, found.end_char)
    return entity if span == entity.span else replace(entity, span=span, text=span.of(doc.text))


def _span(doc: Any, entity: Entity) -> Any:
    code = "" if entity.concept is None else entity.concept.code
    return doc.char_span(
        entity.start, entity.end, label=entity.label, kb_id=code, alignment_mode="expand"
    )


def _set_ents(doc: Any, entities: Sequence[Entity], *, overwrite: bool) -> int:
    """Set what `doc.ents` can hold, and return how many entities it cannot."""
    earlier = list(doc.ents)
    taken = set() if overwrite else _places(earlier)
    free = [entity for entity in entities if taken.isdisjoint(range(entity.start, entity.end))]
    mine = [_span(doc, entity) for entity in without_overlaps(free)]
    replaced = _places(mine)
    kept = [span for span in earlier if replaced.isdisjoint(range(span.start_char, span.end_char))]
    doc.ents = kept + mine
    return len(entities) - len(mine)


def _places(spans: Iterable[Any]) -> set[int]:
    return {place for span in spans for place in range(span.start_char, span.end_char)}
