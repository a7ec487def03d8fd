"""Terms: names with codes, and where they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from farmaner.document import Document

NULL = "<null>"
"""The task's code for an entity that the terminologies do not hold."""

UNCODED = ""
"""The code of a term that is a name of its own, of which nothing more is known."""


@dataclass(frozen=True, slots=True)
class Term:
    """A name of a concept.

    `label` is the entity label it was annotated with, empty where the source knows none;
    `count` is how often it was annotated so, 0 for a term of a dictionary. `source` says where
    it comes from (`corpus`, `rf2`, `table`, or `known:` and a table of synonyms).
    """

    text: str
    code: str
    label: str = ""
    count: int = 0
    source: str = "corpus"


def terms_from_documents(documents: Iterable[Document]) -> list[Term]:
    """Return what documents annotate: surface, code and label with their counts, in order.

    Entities without a code are passed over. Line ends inside a surface become spaces.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    for document in documents:
        for entity in document.entities:
            if entity.concept is not None:
                surface = " ".join(entity.text.split())
                counts[surface, entity.concept.code, entity.label] += 1
    return [Term(text, code, label, count) for (text, code, label), count in counts.items()]
