from __future__ import annotations

import pytest

from farmaner import Entity, Span
from farmaner.formats.alignment import AS_WRITTEN, Placement, place

CRLF = "a line end CR LF counted as one character"
BOM = "the byte-order mark not counted"
UTF16 = "UTF-16 code units counted"
NEARBY = "surface found nearby"


def at(start: int, end: int, surface: str, *fragments: Span) -> Entity:
    return Entity(Span(start, end), "NORMALIZABLES", surface, fragments=fragments)


def test_offsets_that_fit_stay_as_written() -> None:
    entity = at(5, 15, "ibuprofeno")
    assert place("Toma ibuprofeno.", [entity]) == [Placement(entity, AS_WRITTEN)]


def test_a_line_end_counted_as_one_character_is_detected_for_the_whole_document() -> None:
    text = "Dolor.\r\nToma oro.\r\n\r\nSin oro ni oro."
    written = [at(12, 15, "oro"), at(22, 25, "oro"), at(29, 32, "oro")]
    assert place(text, written) == [
        Placement(at(13, 16, "oro"), CRLF),
        Placement(at(25, 28, "oro"), CRLF),
        Placement(at(32, 35, "oro"), CRLF),
    ]


def test_an_entity_before_the_first_line_end_is_not_called_realigned() -> None:
    text = "Toma oro.\r\nNo toma hierro."
    assert place(text, [at(5, 8, "oro"), at(18, 24, "hierro")]) == [
        Placement(at(5, 8, "oro"), AS_WRITTEN),
        Placement(at(19, 25, "hierro"), CRLF),
    ]


def test_a_crlf_text_whose_annotator_counted_two_characters_stays_as_written() -> None:
    entity = at(19, 25, "hierro")
    assert place("Toma oro.\r\nNo toma hierro.", [entity]) == [Placement(entity, AS_WRITTEN)]


@pytest.mark.parametrize("surface", ["ácido fólico", "ácido  fólico"])
def test_a_line_end_inside_an_entity_may_be_one_space_or_two(surface: str) -> None:
    text = "Dolor.\r\nToma ácido\r\nfólico."
    moved = at(13, 26, "ácido\r\nfólico")
    assert place(text, [at(12, 24, surface)]) == [Placement(moved, CRLF)]


def test_a_byte_order_mark_may_be_counted_or_not() -> None:
    text = "\ufeffToma oro."
    assert place(text, [at(6, 9, "oro")]) == [Placement(at(6, 9, "oro"), AS_WRITTEN)]
    assert place(text, [at(5, 8, "oro")]) == [Placement(at(6, 9, "oro"), BOM)]
    assert place(text, [at(0, 4, "Toma")]) == [Placement(at(1, 5, "Toma"), BOM)]


def test_utf16_code_units_are_understood() -> None:
    text = "💊💊 Toma oro."
    assert place(text, [at(10, 13, "oro")]) == [Placement(at(8, 11, "oro"), UTF16)]
    assert place(text, [at(2, 4, "💊")]) == [Placement(at(1, 2, "💊"), UTF16)]


def test_several_ways_of_counting_at_once_are_understood() -> None:
    text = "\ufeff💊\r\nToma oro."
    reason = f"{CRLF}, {BOM}, {UTF16}"
    # Without the mark, with two units for the emoji and one for the line end: 0 + 2 + 1 + 5.
    written = [at(0, 2, "💊"), at(3, 7, "Toma"), at(8, 11, "oro")]
    assert place(text, written) == [
        Placement(at(1, 2, "💊"), reason),
        Placement(at(4, 8, "Toma"), reason),
        Placement(at(9, 12, "oro"), reason),
    ]


def test_a_small_shift_is_mended_to_the_nearest_place() -> None:
    text = "oro, hierro, calcio y oro"
    assert place(text, [at(6, 12, "hierro"), at(15, 21, "calcio"), at(21, 24, "oro")]) == [
        Placement(at(5, 11, "hierro"), NEARBY),
        Placement(at(13, 19, "calcio"), NEARBY),
        Placement(at(22, 25, "oro"), NEARBY),
    ]


def test_a_span_longer_than_its_surface_is_cut_to_it() -> None:
    assert place("Toma oro diario", [at(5, 9, "oro")]) == [Placement(at(5, 8, "oro"), NEARBY)]


def test_fragments_move_together() -> None:
    text = "Son anticuerpos anti-Ro y anti-La"
    written = at(5, 34, "anticuerpos anti-La", Span(5, 16), Span(27, 34))
    moved = at(4, 33, "anticuerpos anti-La", Span(4, 15), Span(26, 33))
    assert place(text, [written]) == [Placement(moved, NEARBY)]


@pytest.mark.parametrize(
    ("text", "entity", "found"),
    [
        ("Toma oro.", at(4, 9, "plata"), "other text there and no such words within 16 characters"),
        (
            "oro," + 17 * " " + "fin",
            at(21, 24, "oro"),
            "other text there and no such words within 16 characters",
        ),
        (
            "Toma oro.",
            at(50, 53, "oro"),
            "a text of 9 characters and no such words within 16 characters",
        ),
        ("tesoro", at(0, 3, "oro"), "other text there and no such words within 16 characters"),
        ("oro y oro", at(3, 6, "oro"), "it at two places equally near"),
        ("oro", at(0, 3, ""), "other text there and no such words within 16 characters"),
    ],
)
def test_what_has_no_place_is_reported_without_its_text(
    text: str, entity: Entity, found: str
) -> None:
    assert place(text, [entity]) == [Placement(None, found)]


def test_the_farthest_place_that_is_looked_at() -> None:
    text = "oro," + 12 * " " + "fin"
    assert place(text, [at(16, 19, "oro")]) == [Placement(at(0, 3, "oro"), NEARBY)]


def test_without_realignment_only_offsets_as_written_count() -> None:
    text = "Dolor.\r\nToma oro."
    assert place(
        text, [at(12, 15, "oro"), at(13, 16, "oro"), at(40, 43, "oro")], realign=False
    ) == [
        Placement(None, "other text there"),
        Placement(at(13, 16, "oro"), AS_WRITTEN),
        Placement(None, "a text of 17 characters"),
    ]
