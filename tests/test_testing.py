"""The fakes that the package offers keep what their docstrings promise."""

import numpy as np
import pytest

from farmaner.errors import ConfigError
from farmaner.tagging import Scheme, SchemeName
from farmaner.testing import FakeEncoder, fake_recognizer, fake_tokenizer, library_tokenizer
from farmaner.text import split_words
from farmaner.windows import pad_batch

TERMS = {"ácido": "N", "ácido fólico": "P", "fólico": "N"}


def tags_of(text: str, scheme: SchemeName) -> list[str]:
    tokenizer = fake_tokenizer()
    special = tokenizer.special
    inner = tokenizer.encode(text, split_words(text)).ids
    ids = np.array([special.cls, *inner, special.sep, special.pad])
    batch = pad_batch([ids[:-1], np.zeros(len(ids), dtype=np.int64)], special.pad)
    encoder = FakeEncoder(Scheme(scheme, ("N", "P")), TERMS, tokenizer)
    logits = encoder(batch)

    assert encoder.shapes == [(2, len(ids))]
    assert logits.dtype == np.float32
    assert sorted(set(logits.ravel().tolist())) == [0, 6]
    assert (logits[0, -1] == 0).all()  # padding has no answer
    tags = Scheme(scheme, ("N", "P")).tags
    return [tags[number] for number in logits[0, :-1].argmax(axis=-1)]


# pieces: ácido f ##ó ##lico
def test_the_longest_of_overlapping_terms_is_tagged_and_later_pieces_mislead_in_iob2() -> None:
    assert tags_of("ácido fólico", "iob2") == ["O", "B-P", "I-P", "B-P", "B-P", "O"]
    assert tags_of("a ácido a fólico", "iob2") == (["O", "O", "B-N", "O", "B-N", "B-N", "B-N", "O"])


def test_every_piece_of_a_term_has_the_tag_that_the_paper_gives_it() -> None:
    assert tags_of("ácido fólico", "paper") == ["CLS", "B-P", "I-P", "X", "X", "SEP"]


def test_terms_are_found_after_a_space_and_after_a_sign() -> None:
    found = fake_recognizer({"IgG": "P"}, family="metaspace").recognize("IgG anti-IgG (IgG)")

    assert [entity.start for entity in found.entities] == [0, 9, 14]


@pytest.mark.parametrize("family", ["wordpiece", "metaspace", "bytelevel"])
def test_tokenizers_are_the_same_each_time(family: object) -> None:
    made = {library_tokenizer(family).to_str() for _ in range(5)}  # type: ignore[arg-type]

    assert len(made) == 1


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ConfigError, match="tokenizer: expected one of wordpiece, metaspace, byte"):
        fake_tokenizer("sentencepiece")  # type: ignore[arg-type]
