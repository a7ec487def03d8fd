"""Where an error stands: its sentence, or the run of sentences that it reaches over."""

from __future__ import annotations

from collections.abc import Iterable

from farmaner.document import Document, Span
from farmaner.text import split_sentences


class Sentences:
    """Finds the sentence, or the run of them, in which something of a document stands."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._texts = {document.id: document.text for document in documents}
        self._spans: dict[str, tuple[Span, ...]] = {}

    def around(self, document_id: str, span: Span) -> tuple[str, Span]:
        """Return the document's text, and the span of the sentence without its last white space."""
        text = self._texts[document_id]
        if document_id not in self._spans:
            self._spans[document_id] = split_sentences(text)
        spans = [sentence for sentence in self._spans[document_id] if sentence.overlaps(span)]
        start, end = spans[0].start, spans[-1].end
        visible = len(text[start:end].rstrip())
        return text, Span(start, max(start + visible, span.end))
