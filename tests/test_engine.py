"""What the engine promises: a document's answer depends on nothing but the document."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farmaner import Recognizer
from farmaner.document import Document
from farmaner.encoders.onnx import OnnxEncoder, available_cores
from farmaner.formats.brat import read_brat
from farmaner.recognizer import bundled_model, load
from farmaner.windows import Batch

NOTES = [
    Document(note.id, note.text[:300])
    for note in read_brat(Path(__file__).parents[1] / "examples" / "notes")[:10]
]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return load()


@pytest.fixture(scope="module")
def alone(recognizer: Recognizer) -> dict[str, Document]:
    """Each note as it is answered on its own."""
    return {note.id: next(recognizer.recognize_documents([note])) for note in NOTES}


@pytest.fixture(scope="module")
def narrow() -> Recognizer:
    """A recognizer whose batches hold two or three of the notes."""
    return load(threads=1, max_batch_pieces=250)


@settings(max_examples=6, deadline=None)
@given(chosen=st.lists(st.sampled_from(NOTES), min_size=1, max_size=5))
def test_an_answer_is_the_same_alone_and_in_any_batch(
    recognizer: Recognizer,
    narrow: Recognizer,
    alone: dict[str, Document],
    chosen: list[Document],
) -> None:
    """To the last bit of every score."""
    for one in (recognizer, narrow):
        assert list(one.recognize_documents(chosen)) == [alone[note.id] for note in chosen]


def test_an_answer_is_the_same_whatever_the_number_of_threads() -> None:
    path = bundled_model() / "onnx" / "model_int8.onnx"
    lengths = [70, 3, 128, 41]
    ids = np.random.default_rng(1).integers(4, 30_000, (len(lengths), max(lengths)))
    mask = (np.arange(max(lengths)) < np.asarray(lengths)[:, None]).astype(np.int64)
    one, three = (OnnxEncoder(path, threads=n)(Batch(ids, mask)) for n in (1, 3))

    np.testing.assert_array_equal(one, three)
    assert not one[mask == 0].any()
    assert one[mask == 1].any(axis=1).all()


def test_a_stream_of_several_rounds_keeps_its_order(recognizer: Recognizer) -> None:
    chosen = [Document("a", "AAS."), Document("b", "Sin cambios."), Document("c", "AAS.")] * 100
    found = list(recognizer.recognize_documents(chosen))

    assert [document.id for document in found] == [document.id for document in chosen]
    assert {document.text for document in found if document.entities} == {"AAS."}


def test_closing_a_stream_early_ends_it(recognizer: Recognizer) -> None:
    stream = recognizer.recognize_documents(Document(str(n), "AAS.") for n in range(400))
    assert next(stream).id == "0"
    stream.close()  # type: ignore[attr-defined]
    assert list(stream) == []


def test_the_cores_are_those_the_environment_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert available_cores() == 3
    for unset in ("", "all", "0"):
        monkeypatch.setenv("OMP_NUM_THREADS", unset)
        assert 1 <= available_cores() <= (os.cpu_count() or 1)
