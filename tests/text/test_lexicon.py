"""Lexicons: terms are found word by word, longest first, however they are written."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmaner.errors import CorpusError, FormatError
from farmaner.text import Lexicon, read_lexicon, split_words
from farmaner.text.lexicon import fold_word

TERMS = ["ácido fólico", "ácido acetilsalicílico", "ácido", "vitamina B12", "hierro", "β-hCG"]


def found(text: str, *terms: str) -> list[tuple[str, int]]:
    """Return the words of a text that are in a term, with what the lexicon says of them."""
    words = split_words(text)
    features = Lexicon.of(terms or TERMS).features(text, words).tolist()
    assert len(features) == len(words)
    return [(span.of(text), said) for span, said in zip(words, features) if said]


def test_a_term_of_several_words_begins_once_and_goes_on() -> None:
    assert found("Toma ácido fólico y hierro.") == [("ácido", 1), ("fólico", 2), ("hierro", 1)]


def test_case_and_accents_do_not_matter_on_either_side() -> None:
    assert found("ACIDO FOLICO, Hierro") == [("ACIDO", 1), ("FOLICO", 2), ("Hierro", 1)]
    assert found("año", "ANO") == [("año", 1)]


def test_decomposed_letters_are_the_letters_they_look_like() -> None:
    text = unicodedata.normalize("NFD", "Toma ácido fólico.")
    first, second = (unicodedata.normalize("NFD", word) for word in ("ácido", "fólico"))
    assert found(text) == [(first, 1), (second, 2)]
    assert found("ácido fólico", text.removeprefix("Toma ")[:-1]) == [("ácido", 1), ("fólico", 2)]


def test_of_overlapping_terms_the_longest_at_a_word_is_taken_and_nothing_in_it() -> None:
    assert found("ácido acetilsalicílico") == [("ácido", 1), ("acetilsalicílico", 2)]
    assert found("ácido úrico") == [("ácido", 1)]
    assert found("a b c d", "a b", "b c d", "c") == [("a", 1), ("b", 2), ("c", 1)]
    assert found("a b c", "a b c d", "a") == [("a", 1)]


def test_two_terms_side_by_side_begin_each() -> None:
    assert found("hierro hierro") == [("hierro", 1), ("hierro", 1)]


def test_letters_and_digits_are_words_apart_whatever_lies_between() -> None:
    expected = [("vitamina", 1), ("B", 2), ("12", 2)]
    for text in ("vitamina B12", "vitamina  B 12", "vitamina\nB12"):
        assert found(text) == expected


def test_a_sign_is_a_word_that_the_text_must_have_too() -> None:
    assert found("β-HCG") == [("β", 1), ("-", 2), ("HCG", 2)]
    assert found("β HCG") == []
    assert found("ácido. Fólico", "ácido fólico") == []


def test_a_term_inside_a_longer_word_is_not_found() -> None:
    assert found("hierros") == []


def test_no_words_have_no_features_and_no_term_is_found_in_nothing() -> None:
    assert found("") == found("  \n") == []


@given(st.text())
def test_any_text_has_one_feature_a_word_and_is_left_as_it_is(text: str) -> None:
    words = split_words(text)
    features = Lexicon.of(TERMS).features(text, words)
    assert (features.shape, str(features.dtype)) == ((len(words),), "int64")
    assert set(features.tolist()) <= {0, 1, 2}


@given(st.text(alphabet="aáB1 -ñ\u0301Çß"))
def test_a_term_is_found_in_itself(term: str) -> None:
    lexicon = Lexicon.of([term])
    features = lexicon.features(term, split_words(term)).tolist()
    assert features == ([1] + [2] * (len(features) - 1) if len(lexicon) else [0] * len(features))


@given(
    st.lists(
        st.tuples(
            st.text(alphabet="aáB1# -ñ\u0301\u0130Çß", max_size=12),
            st.sampled_from(["", "k", "l m"]),
        ),
        max_size=6,
    )
)
def test_a_lexicon_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, terms: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("lexicon") / "lexicon.txt"
    Lexicon.of(terms).write(path)
    assert Lexicon.read(path) == Lexicon.of(terms)


def test_each_kind_of_term_has_numbers_of_its_own_in_the_order_of_their_names() -> None:
    kinds = Lexicon.of([("factor VIII", "protein"), ("ácido fólico", "chemical"), ("hierro", "")])
    text = "hierro, ácido fólico, factor VIII"
    assert kinds.n_features == 7
    assert [n for n in kinds.features(text, split_words(text)).tolist() if n] == [1, 3, 4, 5, 6]
    assert Lexicon.of(TERMS).n_features == 3
    twice = Lexicon.of([("hierro", "b"), ("Hierro", "a"), ("zinc", "a")])
    assert twice.features("hierro zinc", split_words("hierro zinc")).tolist() == [3, 1]


def test_folding_a_word_never_parts_it() -> None:
    signs = (chr(number) for number in range(0x110000) if not 0xD800 <= number < 0xE000)
    assert [sign for sign in signs if not sign.isspace() and " " in fold_word(sign)] == []


def test_a_list_may_have_comments_blank_lines_and_terms_twice(tmp_path: Path) -> None:
    path = tmp_path / "terms.txt"
    path.write_bytes("\ufeff# fármacos\r\n\r\nHierro\r\n   \r\nhierro \r\nácido  fólico".encode())
    lexicon = read_lexicon(path)
    assert len(lexicon) == 2
    assert lexicon == Lexicon.of(["hierro", "ácido fólico"])


def test_of_a_table_the_column_name_is_read(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text('freq\tname\n3\tHierro\n\n1\t"ácido" fólico\n1\t\n2\t# 3\n', encoding="utf-8")
    assert read_lexicon(path) == Lexicon.of(["hierro", '"ácido" fólico', "# 3"])


def test_a_table_may_say_of_which_kind_a_term_is(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text("kind\tname\nchemical\tHierro\n protein \tferritina\n\tagua\n")
    expected = [("hierro", "chemical"), ("ferritina", "protein"), ("agua", "")]
    assert read_lexicon(path) == Lexicon.of(expected)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"", ": expected at least one term, found none"),
        ("a.txt", b"# nada\n\n  \n", ": expected at least one term, found none"),
        ("a.tsv", b"name\tfreq\n", ": expected at least one term, found none"),
        ("a.tsv", b"", ":1: expected a header with the column name, found an empty line"),
        ("a.tsv", b"term\tn\nx\t1\n", ":1: expected a header with the column name, found term, n"),
        ("a.tsv", b"n\tname\n1\tx\n2\n", ":3: expected at least 2 columns, found 1"),
        ("a.tsv", b"name\tkind\nx\tk\ny\n", ":3: expected at least 2 columns, found 1"),
        ("a.txt", b"\xe1cido\n", ": expected UTF-8 text, found byte 0xE1 at byte offset 0"),
    ],
)
def test_a_list_that_cannot_be_read_is_one_line(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FormatError) as error:
        read_lexicon(path)
    assert str(error.value) == f"{path}{said}"


def test_a_list_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "none.txt"
    with pytest.raises(CorpusError) as error:
        read_lexicon(path)
    assert str(error.value) == f"{path}: expected a readable file, found: No such file or directory"
