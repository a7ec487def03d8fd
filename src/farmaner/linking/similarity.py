"""How near two names are, stem by stem."""

from __future__ import annotations

from collections import Counter

from rapidfuzz.distance import OSA

MIN_WORD = 5
"""Letters of the shortest word in which an error is forgiven."""


def allowed_edits(word: str) -> int:
    """Return how many edits are forgiven in a stem: none in short ones and in numbers."""
    if word.isdigit() or len(word) < MIN_WORD:
        return 0
    return 1 if len(word) < 9 else 2


def similarity(stems: tuple[str, ...], others: tuple[str, ...]) -> float:
    """Return how near two names are by their stems, from 0 (too far) to 1 (the same stems)."""
    left, right = Counter(stems) - Counter(others), Counter(others) - Counter(stems)
    mine = [word for word in stems if word in left]
    theirs = [word for word in others if word in right]
    if len(mine) != len(theirs):
        mine, theirs = ["".join(mine)], ["".join(theirs)]
    edits = 0
    for one, other in zip(mine, theirs):
        limit = min(allowed_edits(one), allowed_edits(other))
        distance = OSA.distance(one, other, score_cutoff=limit)
        if distance > limit or one[0] != other[0]:
            return 0.0
        edits += distance
    return 1.0 - edits / max(sum(map(len, stems)), sum(map(len, others)), 1)
