"""Names that are nearly those of a terminology: found by trigrams, judged by edit distance."""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz.distance import OSA

from farmaner.linking.normalize import core_stems
from farmaner.linking.similarity import MIN_WORD, similarity
from farmaner.linking.terminology import Terminology, search_words

_MAX_SEARCHED_WORDS = 3
_MAX_TERMS = 400
_SEARCH_EDITS = 3


def similar_terms(terminology: Terminology, name: str) -> list[tuple[int, float]]:
    """Return (term, similarity) of the terms whose words are nearly those of `name`, best first.

    Stems are compared one by one, in order: numbers and stems of fewer than five letters must be
    equal, longer ones may differ by one edit, from nine letters on by two, but not in the first
    letter. Similarity is 1 less the edits' share of the longer name's length.
    """
    words = {word for word in search_words(name) if len(word) >= MIN_WORD}
    stems = tuple(core_stems(name))
    found: dict[int, float] = {}
    for anchor in sorted(words, key=len, reverse=True)[:_MAX_SEARCHED_WORDS]:
        for word in terminology.words.similar(anchor):
            other = terminology.words[word]
            if OSA.distance(anchor, other, score_cutoff=_SEARCH_EDITS) > _SEARCH_EDITS:
                continue
            for term in terminology.words.terms(word)[:_MAX_TERMS].tolist():
                if term not in found:
                    found[term] = similarity(stems, _stems(terminology.text(term)))
    ranked = [(term, value) for term, value in found.items() if value > 0]
    return sorted(ranked, key=lambda pair: (-pair[1], pair[0]))


@lru_cache(maxsize=65536)
def _stems(text: str) -> tuple[str, ...]:
    return tuple(core_stems(text))
