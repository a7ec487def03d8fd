"""Lexicon: known terms, and where a text's words spell one.

Terms and texts are compared word by word (`split_words`), each word in lower case and without its
accents, so that what separates words (a blank, several, a line end, nothing between a letter and
a digit) does not matter, and a sign, being a word, does. From left to right the longest term that
begins at a word is taken, and the search goes on behind it: matches do not overlap.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from farmaner.errors import FormatError
from farmaner.formats.files import read_text, write_text
from farmaner.text.words import Words, split_words

NAME_COLUMN, KIND_COLUMN = "name", "kind"


class Lexicon:
    """Terms of one or more folded words, each of a kind ("" where nothing else is said).

    A word in no term is 0, the first of a term of kind k (in their order) 2 k + 1, a later word
    2 k + 2.
    """

    def __init__(self, terms: Mapping[str, str]) -> None:
        self._terms = {term: kind for term, kind in terms.items() if term}
        self._kinds = {kind: number for number, kind in enumerate(sorted({*self._terms.values()}))}
        lengths: defaultdict[str, set[int]] = defaultdict(set)
        for term in self._terms:
            words = term.split(" ")
            lengths[words[0]].add(len(words))
        self._lengths = {first: sorted(of, reverse=True) for first, of in lengths.items()}

    def __len__(self) -> int:
        return len(self._terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lexicon) and self._terms == other._terms

    def __hash__(self) -> int:
        return hash(frozenset(self._terms.items()))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its terms, in their order."""
        return tuple(self._kinds)

    @property
    def n_features(self) -> int:
        """How many different things the lexicon can say of a word."""
        return 1 + 2 * len(self._kinds)

    @classmethod
    def of(cls, names: Iterable[str | tuple[str, str]]) -> Lexicon:
        """Return the lexicon of names as they are written, or of names with their kinds.

        Blank names are none; of a name in several kinds the first counts.
        """
        terms: dict[str, str] = {}
        for one in names:
            name, kind = (one, "") if isinstance(one, str) else one
            terms.setdefault(fold_name(name), kind)
        return cls(terms)

    @classmethod
    def read(cls, path: Path) -> Lexicon:
        """Read the file that `write` left."""
        lines = (line.partition("\t") for line in read_text(path).split("\n"))
        return cls({term: kind for term, _, kind in lines})

    def write(self, path: Path) -> None:
        """Write the folded terms, one a line in order, words apart, and behind a tab the kind."""
        lines = (f"{term}\t{kind}".rstrip("\t") for term, kind in sorted(self._terms.items()))
        write_text(path, "".join(f"{line}\n" for line in lines))

    def features(self, text: str, words: Words) -> NDArray[np.int64]:
        """Return what the lexicon says of each word of `text`, (words,)."""
        said = np.zeros(len(words), dtype=np.int64)
        for first, end, kind in self.find(text, words):
            number = self._kinds[kind]
            said[first] = 2 * number + 1
            said[first + 1 : end] = 2 * number + 2
        return said

    def find(self, text: str, words: Words) -> Iterator[tuple[int, int, str]]:
        """Yield the terms that words [first, end) of `text` spell, each as (first, end, kind)."""
        folded = fold_words(text, words)
        place = 0
        while place < len(folded):
            n_words = self._longest(folded, place)
            if n_words:
                end = place + n_words
                yield place, end, self._terms[" ".join(folded[place:end])]
            place += n_words or 1

    def _longest(self, folded: list[str], place: int) -> int:
        """Return how many words the longest term that begins at a word has, 0 for none."""
        for n_words in self._lengths.get(folded[place], ()):
            if " ".join(folded[place : place + n_words]) in self._terms:
                return n_words
        return 0


def fold_words(text: str, words: Words) -> list[str]:
    """Return the words of `text` in lower case and without accents."""
    return [fold_word(text[start:end]) for start, end in words.pairs()]


def fold_name(name: str) -> str:
    """Return a name as terms are compared: its folded words, blanks between."""
    return " ".join(fold_words(name, split_words(name)))


@lru_cache(maxsize=1 << 17)
def fold_word(word: str) -> str:
    """Return a word in lower case and without its combining marks, *ñ* as *n*."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFD", word.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def read_lexicon(path: Path) -> Lexicon:
    """Read a term list: one term a line, or of a `.tsv` file the columns `name` and `kind`.

    The column `kind` may be missing. Blank lines, repeated terms and, outside of `.tsv`, lines
    that begin with `#` count for nothing. Raises CorpusError for a file that cannot be opened,
    FormatError for one that is not UTF-8, lacks the column or holds no term.
    """
    lines = read_text(path).removeprefix("\ufeff").splitlines()
    lexicon = Lexicon.of(_rows(path, lines) if path.suffix == ".tsv" else _plain(lines))
    if not len(lexicon):
        raise FormatError(path, None, "at least one term", "none")
    return lexicon


def _plain(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if not line.lstrip().startswith("#")]


def _rows(path: Path, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    header = next(rows, [])
    if NAME_COLUMN not in header:
        found = ", ".join(header) or "an empty line"
        raise FormatError(path, 1, f"a header with the column {NAME_COLUMN}", found)
    name = header.index(NAME_COLUMN)
    kind = header.index(KIND_COLUMN) if KIND_COLUMN in header else None
    for row in rows:
        least = max(name, kind or 0) + 1
        if row and len(row) < least:
            raise FormatError(path, rows.line_num, f"at least {least} columns", str(len(row)))
        if row:
            yield row[name], "" if kind is None else row[kind].strip()
