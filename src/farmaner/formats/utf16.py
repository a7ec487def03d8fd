"""Offsets in UTF-16 code units, as JavaScript and Java count, and in code points, as we do."""

from __future__ import annotations

import re
from bisect import bisect_left

from farmaner.errors import OffsetError

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class Utf16Offsets:
    """Turns the offsets of one text into those of its UTF-16 form and back."""

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._astral = [match.start() for match in _ASTRAL.finditer(text)]
        self._units = [place + number for number, place in enumerate(self._astral)]

    def to_utf16(self, offset: int) -> int:
        """Return how many code units stand before the character at `offset`."""
        return offset + bisect_left(self._astral, offset)

    def to_code_points(self, offset: int) -> int:
        """Return the offset of the character that begins at that code unit.

        Raises OffsetError for an offset outside the text or inside a surrogate pair.
        """
        n_units = self._length + len(self._astral)
        if not 0 <= offset <= n_units:
            raise OffsetError(f"UTF-16 offset: expected 0 to {n_units}, found {offset}")
        n_before = bisect_left(self._units, offset)
        if n_before and self._units[n_before - 1] == offset - 1:
            raise OffsetError(f"UTF-16 offset: expected that of a whole character, found {offset}")
        return offset - n_before
