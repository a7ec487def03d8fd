"""Names that are nearly those of a terminology: found by trigrams, judged by edit distance."""

from __future__ import annotations

from collections import Counter

from rapidfuzz.distance import OSA

from farmaner.linking.terminology import Terminology, search_words

MIN_WORD = 5
"""Letters of the shortest word in which an error is forgiven."""

_MAX_SEARCHED_WORDS = 3
_MAX_TERMS = 400


def allowed_edits(word: str) -> int:
    """Return how many edits are forgiven in a word: none in short ones and in numbers."""
    if word.isdigit() or len(word) < MIN_WORD:
        return 0
    return 1 if len(word) < 8 else 2 if len(word) < 12 else 3


def similar_terms(terminology: Terminology, name: str) -> list[tuple[int, float]]:
    """Return (term, similarity) of the terms whose words are nearly those of `name`, best first.

    Words are compared one by one: numbers and words of fewer than five letters must be equal,
    longer ones may differ by 1, 2 or 3 edits (from 5, 8, 12 letters on). Words may be split or
    joined. Similarity is 1 less the edits' share of the longer name's length.
    """
    words = search_words(name)
    anchors = sorted({word for word in words if len(word) >= MIN_WORD}, key=len, reverse=True)
    found: dict[int, float] = {}
    for anchor in anchors[:_MAX_SEARCHED_WORDS]:
        edits = allowed_edits(anchor)
        for word in terminology.words.similar(anchor):
            if OSA.distance(anchor, terminology.words[word], score_cutoff=edits) > edits:
                continue
            for term in terminology.words.terms(word)[:_MAX_TERMS].tolist():
                if term not in found:
                    found[term] = similarity(words, search_words(terminology.text(term)))
    ranked = [(term, value) for term, value in found.items() if value > 0]
    return sorted(ranked, key=lambda pair: (-pair[1], pair[0]))


def similarity(words: list[str], others: list[str]) -> float:
    """Return how near two names are, from 0 (too far) to 1 (the same words)."""
    left, right = Counter(words) - Counter(others), Counter(others) - Counter(words)
    mine = [word for word in words if word in left]
    theirs = [word for word in others if word in right]
    length = max(sum(map(len, words)), sum(map(len, others)), 1)
    if not mine and not theirs:
        return 1.0
    pairs = list(zip(mine, theirs, strict=False))
    if len(mine) != len(theirs):
        pairs = [("".join(mine), "".join(theirs))]
    edits = 0
    for one, other in pairs:
        limit = min(allowed_edits(one), allowed_edits(other))
        distance = OSA.distance(one, other, score_cutoff=limit)
        if distance > limit:
            return 0.0
        edits += distance
    return 1.0 - edits / length
