"""Windows: what an encoder reads at once, and how their answers become one again.

Whole sentences are packed into windows of at most `max_pieces` pieces. A sentence that is too
long for one slides: consecutive windows overlap, and each word takes the answer of the window in
which it is most central, which is the one whose nearer edge is farther away (in pieces between
the word and the edge; on a tie, of the later window); so the cut lies in the middle of the
overlap. The parts that windows keep tile the words of the text: nothing is skipped, nothing is
truncated, nothing is answered twice.

With a context a window keeps less than it reads: whole sentences up to `CORE_SHARE` of a full
window, and around them, read again, words that other windows keep.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from farmaner.document import Span
from farmaner.errors import ConfigError
from farmaner.text.pieces import Pieces, SpecialPieces
from farmaner.text.words import Words

Context = Literal["none", "sentences", "document"]
"""What a window reads beside what it keeps: nothing, whole sentences, as many words as fit."""

SPECIAL_PIECES_PER_WINDOW = 2
"""One at the start, one at the end, as in BERT and RoBERTa alike."""

OVERLAP = 0.5
"""The share of a full window that two windows of one overlong sentence have in common."""

CORE_SHARE = 0.5
"""With a context, the share of a full window that its own sentences may take."""


@dataclass(frozen=True, slots=True)
class Window:
    """Words [start, end) of a text, of which [keep_start, keep_end) are answered from here."""

    start: int
    end: int
    keep_start: int
    keep_end: int


def pack_windows(
    sentences: Sequence[Span],
    words: Words,
    pieces: Pieces,
    *,
    max_pieces: int,
    context: Context = "none",
) -> list[Window]:
    """Return windows whose kept parts tile `words`, each of at most `max_pieces` pieces.

    `max_pieces` counts the two special pieces. Only a word that alone has more pieces than fit
    makes a larger window; `window_pieces` then cuts that word's own pieces, never another word.
    A text that fits is one window in every `context`; of a longer one, a sentence that is larger
    than `CORE_SHARE` of a window is kept alone, and one that does not fit slides without context.
    ConfigError for a `max_pieces` that leaves no room for a piece of text.
    """
    capacity = max_pieces - SPECIAL_PIECES_PER_WINDOW
    if capacity < 1:
        least = SPECIAL_PIECES_PER_WINDOW + 1
        raise ConfigError(f"max_pieces: expected at least {least}, found {max_pieces}")
    starts = pieces.starts
    edges = np.searchsorted(words.starts, [sentence.end for sentence in sentences]).tolist()
    if context == "none" or starts[-1] <= capacity:
        return _pack(edges, starts, capacity, capacity, lambda start, end: (start, end))
    bounds, ends = sorted({0, *edges}), starts.tolist()

    def widen(start: int, end: int) -> tuple[int, int]:
        if context == "document":
            return _surround(start, end, starts, capacity)
        return _add_sentences(start, end, bounds, ends, capacity)

    return _pack(edges, starts, max(1, int(capacity * CORE_SHARE)), capacity, widen)


def _pack(
    edges: Sequence[int],
    starts: NDArray[np.int64],
    core: int,
    capacity: int,
    widen: Callable[[int, int], tuple[int, int]],
) -> list[Window]:
    """Keep sentences, which end before the words `edges`, together while they fit in `core`.

    `widen` says what a window reads that keeps the words [start, end).
    """
    ends = starts.tolist()
    windows: list[Window] = []
    start = first = 0
    for edge in edges:
        if ends[edge] - ends[start] > core:
            if first > start:
                windows.append(Window(*widen(start, first), start, first))
                start = first
            if ends[edge] - ends[start] > capacity:
                windows.extend(_slide(start, edge, starts, capacity))
                start = edge
        first = edge
    if first > start:
        windows.append(Window(*widen(start, first), start, first))
    return windows


def _surround(start: int, end: int, starts: NDArray[np.int64], capacity: int) -> tuple[int, int]:
    """Widen words [start, end) to as many as fit, with as many pieces before as behind them.

    What the text does not have on one side is taken from the other.
    """
    room = capacity - int(starts[end] - starts[start])
    start = int(np.searchsorted(starts, starts[start] - room // 2))
    end = _last_word_within(starts, starts[start] + capacity)
    return int(np.searchsorted(starts, starts[end] - capacity)), end


def _add_sentences(
    start: int, end: int, bounds: Sequence[int], ends: Sequence[int], capacity: int
) -> tuple[int, int]:
    """Widen words [start, end) with whole sentences, one before and one behind them in turn.

    A side ends where the text does, and at a sentence that no longer fits; the other goes on.
    """

    def fits(first: int, last: int) -> bool:
        inside = first >= 0 and last < len(bounds)
        return inside and ends[bounds[last]] - ends[bounds[first]] <= capacity

    first, last = bisect_left(bounds, start), bisect_left(bounds, end)
    before = behind = True
    while before or behind:
        before = before and fits(first - 1, last)
        first -= before
        behind = behind and fits(first, last + 1)
        last += behind
    return bounds[first], bounds[last]


def _slide(start: int, end: int, starts: NDArray[np.int64], capacity: int) -> list[Window]:
    """Cover words [start, end) with full windows that overlap by about half."""
    bounds: list[tuple[int, int]] = []
    first = start
    while True:
        stop = max(first + 1, _last_word_within(starts, starts[first] + capacity))
        if stop >= end:
            # The last window reaches back as far as it can hold, so that it is as full as others.
            back = int(np.searchsorted(starts, starts[end] - capacity))
            bounds.append((min(first, max(start, back)), end))
            break
        bounds.append((first, stop))
        ahead = starts[first] + round(capacity * (1 - OVERLAP))
        first = min(stop, max(first + 1, int(np.searchsorted(starts, ahead))))
    centres = (starts[start:end] + starts[start + 1 : end + 1]) / 2
    keeps = [start]
    for (_, left_end), (right_start, _) in pairwise(bounds):
        middle = (starts[right_start] + starts[left_end]) / 2
        keeps.append(max(keeps[-1], start + int(np.searchsorted(centres, middle))))
    keeps.append(end)
    return [
        Window(first, stop, keep_start, keep_end)
        for (first, stop), keep_start, keep_end in zip(bounds, keeps, keeps[1:])
    ]


def _last_word_within(starts: NDArray[np.int64], limit: int) -> int:
    return int(np.searchsorted(starts, limit, side="right")) - 1


def window_pieces(
    window: Window, pieces: Pieces, special: SpecialPieces, *, max_pieces: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a window's piece ids with its two specials, and where each of its words begins.

    The second array is (words,): the index, in the first, of the first piece of each word.
    """
    first, last = pieces.starts[window.start], pieces.starts[window.end]
    inner = pieces.ids[first:last][: max_pieces - SPECIAL_PIECES_PER_WINDOW]
    ids = np.empty(len(inner) + SPECIAL_PIECES_PER_WINDOW, dtype=np.int64)
    ids[0], ids[1:-1], ids[-1] = special.cls, inner, special.sep
    return ids, pieces.starts[window.start : window.end] - first + 1


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Padded windows for one call of an encoder; all arrays are (windows, pieces).

    `features` are what a lexicon says of each piece's word, for a model that was fitted with one.
    """

    piece_ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    features: NDArray[np.int64] | None = None


def pad_batch(
    windows: Sequence[NDArray[np.int64]],
    pad: int,
    features: Sequence[NDArray[np.int64]] | None = None,
) -> Batch:
    """Pad piece ids of several windows on the right to the longest, and their features with 0."""
    longest = max(map(len, windows))
    piece_ids = np.full((len(windows), longest), pad, dtype=np.int64)
    mask = np.zeros((len(windows), longest), dtype=np.int64)
    padded = None if features is None else np.zeros_like(mask)
    for row, ids in enumerate(windows):
        piece_ids[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
        if padded is not None and features is not None:
            padded[row, : len(ids)] = features[row]
    return Batch(piece_ids, mask, padded)


def plan_batches(lengths: Sequence[int], *, max_batch_pieces: int) -> list[list[int]]:
    """Group windows of similar length so that no padded batch exceeds `max_batch_pieces`.

    Returns indices into `lengths`, longest windows first; a window longer than the budget goes
    alone. Ties keep their order, so the plan depends on the lengths only.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    batches: list[list[int]] = []
    for index in order:
        longest = lengths[batches[-1][0]] if batches else 0
        if batches and longest * (len(batches[-1]) + 1) <= max_batch_pieces:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches
