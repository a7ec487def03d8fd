"""Terminology: names with codes, compiled into one file that is mapped into memory."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farmaner.errors import ConfigError
from farmaner.linking import compiled
from farmaner.linking.compiled import Arrays
from farmaner.linking.normalize import KEYS, Level, split_key_words
from farmaner.linking.terms import Term

MAX_WORD = 40
"""Characters of an indexed word; the rest of a longer one is not searched."""


class Terminology:
    """Terms with codes: looked up by key in microseconds, searched by words, listed in order.

    Immutable and safe to share between threads; `load` maps a file and reads almost nothing.
    """

    def __init__(self, arrays: Arrays, place: str = "<terminology>") -> None:
        self.meta: Mapping[str, Any] = arrays.meta
        self.place = place
        a = arrays.arrays
        self._texts, self._text_at = _blob(a["texts"]), a["text_at"]
        self._codes, self._code_at = _blob(a["codes"]), a["code_at"]
        self._term_code, self._term_label = a["term_code"], a["term_label"]
        self._term_count, self._term_source = a["term_count"], a["term_source"]
        self._hashes, self._hash_terms = a["hashes"], a["hash_terms"]
        self.words = WordIndex(a)
        self._labels: list[str] = list(arrays.meta["labels"])
        self._sources: list[str] = list(arrays.meta["sources"])

    @classmethod
    def load(cls, path: Path | str) -> Terminology:
        """Map a compiled file; FormatError where it is none."""
        return cls(compiled.map_file(path), str(path))

    @classmethod
    def of(cls, terms: Iterable[Term], meta: Mapping[str, Any] | None = None) -> Terminology:
        """Compile terms in memory."""
        return cls(compiled.unpack(compile_terms(terms, meta)))

    def __len__(self) -> int:
        return len(self._term_code)

    def __getitem__(self, index: int) -> Term:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return Term(
            self.text(index),
            self.code(index),
            self._labels[self._term_label[index]],
            int(self._term_count[index]),
            self._sources[self._term_source[index]],
        )

    def __iter__(self) -> Iterator[Term]:
        return (self[index] for index in range(len(self)))

    @property
    def n_codes(self) -> int:
        """How many different codes the terms carry."""
        return len(self._code_at) - 1

    def text(self, index: int) -> str:
        """Return a term's text."""
        return _slice(self._texts, self._text_at, index)

    def code(self, index: int) -> str:
        """Return a term's code."""
        return _slice(self._codes, self._code_at, int(self._term_code[index]))

    def source(self, index: int) -> str:
        """Return where a term comes from."""
        return self._sources[int(self._term_source[index])]

    def lookup(self, name: str, level: Level = "plain") -> list[int]:
        """Return the indices of the terms whose key at a level is that of `name`."""
        key = KEYS[level](name)
        return self.lookup_key(key, level) if key else []

    def lookup_key(self, key: str, level: Level) -> list[int]:
        """Return the indices of the terms with this key at a level, in order."""
        wanted = np.uint64(_hash(level, key))
        start = int(np.searchsorted(self._hashes, wanted))
        end = start
        while end < len(self._hashes) and self._hashes[end] == wanted:
            end += 1
        return [int(index) for index in self._hash_terms[start:end]]


