"""A little corpus with codes, and terminologies made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from farmaner import Concept, Document
from farmaner.linking import Terminology
from farmaner.linking.build import build_terminology

Codes = dict[tuple[str, str], str]


def annotated(id_: str, text: str, codes: Codes) -> Document:
    """Return a document with an entity for every (name, label), at its first place."""
    document = Document(id_, text)
    entities = []
    for (name, label), code in codes.items():
        start = text.index(name)
        entity = document.entity(label, start, start + len(name))
        entities.append(replace(entity, concept=Concept(code) if code else None))
    return document.with_entities(entities)


def unlinked(document: Document) -> Document:
    return document.with_entities(replace(entity, concept=None) for entity in document.entities)


@pytest.fixture
def make() -> Callable[[str, str, Codes], Document]:
    return annotated


@pytest.fixture(scope="session")
def corpus() -> list[Document]:
    drug, protein = "NORMALIZABLES", "PROTEINAS"
    return [
        annotated(
            "a",
            "Toma metformina y sulfato magnésico.",
            {("metformina", drug): "372567009", ("sulfato magnésico", drug): "387202002"},
        ),
        annotated(
            "b",
            "Elevación de GPT; anti-DNA negativos; ALK negativo.",
            {
                ("GPT", protein): "56935002",
                ("anti-DNA", protein): "6741004",
                ("ALK", protein): "<null>",
            },
        ),
        annotated(
            "c",
            "La β-HCG y la alfa-fetoproteína; metformina.",
            {
                ("β-HCG", protein): "40940006",
                ("alfa-fetoproteína", protein): "49944008",
                ("metformina", drug): "372567009",
            },
        ),
        annotated(
            "d",
            "Ca 8,9 mg/dl, sodio 140, Imurel.",
            {("Ca", drug): "5540006", ("sodio", drug): "39972003", ("Imurel", drug): "372574004"},
        ),
        annotated("e", "Alergia a rojo dudoso.", {("rojo dudoso", "UNCLEAR"): "1"}),
    ]


@pytest.fixture(scope="session")
def terminology(corpus: list[Document]) -> Terminology:
    return build_terminology(corpus)
