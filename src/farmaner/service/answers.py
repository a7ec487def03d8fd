"""Documents with entities to what is sent back."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from farmaner.document import Document
from farmaner.formats.jsonl import document_to_json
from farmaner.service.terms import Terms


def select(
    document: Document, *, minimum_score: float = 0.0, labels: Iterable[str] | None = None
) -> Document:
    """Return the document with the entities that were asked for."""
    wanted = None if labels is None else frozenset(labels)
    kept = tuple(
        entity
        for entity in document.entities
        if (entity.score is None or entity.score >= minimum_score)
        and (wanted is None or entity.label in wanted)
    )
    return replace(document, entities=kept)


def document_answer(
    document: Document, *, offsets: str = "codepoints", terms: Terms | None = None
) -> dict[str, Any]:
    """Return a document as the values of its JSON, its text left out.

    With `terms` each entity has `code`, `code_score` and `term`, null where it has no code.
    """
    row = document_to_json(document, with_text=False)
    entities: list[dict[str, Any]] = row["entities"]
    if terms is not None:
        for entity in entities:
            code = entity.setdefault("code", None)
            entity.setdefault("code_score", None)
            entity["term"] = terms.of(code)
    if offsets == "utf16":
        count = Utf16(document.text)
        for entity in entities:
            entity["start"], entity["end"] = count(entity["start"]), count(entity["end"])
    return row


class Utf16:
    """Offsets in code points of one text to offsets in UTF-16 units."""

    def __init__(self, text: str) -> None:
        self._wide: Sequence[int] = (
            [] if text.isascii() else [at for at, sign in enumerate(text) if sign > "\uffff"]
        )

    def __call__(self, offset: int) -> int:
        """Return the offset in UTF-16 units."""
        return offset + bisect_left(self._wide, offset)