class WordIndex:
    """The words of all terms, sorted; the terms of each word, and the words of each trigram."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._words, self._at = _blob(arrays["words"]), arrays["word_at"]
        self._terms, self._terms_at = arrays["word_terms"], arrays["word_terms_at"]
        self._grams, self._grams_at = arrays["grams"], arrays["grams_at"]
        self._gram_words = arrays["gram_words"]

    def __len__(self) -> int:
        return len(self._at) - 1

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return _slice(self._words, self._at, index)

    def terms(self, word: int) -> NDArray[np.uint32]:
        """Return the indices of the terms that hold a word, ascending."""
        return self._terms[int(self._terms_at[word]) : int(self._terms_at[word + 1])]

    def starting_with(self, prefix: str) -> range:
        """Return the indices of the words that begin with `prefix`."""
        return range(bisect_left(self, prefix), bisect_left(self, prefix + "\U0010ffff"))

    def find(self, word: str) -> int | None:
        """Return the index of a word, None where no term holds it."""
        at = bisect_left(self, word)
        return at if at < len(self) and self[at] == word else None

    def similar(self, word: str, *, limit: int = 50, min_shared: float = 0.34) -> list[int]:
        """Return words that share trigrams with `word`, those with most in common first.

        `min_shared` is the least share of the word's own trigrams.
        """
        grams = np.array(sorted(_grams(word)), dtype=np.uint32)
        at = np.searchsorted(self._grams, grams)
        runs = [
            self._gram_words[int(self._grams_at[i]) : int(self._grams_at[i + 1])]
            for i, gram in zip(at.tolist(), grams)
            if i < len(self._grams) and self._grams[i] == gram
        ]
        if not runs:
            return []
        words, shared = np.unique(np.concatenate(runs), return_counts=True)
        kept = shared >= max(1.0, min_shared * len(grams))
        words, shared = words[kept], shared[kept]
        return [int(words[i]) for i in np.argsort(-shared, kind="stable")[:limit]]


def compile_terms(terms: Iterable[Term], meta: Mapping[str, Any] | None = None) -> bytes:
    """Return the bytes of a compiled terminology.

    Equal terms are merged and their counts added; `meta` is kept as it is and must be JSON.
    ConfigError where a term has no text.
    """
    merged: Counter[tuple[str, str, str, str]] = Counter()
    for term in terms:
        if not term.text.strip():
            raise ConfigError("terminology: expected terms with a text, found an empty one")
        merged[term.text, term.code, term.label, term.source] += term.count
    texts = [key[0] for key in merged]
    codes, code_of = _numbered(key[1] for key in merged)
    labels, label_of = _numbered(key[2] for key in merged)
    sources, source_of = _numbered(key[3] for key in merged)
    arrays: dict[str, NDArray[Any]] = {
        **_strings("texts", "text_at", texts),
        **_strings("codes", "code_at", codes),
        "term_code": np.array(code_of, dtype=np.uint32),
        "term_label": np.array(label_of, dtype=np.uint8),
        "term_source": np.array(source_of, dtype=np.uint8),
        "term_count": np.array(list(merged.values()), dtype=np.uint32),
        **_key_arrays(texts),
        **_word_arrays(texts),
    }
    facts = {**(meta or {}), "labels": labels, "sources": sources, "n_terms": len(texts)}
    return compiled.pack(arrays, facts)


def _key_arrays(texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    hashes: list[int] = []
    indices: list[int] = []
    for level, key_of in KEYS.items():
        for index, text in enumerate(texts):
            key = key_of(text)
            if key:
                hashes.append(_hash(level, key))
                indices.append(index)
    all_hashes, all_indices = np.array(hashes, np.uint64), np.array(indices, np.uint32)
    order = np.lexsort((all_indices, all_hashes))
    return {"hashes": all_hashes[order], "hash_terms": all_indices[order]}


def _word_arrays(texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    numbers: dict[str, int] = {}
    pairs_of = [
        (numbers.setdefault(word, len(numbers)), index)
        for index, text in enumerate(texts)
        for word in dict.fromkeys(search_words(text))
    ]
    words = sorted(numbers)
    rank = np.empty(len(words), dtype=np.int64)
    for position, word in enumerate(words):
        rank[numbers[word]] = position
    pairs = np.array(pairs_of, dtype=np.int64).reshape(-1, 2)
    terms_at, word_terms = _grouped(rank[pairs[:, 0]], pairs[:, 1], len(words))
    grams = [(gram, i) for i, word in enumerate(words) for gram in _grams(word)]
    table = np.array(grams, dtype=np.int64).reshape(-1, 2)
    known, inverse = np.unique(table[:, 0], return_inverse=True)
    grams_at, gram_words = _grouped(inverse.reshape(-1), table[:, 1], len(known))
    return {
        **_strings("words", "word_at", words),
        "word_terms": word_terms,
        "word_terms_at": terms_at,
        "grams": known.astype(np.uint32),
        "grams_at": grams_at,
        "gram_words": gram_words,
    }


def search_words(text: str) -> list[str]:
    """Return the words by which a term is searched: folded runs of letters, runs of digits."""
    return [word[:MAX_WORD] for word in split_key_words(text)]


def _grouped(
    groups: NDArray[np.int64], values: NDArray[np.int64], n_groups: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return where each group begins in the values sorted by group, (groups + 1,), and these."""
    order = np.lexsort((values, groups))
    starts = np.searchsorted(groups[order], np.arange(n_groups + 1))
    return starts.astype(np.uint32), values[order].astype(np.uint32)


def _grams(word: str) -> set[int]:
    """Return the trigrams of a folded word, padded, each packed into 24 bits."""
    padded = f"^{word}$"
    return {
        ord(a) % 256 << 16 | ord(b) % 256 << 8 | ord(c) % 256
        for a, b, c in zip(padded, padded[1:], padded[2:])
    }


def _hash(level: Level, key: str) -> int:
    data = f"{level[0]}:{key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def _numbered(values: Iterable[str]) -> tuple[list[str], list[int]]:
    numbers: dict[str, int] = {}
    indices = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), indices


def _strings(name: str, at: str, strings: Sequence[str]) -> dict[str, NDArray[Any]]:
    encoded = [string.encode("utf-8", "surrogatepass") for string in strings]
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.uint32)
    return {name: np.frombuffer(b"".join(encoded), np.uint8), at: ends}


def _blob(array: NDArray[Any]) -> memoryview:
    return array.data


def _slice(blob: memoryview, at: NDArray[Any], index: int) -> str:
    return bytes(blob[int(at[index]) : int(at[index + 1])]).decode("utf-8", "surrogatepass")
