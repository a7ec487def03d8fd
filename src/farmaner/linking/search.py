"""Search: the terms that hold all the words asked for, the nearest first."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from farmaner.linking.normalize import plain_key
from farmaner.linking.similarity import MIN_WORD
from farmaner.linking.terminology import Terminology, search_words
from farmaner.linking.terms import UNCODED, Term

_MAX_WORDS = 2000
_MAX_JUDGED = 20_000
_NEAR = 0.5
"""What a word that is nearly one of the words asked for is worth, one that begins so being 1."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A term found, and how much of it was asked for: 1.0 where the whole name was."""

    term: Term
    score: float


def search(terminology: Terminology, query: str, *, limit: int = 10) -> list[Hit]:
    """Return the terms with a word for each of the query's: `amoxi clav` finds both.

    A word fits if it begins with the one asked for or, where none does, is nearly it (one edit
    from five letters on). Often annotated terms come a little earlier. Terms without a code are
    left out; of equal terms the first is shown. Empty where nothing fits or nothing was asked.
    """
    words = search_words(query)
    scores: dict[int, float] = {}
    common: NDArray[np.uint32] | None = None
    near = False
    for word in dict.fromkeys(words):
        fitting, exact = _fitting(terminology, word)
        near = near or not exact
        parts = [terminology.words.terms(index) for index in fitting]
        terms = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint32)
        common = terms if common is None else np.intersect1d(common, terms, assume_unique=True)
    if common is None or not len(common):
        return []
    asked = sum(map(len, words))
    for index in common[:_MAX_JUDGED].tolist():
        length = sum(map(len, search_words(terminology.text(index))))
        scores[index] = min(1.0, asked / max(length, 1)) * (_NEAR if near else 1.0)
    return _hits(terminology, scores, limit)


def _hits(terminology: Terminology, scores: dict[int, float], limit: int) -> list[Hit]:
    hits: dict[tuple[str, str], Hit] = {}

    def rank(index: int) -> tuple[float, int]:
        return -scores[index] - 0.05 * math.log1p(terminology[index].count), index

    for index in sorted(scores, key=rank):
        term = terminology[index]
        if term.code != UNCODED:
            hits.setdefault((plain_key(term.text), term.code), Hit(term, scores[index]))
        if len(hits) == limit:
            break
    return list(hits.values())


def _fitting(terminology: Terminology, word: str) -> tuple[list[int], bool]:
    """Return the words that fit one asked for, and whether they begin with it."""
    starting = terminology.words.starting_with(word)
    if starting:
        return list(starting)[:_MAX_WORDS], True
    if len(word) < MIN_WORD:
        return [], True
    similar = terminology.words.similar(word)
    return [i for i in similar if OSA.distance(word, terminology.words[i]) <= 1], False
