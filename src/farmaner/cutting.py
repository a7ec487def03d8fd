"""Cutting: one text to the windows that one model reads, for annotating, training and teachers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farmaner.text import Lexicon, Pieces, PieceTokenizer, Words, split_sentences, split_words
from farmaner.windows import (
    SPECIAL_PIECES_PER_WINDOW,
    Batch,
    Context,
    Window,
    pack_windows,
    pad_batch,
    window_pieces,
)


@dataclass(frozen=True, slots=True, eq=False)
class CutWindow:
    """A window with its pieces: what an encoder reads, and where the window's words are in that.

    `piece_ids` is (pieces,), specials included, `word_pieces` (words,); `features` (pieces,) are
    what a lexicon says of each piece's word, None without one.
    """

    window: Window
    piece_ids: NDArray[np.int64]
    word_pieces: NDArray[np.int64]
    features: NDArray[np.int64] | None = None

    @property
    def kept(self) -> slice:
        """The words that the window answers for, among its own."""
        window = self.window
        return slice(window.keep_start - window.start, window.keep_end - window.start)


@dataclass(frozen=True, slots=True, eq=False)
class CutText:
    """A text's words, their pieces, and the windows they are read in."""

    words: Words
    pieces: Pieces
    windows: list[CutWindow]


@dataclass(frozen=True, slots=True, eq=False)
class Cutter:
    """Cuts texts into windows, as one model reads them."""

    tokenizer: PieceTokenizer
    max_pieces: int
    context: Context = "none"
    lexicon: Lexicon | None = None

    def cut(self, text: str) -> CutText:
        """Return the words, pieces and windows of `text`."""
        words = split_words(text)
        pieces = self.tokenizer.encode(text, words)
        features = self.lexicon.features(text, words) if self.lexicon is not None else None
        windows = pack_windows(
            split_sentences(text),
            words,
            pieces,
            max_pieces=self.max_pieces,
            context=self.context,
        )
        return CutText(words, pieces, [self._cut(one, pieces, features) for one in windows])

    def _cut(self, window: Window, pieces: Pieces, features: NDArray[np.int64] | None) -> CutWindow:
        ids, firsts = window_pieces(
            window, pieces, self.tokenizer.special, max_pieces=self.max_pieces
        )
        if features is None:
            return CutWindow(window, ids, firsts)
        place = slice(window.start, window.end)
        of_pieces = np.zeros_like(ids)
        inner = np.repeat(features[place], pieces.counts()[place])
        of_pieces[1:-1] = inner[: len(ids) - SPECIAL_PIECES_PER_WINDOW]
        return CutWindow(window, ids, firsts, of_pieces)


def batch_windows(windows: Sequence[CutWindow], pad: int) -> Batch:
    """Return the batch of windows that one cutter made."""
    features = [window.features for window in windows if window.features is not None]
    return pad_batch([window.piece_ids for window in windows], pad, features or None)
