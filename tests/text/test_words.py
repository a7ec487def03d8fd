"""Words: fine enough for every boundary, and nothing visible outside of them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmaner.document import Span
from farmaner.text import split_words
from farmaner.text.words import MAX_WORD_LENGTH


def words_of(text: str) -> list[str]:
    return [span.of(text) for span in split_words(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Niega alergia a penicilina.", ["Niega", "alergia", "a", "penicilina", "."]),
        ("CD20+/CD3-", ["CD", "20", "+", "/", "CD", "3", "-"]),
        ("25mg cada8h", ["25", "mg", "cada", "8", "h"]),
        ("beta_2", ["beta", "_", "2"]),
        ("6-mercaptopurina (5,5'-DTNB)", "6 - mercaptopurina ( 5 , 5 ' - DTNB )".split(" ")),
        ("Ca²⁺ y β-HCG", ["Ca²", "⁺", "y", "β", "-", "HCG"]),
        ("«ácido» ¿fólico?", ["«", "ácido", "»", "¿", "fólico", "?"]),
        ("línea\r\notra\u00a0línea\u2028fin", ["línea", "otra", "línea", "fin"]),
        ("", []),
        (" \t\r\n\u00a0", []),
    ],
)
def test_letters_digits_and_single_signs_are_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_combining_accents_stay_with_their_letter() -> None:
    assert words_of("a\u0301cido fo\u0301lico") == ["a\u0301cido", "fo\u0301lico"]


def test_a_letter_may_carry_several_accents() -> None:
    assert words_of("Vie\u0323\u0302t") == ["Vie\u0323\u0302t"]


def test_a_combining_accent_without_a_letter_is_a_word_of_its_own() -> None:
    assert words_of("\u0301a 5\u0301") == ["\u0301", "a", "5", "\u0301"]


def test_every_code_point_of_a_joined_emoji_is_a_word() -> None:
    assert words_of("👩\u200d⚕️ visita") == ["👩", "\u200d", "⚕", "\ufe0f", "visita"]


@pytest.mark.parametrize("sign", ["x", "7"])
def test_a_run_of_ten_thousand_is_cut_at_forty(sign: str) -> None:
    text = sign * 10_000

    assert words_of(text) == [sign * MAX_WORD_LENGTH] * 250


def test_words_are_spans_by_index_and_in_turn() -> None:
    words = split_words("no toma AAS")

    assert len(words) == 3
    assert words[1] == Span(3, 7)
    assert list(words) == [Span(0, 2), Span(3, 7), Span(8, 11)]
    assert words.pairs() == [(0, 2), (3, 7), (8, 11)]


@given(st.text(alphabet=st.characters()))
def test_every_character_but_space_belongs_to_exactly_one_word(text: str) -> None:
    owners = [0] * len(text)
    for start, end in split_words(text).pairs():
        for place in range(start, end):
            owners[place] += 1

    assert owners == [0 if sign.isspace() else 1 for sign in text]


@given(st.text(alphabet=st.sampled_from("aáñBZ\u030109²-+(). \n💊"), max_size=60))
def test_words_are_in_order_and_of_one_kind(text: str) -> None:
    pairs = split_words(text).pairs()

    assert pairs == sorted(pairs)
    for word in words_of(text):
        assert re.fullmatch(r"([^\W\d_]\u0301*)+|\d+|.", word)
