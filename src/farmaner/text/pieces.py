"""Pieces: the subwords that an encoder reads, made word by word.

Each word goes to the tokenizer on its own, with one space before it where white space (or the
start of the text) precedes it. So no piece ever spans two words, every entity boundary that falls
on words falls on pieces, and whatever the tokenizer's normalizer does to the characters, the
offsets are the words' own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from farmaner.errors import ModelError
from farmaner.text.words import Words

_CACHED_WORDS = 200_000
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The pieces of one text's words.

    `ids` is (pieces,); word `i` has the pieces `starts[i]` to `starts[i + 1]`, at least one.
    """

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]

    def counts(self) -> NDArray[np.int64]:
        """Return the number of pieces of each word, (words,)."""
        return np.diff(self.starts)


@dataclass(frozen=True, slots=True)
class SpecialPieces:
    """The ids of the pieces that stand for no text: start, end, padding, unknown."""

    cls: int
    sep: int
    pad: int
    unk: int


class PieceTokenizer:
    """Turns words into pieces, through a fast tokenizer of the `tokenizers` library."""

    def __init__(self, tokenizer: Tokenizer, special: SpecialPieces) -> None:
        self.special = special
        self._tokenizer = _word_by_word(tokenizer)
        self._cache: dict[str, list[int]] = {}

    @classmethod
    def from_file(cls, path: Path, special: SpecialPieces) -> PieceTokenizer:
        """Read a `tokenizer.json`; ModelError if it is not one."""
        try:
            return cls(Tokenizer.from_file(str(path)), special)
        except Exception as error:  # the library raises bare Exception for every bad file
            raise ModelError(
                f"{path}: expected a tokenizer.json that the tokenizers library reads, "
                f"found one that it refuses ({type(error).__name__})"
            ) from error

    def encode(self, text: str, words: Words) -> Pieces:
        """Return the pieces of `words` of `text`."""
        cache = self._cache
        keys = [
            (" " if start == 0 or text[start - 1].isspace() else "") + text[start:end]
            for start, end in words.pairs()
        ]
        unknown = [key for key in dict.fromkeys(keys) if key not in cache]
        if unknown:
            if len(cache) + len(unknown) > _CACHED_WORDS:
                cache.clear()
                unknown = list(dict.fromkeys(keys))
            # Half an emoji, as JSON can hold it, is no text to the tokenizer; an unknown sign is.
            readable = [_LONE_SURROGATE.sub("\ufffd", key) for key in unknown]
            for key, encoding in zip(
                unknown, self._tokenizer.encode_batch_fast(readable, add_special_tokens=False)
            ):
                cache[key] = encoding.ids or [self.special.unk]
        per_word = [cache[key] for key in keys]
        starts = np.zeros(len(keys) + 1, dtype=np.int64)
        np.cumsum([len(ids) for ids in per_word], out=starts[1:])
        flat = [piece for ids in per_word for piece in ids]
        return Pieces(np.asarray(flat, dtype=np.int64), starts)


def _word_by_word(tokenizer: Tokenizer) -> Tokenizer:
    """Return a copy that reads one word, led by a space or not, as it stands.

    Whatever adds or strips spaces by itself is taken out: XLM-R's WhitespaceSplit, the prefix
    spaces of Metaspace and ByteLevel, DeBERTa's Strip. Truncation and padding are switched off.
    """
    rules: dict[str, Any] = json.loads(tokenizer.to_str())
    rules["truncation"] = rules["padding"] = None
    rules["normalizer"] = _without(rules["normalizer"], {"Strip"}, "normalizers")
    before = rules["pre_tokenizer"]
    if "Metaspace" in json.dumps(before) or "ByteLevel" in json.dumps(before):
        before = _without(before, {"WhitespaceSplit", "Whitespace"}, "pretokenizers")
    for part in _parts(before, "pretokenizers"):
        if part["type"] == "Metaspace":
            part["prepend_scheme"] = "never"
        elif part["type"] == "ByteLevel":
            part["add_prefix_space"] = False
    rules["pre_tokenizer"] = before
    return Tokenizer.from_str(json.dumps(rules))


def _parts(rule: dict[str, Any] | None, key: str) -> list[dict[str, Any]]:
    if rule is None:
        return []
    return list(rule[key]) if rule["type"] == "Sequence" else [rule]


def _without(rule: dict[str, Any] | None, types: set[str], key: str) -> dict[str, Any] | None:
    kept = [part for part in _parts(rule, key) if part["type"] not in types]
    return {"type": "Sequence", key: kept} if kept else None
