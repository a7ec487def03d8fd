"""Entities to word tags and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from farmaner.document import Entity
from farmaner.tagging.schemes import READING, Scheme
from farmaner.text.words import Words


@dataclass(frozen=True, slots=True)
class Encoded:
    """The tags of a document's words, and the entities that the tags cannot express exactly.

    `widened` entities begin or end inside a word and were tagged over the whole of it;
    `dropped` ones got no tag: discontinuous, without a word, or overlapping an earlier entity.
    """

    tags: list[int]
    widened: tuple[Entity, ...]
    dropped: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class TaggedEntity:
    """Words [start, end) that were read as one entity of `label`."""

    start: int
    end: int
    label: str


def encode_entities(entities: Iterable[Entity], words: Words, scheme: Scheme) -> Encoded:
    """Return one tag a word; entities whose label the scheme does not have are left out."""
    outside = scheme.number("O")
    tags = [outside] * len(words)
    taken = [False] * len(words)
    widened: list[Entity] = []
    dropped: list[Entity] = []
    for entity in sorted(entities, key=lambda entity: (entity.start, -entity.end)):
        if entity.label not in scheme.labels:
            continue
        first = int(np.searchsorted(words.ends, entity.start, side="right"))
        last = int(np.searchsorted(words.starts, entity.end, side="left"))
        if entity.discontinuous or first >= last or any(taken[first:last]):
            dropped.append(entity)
            continue
        if (words.starts[first], words.ends[last - 1]) != (entity.start, entity.end):
            widened.append(entity)
        taken[first:last] = [True] * (last - first)
        tags[first:last] = scheme.entity_tags(entity.label, last - first)
    return Encoded(tags, tuple(widened), tuple(dropped))


def decode_tags(tags: Sequence[int], scheme: Scheme) -> list[TaggedEntity]:
    """Return the entities that a sequence of word tags spells, by the table `READING`.

    Any sequence can be read. The entities are in order and do not overlap.
    """
    parts = [scheme.split(number) for number in range(len(scheme.tags))]
    entities: list[TaggedEntity] = []
    start, open_label = 0, ""
    for index, number in enumerate(tags):
        prefix, label = parts[number]
        if prefix == "O" and not open_label:
            continue
        state = "none" if not open_label else "same" if label == open_label else "other"
        action = READING[prefix, state]
        if action == "continue":
            continue
        if open_label:
            entities.append(TaggedEntity(start, index + (action == "end"), open_label))
        if action == "whole":
            entities.append(TaggedEntity(index, index + 1, label))
        start, open_label = index, label if action == "open" else ""
    if open_label:
        entities.append(TaggedEntity(start, len(tags), open_label))
    return entities
