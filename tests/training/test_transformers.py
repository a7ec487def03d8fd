"""A model folder in the hands of `transformers`: its pipeline finds what we find."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer, pipeline

from farmaner.document import Document
from farmaner.recognizer import load
from farmaner.tagging import Scheme
from farmaner.training.config import TrainingConfig
from farmaner.training.loop import train

pytestmark = [pytest.mark.train, pytest.mark.slow]

Folder = Callable[[str], str]
SENTENCES = {
    "Niega alergia a penicilina y toma ácido fólico": ["penicilina", "ácido fólico"],
    "La albúmina y la ferritina son normales": ["albúmina", "ferritina"],
    "Se pauta hierro oral con enalapril": ["hierro", "enalapril"],
    "Sin cambios en la exploración": [],
}
PROTEINS = {"albúmina", "ferritina"}


def documents() -> list[Document]:
    made = []
    for n, (text, names) in enumerate(SENTENCES.items()):
        document = Document(str(n), text)
        entities = [
            document.entity(
                "PROTEINAS" if name in PROTEINS else "NORMALIZABLES",
                text.index(name),
                text.index(name) + len(name),
            )
            for name in names
        ]
        made.append(document.with_entities(entities))
    return made


@pytest.mark.parametrize(
    ("family", "scheme"), [("bert", "iob2"), ("roberta", "iob2"), ("bert", "paper")]
)
def test_the_pipeline_of_transformers_finds_our_entities_in_plain_sentences(
    family: str, scheme: Any, encoder_folder: Folder, tmp_path: Path
) -> None:
    config = TrainingConfig(
        encoder=encoder_folder(family),
        labels=("NORMALIZABLES", "PROTEINAS"),
        scheme=scheme,
        max_pieces=64,
        epochs=60,
        batch_size=2,
        learning_rate=3e-3,
        dropout=0.0,
    )
    model = tmp_path / "model"
    train(config, documents(), output=model)
    tags = json.loads((model / "config.json").read_text(encoding="utf-8"))["id2label"]
    assert tuple(tags.values()) == Scheme(scheme, config.labels).tags
    assert AutoTokenizer.from_pretrained(model).is_fast

    with warnings.catch_warnings():  # of what it takes for a word in byte-level BPE
        warnings.simplefilter("ignore", UserWarning)
        tagger = pipeline("token-classification", model=str(model), aggregation_strategy="first")
        theirs = {
            text: {(e["entity_group"], e["start"], e["end"]): e["score"] for e in tagger(text)}
            for text in SENTENCES
        }
    recognizer = load(model)
    for document in documents():
        found = recognizer.recognize(document.text).entities
        assert {e.key for e in found} == {e.key for e in document.entities}
        ours = {entity.key: entity.score for entity in found}
        assert theirs[document.text] == pytest.approx(ours, abs=1e-5)
