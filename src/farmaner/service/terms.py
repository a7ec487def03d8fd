"""The name of each code: the terminology's own that is annotated most often."""

from __future__ import annotations

from farmaner.linking import NULL, Terminology
from farmaner.linking.synonyms import KNOWN
from farmaner.linking.terms import UNCODED


class Terms:
    """The names of codes; None where the terminology names none."""

    def __init__(self, terminology: Terminology) -> None:
        best: dict[str, tuple[bool, int, int]] = {}
        names: dict[str, str] = {}
        for term in terminology:
            if term.code in (NULL, UNCODED):
                continue
            # A name that a source gives goes before one that was derived; then the frequent one.
            rank = not term.source.startswith(KNOWN), term.count, -len(term.text)
            if term.code not in best or rank > best[term.code]:
                best[term.code], names[term.code] = rank, term.text
        self._names = names

    def of(self, code: str | None) -> str | None:
        """Return the name of a code."""
        return None if code is None else self._names.get(code)
