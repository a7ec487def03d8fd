from __future__ import annotations

import dataclasses
import pickle

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import FarmanerError, FormatError, MissingExtraError, OffsetError

TEXT = "Ibuprofeno y paracetamol, 1 g 💊."


@pytest.mark.parametrize(("start", "end"), [(3, 3), (4, 2), (-1, 2)])
def test_a_span_is_never_empty_nor_negative(start: int, end: int) -> None:
    with pytest.raises(OffsetError) as caught:
        Span(start, end)
    assert str(caught.value) == (f"span: expected 0 <= start < end, found start {start}, end {end}")


def test_a_span_knows_its_length_its_text_and_its_neighbours() -> None:
    span = Span(13, 24)
    assert (len(span), span.of(TEXT)) == (11, "paracetamol")
    assert [span.overlaps(other) for other in (Span(0, 13), Span(23, 30), Span(24, 25))] == [
        False,
        True,
        False,
    ]


def test_offsets_count_code_points_past_an_emoji() -> None:
    document = Document("nota", "💊 ibuprofeno")
    assert document.entity("NORMALIZABLES", 2, 12).text == "ibuprofeno"


def test_values_are_frozen() -> None:
    document = Document("nota", TEXT)
    with pytest.raises(dataclasses.FrozenInstanceError):
        document.text = "otro"  # type: ignore[misc]


def test_an_entity_outside_its_text_is_refused() -> None:
    entity = Entity(Span(13, 40), "NORMALIZABLES", "paracetamol")
    with pytest.raises(OffsetError) as caught:
        Document("nota", TEXT, (entity,))
    assert str(caught.value) == (
        "nota: expected an entity inside the text of 32 characters, found NORMALIZABLES 13-40"
    )


def test_an_entity_with_another_text_is_refused_without_quoting_either() -> None:
    entity = Entity(Span(13, 24), "NORMALIZABLES", "ibuprofeno")
    with pytest.raises(OffsetError) as caught:
        Document("nota", TEXT, (entity,))
    assert str(caught.value) == (
        "nota: expected the entity's text to equal its slice, found another at NORMALIZABLES 13-24"
    )


@pytest.mark.parametrize(
    "fragments",
    [
        (Span(0, 10),),
        (Span(0, 3), Span(5, 9)),
        (Span(0, 3), Span(6, 8), Span(4, 10)),
        (Span(0, 6), Span(5, 10)),
    ],
)
def test_fragments_must_be_ordered_and_fill_the_entity(fragments: tuple[Span, ...]) -> None:
    with pytest.raises(OffsetError) as caught:
        Entity(Span(0, 10), "NORMALIZABLES", "", fragments=fragments)
    assert str(caught.value) == (
        "fragments: expected two or more ordered spans that begin and end with the entity, "
        f"found {len(fragments)} for 0-10"
    )


def test_a_discontinuous_entity_reads_its_fragments_joined_by_a_space() -> None:
    text = "anticuerpos anti-Ro y anti-La"
    fragments = (Span(0, 11), Span(22, 29))
    entity = Entity(Span(0, 29), "PROTEINAS", "anticuerpos anti-La", fragments=fragments)
    assert Document("nota", text, (entity,)).entities[0].surface_in(text) == "anticuerpos anti-La"
    assert (entity.discontinuous, entity.key) == (True, ("PROTEINAS", 0, 29))


def test_with_entities_orders_by_place_and_lets_go_of_the_other_lines() -> None:
    document = Document("nota", TEXT, other_lines=("R1\tJunto Arg1:T1 Arg2:T2",))
    second, first = document.entity("B", 13, 24), document.entity("A", 0, 10, score=0.5)
    assert document.with_entities([second, first]) == Document("nota", TEXT, (first, second))


def test_an_entity_may_carry_a_concept_and_a_score() -> None:
    concept = Concept("387207008", 0.75)
    entity = Document("nota", TEXT).entity("NORMALIZABLES", 0, 10, score=0.9, concept=concept)
    assert entity == Entity(Span(0, 10), "NORMALIZABLES", "Ibuprofeno", 0.9, concept)


@pytest.mark.parametrize(
    "error",
    [
        FormatError("nota.ann", 3, "un tabulador", "ninguno"),
        MissingExtraError("torch", "train"),
        OffsetError("nota: fuera"),
    ],
)
def test_errors_survive_pickling(error: FarmanerError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
