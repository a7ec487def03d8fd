import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farmaner.tagging import IGNORED
from farmaner.testing import fake_tokenizer
from farmaner.training.masking import PackedText, mask_window, pack_texts

TEXTS = ["Se inicia omeprazol 20 mg.", "", "Niega alergia a penicilina; toma enalapril."]


def _packed(texts: list[str], max_pieces: int = 12) -> PackedText:
    return pack_texts(texts, fake_tokenizer(), max_pieces=max_pieces)


def _mask(packed: PackedText, window: int, *, share: float = 0.3, seed: int = 0):  # type: ignore[no-untyped-def]
    return mask_window(
        packed,
        window,
        special=fake_tokenizer().special,
        mask=5,
        share=share,
        random=np.random.default_rng(seed),
        vocabulary_size=50,
    )


def test_windows_tile_the_pieces_and_are_cut_between_words() -> None:
    packed = _packed(TEXTS * 4)
    assert packed.cuts[0] == 0
    assert packed.cuts[-1] == len(packed.piece_ids) == len(packed.word_numbers)
    assert np.diff(packed.cuts).min() > 0
    assert np.diff(packed.cuts).max() <= 10
    for cut in packed.cuts[1:-1]:
        assert packed.word_numbers[cut] != packed.word_numbers[cut - 1]


def test_texts_are_kept_apart_by_an_end_piece() -> None:
    special = fake_tokenizer().special
    packed = _packed(TEXTS)
    assert (packed.piece_ids == special.sep).sum() == 2  # the empty text leaves none
    assert packed.piece_ids[-1] == special.sep


def test_no_text_makes_no_window() -> None:
    assert len(_packed([])) == 0
    assert len(_packed(["", " \n"])) == 0


@settings(deadline=None, max_examples=60)
@given(
    texts=st.lists(st.text(alphabet="aáñ b1.\n", min_size=1, max_size=60), min_size=1, max_size=4),
    share=st.sampled_from([0.0, 0.15, 0.5, 1.0]),
    seed=st.integers(0, 5),
)
def test_words_are_masked_whole_and_targets_are_what_stood_there(
    texts: list[str], share: float, seed: int
) -> None:
    special = fake_tokenizer().special
    packed = _packed(texts)
    for window in range(len(packed)):
        place = slice(packed.cuts[window], packed.cuts[window + 1])
        before, words = packed.piece_ids[place], packed.word_numbers[place]
        ids, targets = _mask(packed, window, share=share, seed=seed)
        assert (ids[0], ids[-1]) == (special.cls, special.sep)
        assert (targets[0], targets[-1]) == (IGNORED, IGNORED)
        inner, masked = ids[1:-1], targets[1:-1] != IGNORED
        assert (targets[1:-1][masked] == before[masked]).all()
        assert (inner[~masked] == before[~masked]).all()
        for word in set(words.tolist()):
            of_word = masked[words == word]
            assert of_word.all() or not of_word.any()
        if (before != special.sep).all() and share < 1:
            largest = max(np.bincount(words - words[0]))
            assert masked.any()
            assert masked.sum() <= max(share * len(before), largest)


def test_eight_of_ten_masked_words_are_hidden_and_one_is_replaced() -> None:
    packed = _packed(["Niega alergia a penicilina y toma enalapril. " * 400], max_pieces=400)
    hidden = replaced = left = 0
    for window in range(len(packed)):
        place = slice(packed.cuts[window], packed.cuts[window + 1])
        ids, targets = _mask(packed, window, share=0.5, seed=window)
        masked = targets[1:-1] != IGNORED
        now, before = ids[1:-1][masked], packed.piece_ids[place][masked]
        hidden += int((now == 5).sum())
        left += int((now == before).sum())
        replaced += int(((now != before) & (now != 5)).sum())
    total = hidden + replaced + left
    assert hidden / total == pytest.approx(0.8, abs=0.03)
    assert replaced / total == pytest.approx(0.1, abs=0.03)


def test_the_same_stream_masks_the_same() -> None:
    packed = _packed(["Niega alergia a penicilina y toma enalapril. " * 20], max_pieces=200)
    first, second, other = (_mask(packed, 0, seed=seed)[1].tolist() for seed in (1, 1, 2))
    assert first == second
    assert first != other
