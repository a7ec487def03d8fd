"""Whatever a document holds: a format gives it back, or says that it cannot."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farmaner import Concept, Document, Entity, Span
from farmaner.formats.losses import describe
from farmaner.formats.table import FORMATS, Format

MODULES = {
    "bioc": "bioc",
    "fhir": "fhir.resources",
    "inception": "cassis",
    "spacy": "spacy",
    "tables": "pyarrow",
}
READABLE = [one for one in FORMATS if one.read is not None]
SIGNS = "aáñ \t\r\n\x00\x0b\x1f\x85\u2028\ufeff\u0301💊-.,;:|#\"'<&]>\\%(¿1"
SCORES = st.none() | st.floats(0, 1).map(lambda score: round(score, 4))


@st.composite
def entities(draw: Callable[..., object], text: str) -> Entity:
    """Draw an entity of one or two spans of a text."""
    places = st.integers(0, len(text))
    bounds = sorted(draw(st.lists(places, min_size=4, max_size=4)))  # type: ignore[call-overload]
    concept = draw(st.none() | st.builds(Concept, st.sampled_from(["1", "<null>"]), SCORES))
    label, score = draw(st.sampled_from(["X", "UNCLEAR"])), draw(SCORES)
    first, last = bounds[0], bounds[3]
    spans: tuple[Span, ...] = ()
    if bounds[0] < bounds[1] <= bounds[2] < bounds[3] and draw(st.booleans()):
        spans = (Span(bounds[0], bounds[1]), Span(bounds[2], bounds[3]))
    if first == last:
        first, last = max(0, first - 1), max(1, last)
    surface = " ".join(span.of(text) for span in spans) if spans else text[first:last]
    return Entity(Span(first, last), label, surface, score, concept, spans)  # type: ignore[arg-type]


@st.composite
def documents(draw: Callable[..., object]) -> Document:
    """Draw a document with some entities in order of place."""
    text = str(draw(st.text(SIGNS, max_size=30)))
    found = draw(st.lists(entities(text), max_size=4)) if text else []
    return Document("nota 1", text).with_entities(found)  # type: ignore[arg-type]


@pytest.mark.parametrize("one", READABLE, ids=lambda one: one.name)
def test_a_document_comes_back_exactly_when_nothing_is_reported(one: Format) -> None:
    if one.extra is not None:
        pytest.importorskip(MODULES[one.extra], reason=f"needs the extra {one.extra}")

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(documents())
    def check(document: Document) -> None:
        assert one.read is not None
        with tempfile.TemporaryDirectory() as folder:
            lost = describe(one.write([document], Path(folder) / "a"))
            same = list(one.read(Path(folder) / "a")) == [document]
        assert same is (lost == ""), lost or "not the same, and nothing reported"

    check()
