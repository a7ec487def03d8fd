"""Entities to word tags and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from farmaner.document import Entity
from farmaner.tagging.schemes import OUTSIDE, READING, Scheme
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
    outside = scheme.number(OUTSIDE)
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


def best_tags(logits: NDArray[np.float32], scheme: Scheme) -> NDArray[np.int64]:
    """Return the likeliest sequence of word tags that the scheme allows, (words,).

    `logits`, (words, tags), may be those of a temperature, or log probabilities: what is added to
    all of a word's, or multiplies them all, changes nothing. Where each word's best tag makes an
    allowed sequence, it is this; else it is found by dynamic programming (Viterbi, 1967).
    """
    best: NDArray[np.int64] = logits.argmax(axis=1)
    first, steps, last = _allowed(scheme)
    if not len(best) or (first[best[0]] and last[best[-1]] and steps[best[:-1], best[1:]].all()):
        return best
    forbidden = np.where(steps, 0.0, -np.inf)
    sums = logits[0] + np.where(first, 0.0, -np.inf)
    came_from = np.empty(logits.shape, dtype=np.int64)
    for word in range(1, len(logits)):
        paths = sums[:, None] + forbidden
        came_from[word] = paths.argmax(axis=0)
        sums = paths.max(axis=0) + logits[word]
    tags = np.empty_like(best)
    tags[-1] = (sums + np.where(last, 0.0, -np.inf)).argmax()
    for word in range(len(tags) - 1, 0, -1):
        tags[word - 1] = came_from[word, tags[word]]
    return tags


@lru_cache(maxsize=64)
def _allowed(scheme: Scheme) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which tags may stand first, (tags,); after which, (tags, tags); last, (tags,)."""
    tags = range(len(scheme.tags))
    first = np.array([scheme.allows(None, tag) for tag in tags])
    steps = np.array([[scheme.allows(before, after) for after in tags] for before in tags])
    last = np.array([scheme.allows(tag, None) for tag in tags])
    return first, steps, last
