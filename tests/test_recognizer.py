"""The whole way from text to entities, with the fake encoder."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from farmaner import Recognizer
from farmaner.document import Document
from farmaner.encoders import ModelSettings
from farmaner.errors import ConfigError, ModelError
from farmaner.recognizer import load
from farmaner.tagging import SchemeName
from farmaner.testing import (
    FAKE_TERMS,
    FakeEncoder,
    TokenizerFamily,
    fake_recognizer,
    fake_settings,
    fake_tokenizer,
)
from farmaner.windows import Batch

NOTE = "Niega alergia a penicilina. Toma ácido fólico (5 mg) y extracto de valeriana; PCR 12."
FOUND = [
    ("NORMALIZABLES", 16, 26, "penicilina"),
    ("NORMALIZABLES", 33, 45, "ácido fólico"),
    ("NO_NORMALIZABLES", 55, 76, "extracto de valeriana"),
    ("PROTEINAS", 78, 81, "PCR"),
]


def found_in(document: Document) -> list[tuple[str, int, int, str]]:
    return [(*entity.key, entity.text) for entity in document.entities]


def documents(n: int, text: str = NOTE) -> list[Document]:
    return [Document(f"d{number}", text) for number in range(n)]


@pytest.mark.parametrize("scheme", ["iob2", "paper"])
@pytest.mark.parametrize("family", ["wordpiece", "metaspace", "bytelevel"])
def test_entities_are_found_with_their_offsets_and_text(
    scheme: SchemeName, family: TokenizerFamily
) -> None:
    recognizer = fake_recognizer(scheme=scheme, family=family)

    assert found_in(recognizer.recognize(NOTE)) == FOUND


@pytest.mark.parametrize("scheme", ["iob2", "paper"])
def test_a_score_is_the_mean_probability_of_the_words_tags(scheme: SchemeName) -> None:
    recognizer = fake_recognizer(scheme=scheme)
    n_tags = len(recognizer.settings.tagging_scheme().tags)
    expected = math.exp(6) / (math.exp(6) + n_tags - 1)

    scores = [entity.score for entity in recognizer.recognize(NOTE).entities]
    assert scores == pytest.approx([expected] * 4, abs=1e-6)


def test_the_score_of_several_words_is_their_mean() -> None:
    first, second = 1, 2  # where the words' pieces are, after the special one
    probabilities = {first: [0.1, 0.8, 0.1], second: [0.2, 0.2, 0.6]}

    class Doubtful:
        """Is surer of the first word's B than of the second word's I."""

        def __call__(self, batch: Batch) -> NDArray[np.float32]:
            logits = np.zeros((*batch.piece_ids.shape, 3), dtype=np.float32)
            for place, row in probabilities.items():
                logits[0, place] = np.log(row)
            return logits

    recognizer = Recognizer(Doubtful(), fake_tokenizer(), fake_settings(["N"]))
    [entity] = recognizer.recognize("ácido por").entities

    assert entity.text == "ácido por"
    assert entity.score == pytest.approx((0.8 + 0.6) / 2, abs=1e-6)


def test_a_model_that_reads_a_lexicon_is_not_run_without_one() -> None:
    settings = replace(fake_settings(["N"]), lexicon=True)
    with pytest.raises(ConfigError) as error:
        Recognizer(lambda batch: np.zeros(0, np.float32), fake_tokenizer(), settings)
    assert str(error.value) == "fake: expected the model's lexicon, found none"


@pytest.mark.parametrize("text", ["", " ", "\r\n\t \u00a0\u2028"])
def test_a_text_without_words_is_a_document_without_entities(text: str) -> None:
    assert fake_recognizer().recognize(text) == Document("", text)


def test_entities_the_document_came_with_are_replaced() -> None:
    given = Document("d", NOTE)
    given = given.with_entities([given.entity("PROTEINAS", 0, 5)])
    [document] = fake_recognizer().recognize_documents([given])

    assert (document.id, document.text, found_in(document)) == ("d", NOTE, FOUND)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Toma\r\npenicilina\r\n\r\nPCR\r", [(6, 16), (20, 23)]),
        ("💊penicilina 👩\u200d⚕️ PCR", [(1, 11), (17, 20)]),
        ("\ufeffpenicilina", [(1, 11)]),
        ("no-penicilina/penicilina,PCR", [(3, 13), (14, 24), (25, 28)]),
        ("ácido\nfólico y ácido  fólico", [(0, 12), (15, 28)]),
        ("PCR PCR PCR", [(0, 3), (4, 7), (8, 11)]),
    ],
)
def test_offsets_count_code_points_of_the_text_as_given(
    text: str, expected: list[tuple[int, int]]
) -> None:
    assert [(e.start, e.end) for e in fake_recognizer().recognize(text).entities] == expected


@pytest.mark.parametrize("scheme", ["iob2", "paper"])
@pytest.mark.parametrize("max_pieces", [8, 16, 128])
def test_nothing_is_lost_in_one_line_of_twenty_thousand_characters(
    scheme: SchemeName, max_pieces: int
) -> None:
    unit = "sin cambios y penicilina pautada o "
    text = unit * (20_000 // len(unit))
    document = fake_recognizer(scheme=scheme, max_pieces=max_pieces).recognize(text)

    expected = [at + 14 for at in range(0, len(text), len(unit))]
    assert [entity.start for entity in document.entities] == expected
    assert {entity.text for entity in document.entities} == {"penicilina"}


def test_a_word_that_outgrows_every_window_hides_none_of_its_neighbours() -> None:
    text = f"penicilina {'ñ' * 500} PCR {'9' * 500} paracetamol"
    document = fake_recognizer(max_pieces=10).recognize(text)

    assert [e.text for e in document.entities] == ["penicilina", "PCR", "paracetamol"]


def test_documents_come_out_in_order_and_the_same_as_alone() -> None:
    texts = [NOTE, "", "PCR", NOTE * 20, " \n", "Sin hallazgos.", "ácido fólico. " * 90, "PCR"]
    recognizer = fake_recognizer(max_pieces=32, max_batch_pieces=200)
    together = list(recognizer.recognize_documents(Document(t[:3], t) for t in texts * 9))

    assert [document.text for document in together] == texts * 9
    alone = [fake_recognizer(max_pieces=32).recognize(text).entities for text in texts] * 9
    assert [document.entities for document in together] == alone


def test_no_batch_exceeds_the_budget_of_padded_pieces() -> None:
    settings, tokenizer = fake_settings(max_pieces=32), fake_tokenizer()
    encoder = FakeEncoder(settings.tagging_scheme(), FAKE_TERMS, tokenizer)
    recognizer = Recognizer(encoder, tokenizer, settings, max_batch_pieces=100)
    list(recognizer.recognize_documents(documents(40, NOTE * 3)))

    assert len(encoder.shapes) > 1
    assert max(windows * pieces for windows, pieces in encoder.shapes) <= 100
    assert max(pieces for _, pieces in encoder.shapes) <= 32


@pytest.mark.parametrize("text", [NOTE, "", "\n \n"])
def test_documents_stream_through_with_a_bounded_read_ahead(text: str) -> None:
    pulled = 0

    def endless() -> Iterator[Document]:
        nonlocal pulled
        while True:
            pulled += 1
            assert pulled <= 600 + 256
            yield Document(str(pulled), text)

    stream = fake_recognizer().recognize_documents(endless())

    assert pulled == 0
    first = [next(stream) for _ in range(600)]
    assert [document.id for document in first] == [str(number) for number in range(1, 601)]


def test_a_failing_source_passes_its_error_on() -> None:
    def failing() -> Iterator[Document]:
        yield Document("d", NOTE)
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        list(fake_recognizer().recognize_documents(failing()))


def test_later_pieces_of_a_word_have_no_say() -> None:
    """The fake encoder tags them B in `iob2`; only a word's first piece counts."""
    recognizer = fake_recognizer({"hidroxicloroquina": "N"})

    assert found_in(recognizer.recognize("hidroxicloroquina")) == (
        [("N", 0, 17, "hidroxicloroquina")]
    )


def test_a_folder_that_is_no_model_cannot_be_loaded(tmp_path: object) -> None:
    with pytest.raises(ModelError, match=r"expected a model folder with farmaner\.json, found"):
        load(str(tmp_path))


def test_the_settings_of_a_recognizer_are_public() -> None:
    recognizer = fake_recognizer({"AAS": "N"}, scheme="paper", max_pieces=64)

    assert recognizer.backend == "fake"
    assert recognizer.settings == ModelSettings(
        "fake", ("N",), "paper", 64, fake_tokenizer().special
    )
