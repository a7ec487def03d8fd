"""Whole-word masking: windows of unlabelled text, and what is hidden in them.

Words are masked whole, up to a share of the window's pieces; of the pieces of a masked word 80 %
become the mask piece, 10 % any piece, 10 % stay (Devlin et al. 2019, section 3.1; drawn once a
word, so that a word is hidden, replaced or left as one).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farmaner.tagging import IGNORED
from farmaner.text import PieceTokenizer, split_words
from farmaner.text.pieces import SpecialPieces
from farmaner.windows import SPECIAL_PIECES_PER_WINDOW

_HIDDEN, _REPLACED = 0.8, 0.9


@dataclass(frozen=True, slots=True, eq=False)
class PackedText:
    """All texts of one source, packed: pieces and the number of the word that each belongs to.

    `piece_ids` and `word_numbers` are (pieces,); windows are the slices [cuts[i], cuts[i + 1]).
    """

    piece_ids: NDArray[np.int32]
    word_numbers: NDArray[np.int32]
    cuts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.cuts) - 1


def pack_texts(texts: Iterable[str], tokenizer: PieceTokenizer, *, max_pieces: int) -> PackedText:
    """Return texts packed into windows of at most `max_pieces` pieces, specials included.

    Texts follow one another with an end piece between them; windows are cut between words and
    are as full as words allow. Only a word longer than a window is cut itself.
    """
    ids: list[NDArray[np.int32]] = []
    lengths: list[NDArray[np.int64]] = []
    end = np.asarray([tokenizer.special.sep], dtype=np.int32)
    for text in texts:
        words = split_words(text)
        if not len(words):
            continue
        pieces = tokenizer.encode(text, words)
        ids += [pieces.ids.astype(np.int32), end]
        lengths += [pieces.counts(), np.ones(1, dtype=np.int64)]
    if not ids:
        return PackedText(_NO_PIECES, _NO_PIECES, np.zeros(1, dtype=np.int64))
    counts = np.concatenate(lengths)
    numbers = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    return PackedText(np.concatenate(ids), numbers, _cuts(starts, max_pieces))


_NO_PIECES = np.empty(0, dtype=np.int32)


def _cuts(starts: NDArray[np.int64], max_pieces: int) -> NDArray[np.int64]:
    """Return where windows begin and end, given where words do."""
    capacity = max_pieces - SPECIAL_PIECES_PER_WINDOW
    cuts = [0]
    while cuts[-1] < starts[-1]:
        limit = cuts[-1] + capacity
        at_word = int(starts[np.searchsorted(starts, limit, side="right") - 1])
        cuts.append(at_word if at_word > cuts[-1] else min(limit, int(starts[-1])))
    return np.asarray(cuts, dtype=np.int64)


def mask_window(
    packed: PackedText,
    window: int,
    *,
    special: SpecialPieces,
    mask: int,
    share: float,
    random: np.random.Generator,
    vocabulary_size: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a window's pieces with words masked, specials added, and the targets; both (pieces,).

    At least one word is masked, then as many as `share` of the pieces holds.
    """
    place = slice(packed.cuts[window], packed.cuts[window + 1])
    inner = packed.piece_ids[place].astype(np.int64)
    words = packed.word_numbers[place] - packed.word_numbers[place.start]
    n_words = int(words[-1]) + 1
    order = random.permutation(n_words)
    taken = np.cumsum(np.bincount(words, minlength=n_words)[order])
    chosen = order[: max(1, int(np.searchsorted(taken, share * len(inner), side="right")))]
    fate = np.full(n_words, 2.0)
    fate[chosen] = random.random(len(chosen))
    of_piece = fate[words]
    masked = (of_piece <= 1) & (inner != special.sep)
    targets = np.where(masked, inner, IGNORED)
    anything = random.integers(0, vocabulary_size, len(inner))
    inner = np.where(masked & (of_piece < _HIDDEN), mask, inner)
    replaced = masked & (of_piece >= _HIDDEN) & (of_piece < _REPLACED)
    inner = np.where(replaced, anything, inner)
    return (
        np.concatenate([[special.cls], inner, [special.sep]]),
        np.concatenate([[IGNORED], targets, [IGNORED]]),
    )
