"""Windows: what they keep tiles the words, and each word is answered where it is most central."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmaner.document import Span
from farmaner.errors import ConfigError
from farmaner.text import Pieces, Words
from farmaner.text.pieces import SpecialPieces
from farmaner.windows import (
    SPECIAL_PIECES_PER_WINDOW,
    Context,
    Window,
    pack_windows,
    pad_batch,
    plan_batches,
    window_pieces,
)

SPECIAL = SpecialPieces(cls=101, sep=102, pad=0, unk=100)


@dataclass(frozen=True)
class Case:
    """A text of one-letter words between spaces: pieces a word, words a sentence."""

    counts: list[int]
    sentence_lengths: list[int]

    @property
    def words(self) -> Words:
        starts = np.arange(len(self.counts), dtype=np.int64) * 2
        return Words(starts, starts + 1)

    @property
    def pieces(self) -> Pieces:
        starts = np.cumsum([0, *self.counts], dtype=np.int64)
        return Pieces(np.arange(1000, 1000 + starts[-1], dtype=np.int64), starts)

    @property
    def sentences(self) -> list[Span]:
        edges = np.cumsum([0, *self.sentence_lengths]).tolist()
        return [Span(start * 2, end * 2) for start, end in pairwise(edges)]

    def pack(self, max_pieces: int, context: Context = "none") -> list[Window]:
        return pack_windows(
            self.sentences, self.words, self.pieces, max_pieces=max_pieces, context=context
        )

    def size(self, window: Window) -> int:
        return sum(self.counts[window.start : window.end]) + SPECIAL_PIECES_PER_WINDOW


@st.composite
def cases(draw: st.DrawFn) -> Case:
    lengths = draw(st.lists(st.integers(1, 40), max_size=8))
    n_words = sum(lengths)
    counts = draw(st.lists(st.integers(1, 9), min_size=n_words, max_size=n_words))
    return Case(counts, lengths)


contexts: st.SearchStrategy[Context] = st.sampled_from(["none", "sentences", "document"])
sizes = st.one_of(st.integers(3, 12), st.integers(13, 130))


def test_whole_sentences_are_packed_while_they_fit() -> None:
    case = Case([1] * 12, [3, 3, 3, 3])

    assert case.pack(8) == [Window(0, 6, 0, 6), Window(6, 12, 6, 12)]
    assert case.pack(7) == [
        Window(0, 3, 0, 3),
        Window(3, 6, 3, 6),
        Window(6, 9, 6, 9),
        Window(9, 12, 9, 12),
    ]
    assert case.pack(14) == [Window(0, 12, 0, 12)]


def test_an_overlong_sentence_slides_by_half_and_is_cut_in_the_middle_of_the_overlap() -> None:
    assert Case([1] * 16, [16]).pack(10) == [
        Window(0, 8, 0, 6),
        Window(4, 12, 6, 10),
        Window(8, 16, 10, 16),
    ]


def test_the_last_window_of_an_overlong_sentence_reaches_back_to_be_full() -> None:
    assert Case([1] * 13, [13]).pack(10) == [
        Window(0, 8, 0, 6),
        Window(4, 12, 6, 8),
        Window(5, 13, 8, 13),
    ]


def test_short_sentences_beside_an_overlong_one_stay_whole() -> None:
    assert Case([1] * 16, [2, 12, 2]).pack(10) == [
        Window(0, 2, 0, 2),
        Window(2, 10, 2, 8),
        Window(6, 14, 8, 14),
        Window(14, 16, 14, 16),
    ]


def test_a_word_with_more_pieces_than_fit_has_a_window_of_its_own() -> None:
    assert Case([1, 1, 9, 1, 1], [5]).pack(6) == [
        Window(0, 2, 0, 2),
        Window(2, 3, 2, 3),
        Window(3, 5, 3, 5),
    ]


def test_a_text_without_words_has_no_windows() -> None:
    nothing = Case([], [])

    assert nothing.pack(8) == []
    assert pack_windows([Span(0, 3)], nothing.words, nothing.pieces, max_pieces=8) == []


@pytest.mark.parametrize("max_pieces", [2, 1, 0, -5])
def test_a_window_without_room_for_text_is_refused(max_pieces: int) -> None:
    with pytest.raises(ConfigError, match=f"max_pieces: expected at least 3, found {max_pieces}"):
        Case([1], [1]).pack(max_pieces)


def test_with_sentences_half_a_window_is_kept_and_whole_neighbours_are_read_in_turn() -> None:
    case = Case([1] * 18, [3, 3, 3, 3, 3, 3])

    assert case.pack(14, "sentences") == [
        Window(0, 12, 0, 6),
        Window(3, 15, 6, 12),
        Window(6, 18, 12, 18),
    ]
    assert case.pack(13, "sentences") == [  # core 5: one sentence, and room for two more
        Window(0, 9, 0, 3),
        Window(0, 9, 3, 6),
        Window(3, 12, 6, 9),
        Window(6, 15, 9, 12),
        Window(9, 18, 12, 15),
        Window(9, 18, 15, 18),
    ]


def test_a_neighbour_that_does_not_fit_closes_its_side_alone() -> None:
    case = Case([1] * 20, [2, 9, 3, 2, 2, 2])

    assert Window(11, 20, 11, 16) in case.pack(12, "sentences")


def test_with_the_document_a_window_is_filled_on_both_sides_whatever_the_sentences() -> None:
    case = Case([1] * 24, [6, 6, 6, 6])

    assert case.pack(14, "document") == [
        Window(0, 12, 0, 6),
        Window(3, 15, 6, 12),
        Window(9, 21, 12, 18),
        Window(12, 24, 18, 24),
    ]


@pytest.mark.parametrize("context", ["none", "sentences", "document"])
def test_a_text_that_fits_is_one_window_in_every_context(context: Context) -> None:
    assert Case([1] * 12, [3, 3, 3, 3]).pack(14, context) == [Window(0, 12, 0, 12)]


@pytest.mark.parametrize("context", ["sentences", "document"])
def test_a_sentence_of_more_than_half_a_window_is_kept_whole_and_one_of_more_slides(
    context: Context,
) -> None:
    case = Case([1] * 25, [7, 2, 16])
    windows = case.pack(10, context)

    assert windows[0].keep_end == 7
    assert windows[-3:] == [
        Window(9 + 0, 9 + 8, 9 + 0, 9 + 6),
        Window(9 + 4, 9 + 12, 9 + 6, 9 + 10),
        Window(9 + 8, 9 + 16, 9 + 10, 9 + 16),
    ]


@given(case=cases(), max_pieces=sizes, context=contexts)
def test_a_context_never_leaves_room_that_its_rule_could_fill(
    case: Case, max_pieces: int, context: Context
) -> None:
    n_words, capacity = len(case.counts), max_pieces - SPECIAL_PIECES_PER_WINDOW
    edges = np.cumsum([0, *case.sentence_lengths]).tolist()
    slid = [pair for pair in pairwise(edges) if sum(case.counts[slice(*pair)]) > capacity]
    for window in case.pack(max_pieces, context):
        inside = any(first <= window.keep_start and window.keep_end <= e for first, e in slid)
        if context == "none" or inside:
            continue
        units = edges if context == "sentences" else range(n_words + 1)
        before = max((unit for unit in units if unit < window.start), default=None)
        behind = min((unit for unit in units if unit > window.end), default=None)
        for start, end in ((before, window.end), (window.start, behind)):
            if start is not None and end is not None:
                assert sum(case.counts[start:end]) > capacity


@given(case=cases(), max_pieces=sizes, context=contexts)
def test_kept_parts_tile_the_words_and_lie_in_their_windows(
    case: Case, max_pieces: int, context: Context
) -> None:
    windows = case.pack(max_pieces, context)
    edges = [0, *(window.keep_end for window in windows)]

    assert [window.keep_start for window in windows] == edges[:-1]
    assert edges[-1] == len(case.counts)
    for window in windows:
        assert window.start < window.end
        assert window.start <= window.keep_start <= window.keep_end <= window.end


@given(case=cases(), max_pieces=sizes, context=contexts)
def test_no_window_is_too_large_but_for_one_word_alone(
    case: Case, max_pieces: int, context: Context
) -> None:
    for window in case.pack(max_pieces, context):
        assert case.size(window) <= max_pieces or window.end == window.start + 1


@given(case=cases(), max_pieces=sizes, context=contexts)
def test_sentences_that_fit_are_never_cut(case: Case, max_pieces: int, context: Context) -> None:
    windows = case.pack(max_pieces, context)
    for first, last in pairwise(np.cumsum([0, *case.sentence_lengths]).tolist()):
        if sum(case.counts[first:last]) + SPECIAL_PIECES_PER_WINDOW <= max_pieces:
            assert any(w.keep_start <= first and last <= w.keep_end for w in windows)


@given(case=cases(), max_pieces=sizes)
def test_each_word_is_answered_where_it_is_most_central(case: Case, max_pieces: int) -> None:
    """Central: many pieces between the word and the nearer edge; on a tie the later window."""
    windows = case.pack(max_pieces)
    for word in range(len(case.counts)):
        centrality = {
            index: min(
                sum(case.counts[window.start : word]), sum(case.counts[word + 1 : window.end])
            )
            for index, window in enumerate(windows)
            if window.start <= word < window.end
        }
        best = max(centrality, key=lambda index: (centrality[index], index))

        assert windows[best].keep_start <= word < windows[best].keep_end


@given(case=cases(), max_pieces=sizes, context=contexts)
def test_every_piece_is_read_but_the_rest_of_a_word_that_fits_nowhere(
    case: Case, max_pieces: int, context: Context
) -> None:
    pieces = case.pieces
    for window in case.pack(max_pieces, context):
        ids, firsts = window_pieces(window, pieces, SPECIAL, max_pieces=max_pieces)
        first, last = pieces.starts[window.start], pieces.starts[window.end]
        inner = pieces.ids[first:last][: max_pieces - SPECIAL_PIECES_PER_WINDOW]

        assert ids.tolist() == [SPECIAL.cls, *inner.tolist(), SPECIAL.sep]
        assert len(ids) == min(case.size(window), max_pieces)
        assert ids[firsts].tolist() == [
            pieces.ids[start] for start in pieces.starts[window.start : window.end]
        ]


def test_window_pieces_of_a_literal_window() -> None:
    case = Case([1, 2, 3, 1], [4])
    ids, firsts = window_pieces(Window(1, 4, 1, 4), case.pieces, SPECIAL, max_pieces=8)

    assert ids.tolist() == [101, 1001, 1002, 1003, 1004, 1005, 1006, 102]
    assert firsts.tolist() == [1, 3, 6]


def test_a_batch_is_padded_on_the_right_to_its_longest_window() -> None:
    batch = pad_batch([np.array([101, 7, 102]), np.array([101, 7, 8, 9, 102])], 0)

    assert batch.piece_ids.tolist() == [[101, 7, 102, 0, 0], [101, 7, 8, 9, 102]]
    assert batch.mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert {str(array.dtype) for array in (batch.piece_ids, batch.mask)} == {"int64"}


def test_features_are_padded_with_those_of_no_term() -> None:
    windows = [np.array([101, 7, 102]), np.array([101, 7, 8, 9, 102])]
    features = [np.array([0, 1, 0]), np.array([0, 0, 1, 2, 0])]

    assert pad_batch(windows, 0).features is None
    padded = pad_batch(windows, 0, features).features
    assert padded is not None
    assert padded.tolist() == [[0, 1, 0, 0, 0], [0, 0, 1, 2, 0]]


def test_windows_of_similar_length_share_a_batch() -> None:
    lengths = [3, 10, 4, 9, 30, 3]

    assert plan_batches(lengths, max_batch_pieces=20) == [[4], [1, 3], [2, 0, 5]]
    assert plan_batches([], max_batch_pieces=20) == []


@given(lengths=st.lists(st.integers(1, 130), max_size=60), budget=st.integers(1, 600))
def test_the_plan_covers_each_window_once_within_the_budget(
    lengths: list[int], budget: int
) -> None:
    plan = plan_batches(lengths, max_batch_pieces=budget)

    assert sorted(index for batch in plan for index in batch) == list(range(len(lengths)))
    for batch in plan:
        padded = max(lengths[index] for index in batch) * len(batch)
        assert padded <= budget or len(batch) == 1
