"""Pieces, for the three families of tokenizers."""

import json
from itertools import chain, pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers, pre_tokenizers

from farmaner.errors import ModelError
from farmaner.testing import TokenizerFamily, fake_settings, fake_tokenizer, library_tokenizer
from farmaner.text import PieceTokenizer, pieces, split_words

FAMILIES = get_args(TokenizerFamily)
SPECIAL = fake_settings().special_pieces
every_family = pytest.mark.parametrize("family", FAMILIES)

WORDS = st.sampled_from(
    "Niega alergia a penicilina amoxicilina ácido fólico IgG 25 mg ( ) . - ñ ¿ Ibuprofeno".split()
)


def pieces_of(text: str, tokenizer: PieceTokenizer) -> list[list[int]]:
    encoded = tokenizer.encode(text, split_words(text))
    bounds = encoded.starts.tolist()
    return [encoded.ids[start:end].tolist() for start, end in pairwise(bounds)]


def names_of(text: str, family: TokenizerFamily) -> list[list[str | None]]:
    names = library_tokenizer(family)
    words = pieces_of(text, fake_tokenizer(family))
    return [[names.id_to_token(piece) for piece in word] for word in words]


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("wordpiece", [["a"], ["penici", "##l", "##ina"], ["("], ["a"], [")"]]),
        ("metaspace", [["▁a"], ["▁penici", "l", "ina"], ["▁", "("], ["a"], [")"]]),
        ("bytelevel", [["Ġa"], ["Ġpen", "ici", "lina"], ["Ġ", "("], ["a"], [")"]]),
    ],
)
def test_words_after_white_space_are_space_led_and_others_glued(
    family: TokenizerFamily, expected: list[list[str]]
) -> None:
    assert names_of("a penicilina\n(a)", family) == expected


@every_family
def test_any_white_space_leads_a_word_alike(family: TokenizerFamily) -> None:
    tokenizer = fake_tokenizer(family)
    spaced = pieces_of("toma ácido fólico", tokenizer)

    for text in ("toma\nácido\tfólico", "toma\r\nácido\u00a0fólico", "  toma   ácido \n fólico "):
        assert pieces_of(text, tokenizer) == spaced


@every_family
@given(words=st.lists(WORDS, min_size=1, max_size=12))
def test_words_between_single_spaces_get_the_pieces_of_the_tokenizer_itself(
    family: TokenizerFamily, words: list[str]
) -> None:
    text = " ".join(words)
    whole = library_tokenizer(family).encode(text, add_special_tokens=False)

    assert list(chain(*pieces_of(text, fake_tokenizer(family)))) == whole.ids


@every_family
@given(text=st.text())
def test_every_word_of_any_text_has_a_piece(family: TokenizerFamily, text: str) -> None:
    encoded = fake_tokenizer(family).encode(text, words := split_words(text))

    assert len(encoded.starts) == len(words) + 1
    assert encoded.starts[0] == 0
    assert encoded.starts[-1] == len(encoded.ids)
    assert (encoded.counts() >= 1).all()


def test_a_word_of_which_the_normalizer_leaves_nothing_is_unknown() -> None:
    tokenizer = fake_tokenizer("wordpiece")  # BERT's normalizer drops control characters
    a = pieces_of("a", tokenizer)

    assert pieces_of("a \x01 a", tokenizer) == [*a, [SPECIAL.unk], *a]


@every_family
def test_half_an_emoji_is_a_sign_like_any_other(family: TokenizerFamily) -> None:
    text = json.loads(r'"a \ud83d a"')  # a lone surrogate, as JSON can hold it
    tokenizer = fake_tokenizer(family)

    assert pieces_of(text, tokenizer) == pieces_of("a \ufffd a", tokenizer)


@every_family
def test_a_text_without_words_has_no_pieces(family: TokenizerFamily) -> None:
    encoded = fake_tokenizer(family).encode(" \n", split_words(" \n"))

    assert encoded.ids.tolist() == []
    assert encoded.starts.tolist() == [0]
    assert encoded.counts().tolist() == []


@every_family
def test_a_full_cache_changes_nothing(
    family: TokenizerFamily, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["toma ácido fólico", "no toma ibuprofeno", "ácido úrico alto", "toma ácido fólico"]
    expected = [pieces_of(text, fake_tokenizer(family)) for text in texts]
    monkeypatch.setattr(pieces, "_CACHED_WORDS", 4)
    tokenizer = fake_tokenizer(family)

    assert [pieces_of(text, tokenizer) for text in texts] == expected


def test_the_cache_is_emptied_before_it_outgrows_its_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pieces, "_CACHED_WORDS", 10)
    tokenizer = fake_tokenizer()
    for number in range(100):
        pieces_of(f"dosis {number} mg", tokenizer)

        assert len(tokenizer._cache) <= 10


@every_family
def test_truncation_and_padding_of_the_file_are_ignored(
    family: TokenizerFamily, tmp_path: Path
) -> None:
    text = "Niega alergia a penicilina"
    library = library_tokenizer(family)
    library.enable_truncation(max_length=1)
    library.enable_padding(length=64)
    library.save(str(tmp_path / "tokenizer.json"))
    read = PieceTokenizer.from_file(tmp_path / "tokenizer.json", SPECIAL)

    assert pieces_of(text, read) == pieces_of(text, fake_tokenizer(family))


def test_a_tokenizer_that_strips_space_still_sees_which_words_it_leads() -> None:
    library = library_tokenizer("metaspace")  # set up as DeBERTa's are
    library.normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.NFKC()])
    library.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer = PieceTokenizer(library, SPECIAL)

    assert pieces_of("a (a)", tokenizer) == pieces_of("a (a)", fake_tokenizer("metaspace"))


def test_the_tokenizer_given_is_left_as_it_was() -> None:
    library = library_tokenizer("metaspace")
    before = library.to_str()
    PieceTokenizer(library, SPECIAL)

    assert library.to_str() == before


@pytest.mark.parametrize("content", ["", "{}", "no es JSON", '{"model": null}'])
def test_a_file_that_is_no_tokenizer_is_a_model_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(ModelError, match=r"tokenizer\.json: expected a tokenizer\.json"):
        PieceTokenizer.from_file(path, SPECIAL)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["multilingual-e5-small-es", "all-minilm-l6-v2-en"])
def test_the_tokenizers_of_real_encoders_agree_on_words_between_single_spaces(
    shared_dir: Path, name: str
) -> None:
    path = shared_dir / "encoders" / name / "tokenizer.json"
    library = Tokenizer.from_file(str(path))
    library.no_truncation()
    library.no_padding()
    tokenizer = PieceTokenizer.from_file(path, fake_settings().special_pieces)
    text = "Niega alergia a penicilina ; toma ácido fólico ( 5 mg ) y metilprednisolona ."

    whole = library.encode(text, add_special_tokens=False)
    assert list(chain(*pieces_of(text, tokenizer))) == whole.ids
