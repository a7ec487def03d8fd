"""No text is skipped: whatever surrounds a term and wherever windows are cut, it is found."""

from functools import cache
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farmaner import Document, Recognizer
from farmaner.tagging import SchemeName
from farmaner.testing import TokenizerFamily, fake_recognizer
from farmaner.windows import Context

TERMS = {
    "penicilina": "NORMALIZABLES",
    "paracetamol": "NORMALIZABLES",
    "PCR": "PROTEINAS",
}
SEVERAL = "ácido de la paci"
WORDS_BETWEEN = st.sampled_from(
    "la tolera fiebre y metilprednisolona 25 mg/8h (IgG) α-β fo\u0301lico 👩\u200d⚕️ ; ¿no?".split()
)
GAPS = st.sampled_from([" ", " ", " ", " ", "  ", ". ", ".\n", "\r\n", "\u00a0", ". A "])
BLOCKS = st.lists(
    st.tuples(st.one_of(WORDS_BETWEEN, st.sampled_from(sorted(TERMS))), GAPS), max_size=60
)
Keys = list[tuple[str, int, int]]

every_family = pytest.mark.parametrize("family", ["wordpiece", "metaspace", "bytelevel"])


@cache
def recognizer(
    max_pieces: int,
    family: TokenizerFamily = "wordpiece",
    scheme: SchemeName = "iob2",
    context: Context = "none",
) -> Recognizer:
    return fake_recognizer(
        TERMS, max_pieces=max_pieces, family=family, scheme=scheme, context=context
    )


@cache
def several() -> Recognizer:
    return fake_recognizer({SEVERAL: "N"}, max_pieces=62)


def keys(document: Document) -> Keys:
    return [entity.key for entity in document.entities]


def written(blocks: list[tuple[str, str]], repeat: int) -> tuple[str, Keys]:
    """Return a text of words and gaps, and where the terms in it are."""
    parts, at, expected = [""], 0, Keys()
    for word, gap in blocks * repeat:
        if word in TERMS:
            expected.append((TERMS[word], at, at + len(word)))
        parts += [word, gap]
        at += len(word) + len(gap)
    return "".join(parts), expected


@every_family
@settings(max_examples=100, deadline=None)  # the first example makes the tokenizers
@given(blocks=BLOCKS, repeat=st.integers(1, 6), context=st.sampled_from(get_args(Context)))
def test_terms_are_found_whatever_the_size_of_the_windows_and_what_they_read_beside(
    family: TokenizerFamily, blocks: list[tuple[str, str]], repeat: int, context: Context
) -> None:
    text, expected = written(blocks, repeat)

    for max_pieces in (16, 24, 128):  # 14 pieces hold every term, in every family
        model = recognizer(max_pieces, family, context=context)
        assert keys(model.recognize(text)) == expected


@settings(max_examples=60)
@given(blocks=BLOCKS, repeat=st.integers(1, 6))
def test_terms_of_six_pieces_are_found_in_the_smallest_windows(
    blocks: list[tuple[str, str]], repeat: int
) -> None:
    text, expected = written(blocks, repeat)

    assert keys(recognizer(8).recognize(text)) == expected
    assert keys(recognizer(8, scheme="paper").recognize(text)) == expected


@settings(max_examples=200)
@given(
    n_before=st.integers(0, 100),
    n_after=st.integers(0, 100),
    filler=st.lists(WORDS_BETWEEN, min_size=1, max_size=5),
)
def test_terms_of_several_words_are_found_across_the_cut_of_an_overlap(
    n_before: int, n_after: int, filler: list[str]
) -> None:
    """A quarter of a window, 15 pieces, is more than the term and the longest word around it."""
    before, after = " ".join(filler * n_before), " ".join(filler * n_after)
    document = several().recognize(f"{before} {SEVERAL} {after}")

    assert keys(document) == [("N", len(before) + 1, len(before) + 1 + len(SEVERAL))]


@every_family
@settings(max_examples=100)
@given(before=st.text(), after=st.text(), term=st.sampled_from(sorted(TERMS)))
def test_a_term_is_found_between_any_two_texts(
    family: TokenizerFamily, before: str, after: str, term: str
) -> None:
    text = f"{before} {term} {after}"
    key = (TERMS[term], len(before) + 1, len(before) + 1 + len(term))

    for max_pieces in (16, 128):
        assert key in keys(recognizer(max_pieces, family).recognize(text))


@every_family
@settings(max_examples=100, deadline=None)
@given(
    texts=st.lists(
        st.one_of(st.text(), st.lists(st.sampled_from(sorted(TERMS))).map(" ".join)), max_size=8
    ),
    context=st.sampled_from(get_args(Context)),
)
def test_any_texts_give_sound_documents_alone_as_together(
    family: TokenizerFamily, texts: list[str], context: Context
) -> None:
    given = [Document(str(number), text) for number, text in enumerate(texts)]
    model = recognizer(16, family, context=context)
    together = list(model.recognize_documents(given))

    assert [(document.id, document.text) for document in together] == (
        [(document.id, document.text) for document in given]
    )
    for document in together:
        assert model.recognize(document.text).entities == document.entities
        end = 0
        for entity in document.entities:
            assert end <= entity.start
            end = entity.end
            assert entity.text == document.text[entity.start : entity.end]
            assert entity.score is not None
            assert 0 <= entity.score <= 1


@pytest.mark.slow
def test_ten_megabytes_in_one_document() -> None:
    unit = "Sin cambios, se mantiene penicilina\r\ny mañana nueva analítica con PCR. "
    repeat = 10_000_000 // len(unit.encode())
    document = recognizer(128).recognize(unit * repeat)

    starts = [entity.start for entity in document.entities]
    first = [unit.index("penicilina"), unit.index("PCR")]
    assert starts == [at * len(unit) + offset for at in range(repeat) for offset in first]
