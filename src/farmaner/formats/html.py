"""HTML: documents with their entities marked, one self-contained page to look at; write only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from farmaner.document import Document, Span
from farmaner.formats.files import write_parts
from farmaner.formats.losses import Holds, Losses, fit
from farmaner.text.highlight import Mark, segments

HOLDS = Holds()
_N_COLOURS = 8


def write_html(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write documents to a page, complete or not at all, and return what it does not show.

    Each entity is marked with its label, code and score; a discontinuous one is marked in parts.
    Whole texts are in the page: it is as confidential as they are.
    """
    losses: Losses = Counter()
    fitted = (fit(document, HOLDS, losses) for document in documents)
    write_parts(Path(path), _parts(fitted))
    return losses


def _parts(documents: Iterable[Document]) -> Iterator[str]:
    import jinja2

    source = resources.files("farmaner.formats") / "templates" / "documents.html"
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    macros: Any = environment.from_string(source.read_text(encoding="utf-8")).module
    colours: dict[str, int] = {}
    yield macros.head()
    for document in documents:
        for entity in document.entities:
            colours.setdefault(entity.label, len(colours) % _N_COLOURS)
        yield macros.document(document.id, _segments(document, colours))
    yield macros.tail()


def _segments(document: Document, colours: dict[str, int]) -> list[Any]:
    if not document.text:
        return []
    marks = []
    for entity in document.entities:
        facts = [entity.label]
        facts += [entity.concept.code] if entity.concept else []
        facts += [f"{entity.score:.2f}"] if entity.score is not None else []
        colour, tag = f"c{colours[entity.label]}", " ".join(facts)
        spans = entity.fragments or (entity.span,)
        marks += [Mark(span, (colour,), tag) for span in spans]
    return segments(document.text, Span(0, len(document.text)), marks)
