"""Words: the smallest units that can carry a tag.

A word is a run of letters (with their combining marks), a run of digits, or one other visible
character. Letters apart from digits and every sign alone put a word boundary at both ends of all
but 5 of the 3,822 entities of the PharmaCoNER train split and of all 1,926 of dev. White space
alone would lose 37 and 41 % of the entities, white space with the signs at a word's ends split
off 3 and 4 %, every sign alone 8 and 2 entities (`benchmarks/word_boundaries.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farmaner.document import Span

MAX_WORD_LENGTH = 40
"""Longer runs are cut, so that no word outgrows a window; Spanish words stay well below it."""

_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_WORD = re.compile(
    rf"(?:[^\W\d_][{_MARKS}]*){{1,{MAX_WORD_LENGTH}}}"  # letters, each with its marks
    rf"|\d{{1,{MAX_WORD_LENGTH}}}"
    r"|\S"
)


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The words of one text as two arrays of offsets, `starts` and `ends`, each (words,)."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> Span:
        return Span(int(self.starts[index]), int(self.ends[index]))

    def __iter__(self) -> Iterator[Span]:
        return (Span(start, end) for start, end in self.pairs())

    def pairs(self) -> list[tuple[int, int]]:
        """Return (start, end) of every word as plain integers."""
        return list(zip(self.starts.tolist(), self.ends.tolist()))


def split_words(text: str) -> Words:
    """Return the words of `text`; every visible character belongs to exactly one."""
    pairs = [match.span() for match in _WORD.finditer(text)]
    bounds = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    return Words(bounds[:, 0], bounds[:, 1])
