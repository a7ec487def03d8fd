from __future__ import annotations

from collections import Counter

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import OffsetError
from farmaner.formats.losses import Holds, Loss, Losses, describe, fit, fit_xml, without_overlaps
from farmaner.formats.utf16 import Utf16Offsets

NOTHING = Holds(scores=False, codes=False, code_scores=False, fragments=False, overlaps=False)


def test_a_document_keeps_what_the_format_holds_and_the_rest_is_counted() -> None:
    fragments = (Span(0, 3), Span(6, 11))
    both = Entity(Span(0, 11), "X", "oro plata", 0.5, Concept("1", 0.5), fragments)
    document = Document("a", "oro y plata", (both, Entity(Span(0, 3), "X", "oro")), ("R1\tx",))
    losses: Losses = Counter()
    fitted = fit(document, NOTHING, losses)
    assert fitted == Document("a", "oro y plata", (Entity(Span(0, 11), "X", "oro y plata"),))
    assert losses == {
        Loss.SCORE: 1,
        Loss.CODE: 1,
        Loss.CODE_SCORE: 1,
        Loss.FRAGMENTS: 1,
        Loss.OVERLAP: 1,
        Loss.OTHER_LINE: 1,
    }


def test_the_note_that_a_code_was_read_from_is_not_lost_with_the_other_lines() -> None:
    entity = Entity(Span(0, 3), "X", "oro", None, Concept("1"), id="T7")
    lines = ("#4\tAnnotatorNotes T7\t1", "#5\tAnnotatorNotes T7\tdudosa")
    losses: Losses = Counter()
    fit(Document("a", "oro", (entity,), lines), Holds(), losses)
    assert losses == {Loss.OTHER_LINE: 1}


def test_of_entities_that_overlap_the_longest_stays_and_of_equals_the_first() -> None:
    def entity(start: int, end: int, label: str = "X") -> Entity:
        return Entity(Span(start, end), label, "")

    inner, outer, beside, twin = entity(2, 4), entity(0, 6), entity(6, 8), entity(6, 8, "Y")
    assert without_overlaps([inner, outer, beside, twin]) == [outer, beside]


def test_characters_that_xml_cannot_hold_are_replaced_one_for_one() -> None:
    text = "\x00oro\x0b\ud83d\uffff\t\r\n💊\x85"
    document = Document("a", text, (Entity(Span(0, 5), "X", text[:5]),))
    losses: Losses = Counter()
    fitted = fit_xml(document, losses)
    assert fitted.text == "\ufffdoro\ufffd\ufffd\ufffd\t\r\n💊\x85"
    assert fitted.entities[0].text == "\ufffdoro\ufffd"
    assert describe(losses) == "characters that XML cannot hold, written as U+FFFD: 4"


def test_what_was_not_lost_is_not_described() -> None:
    assert describe(Counter({Loss.SCORE: 0})) == ""
    assert describe(Counter({Loss.SCORE: 1200, Loss.CODE: 3})) == (
        "codes: 3; scores of entities: 1,200"
    )


def test_utf16_offsets_agree_with_the_encoding_itself() -> None:
    text = "💊a👩🏽‍⚕️ñ\u0301\r\n💊"
    offsets = Utf16Offsets(text)
    units = [len(text[:end].encode("utf-16-le")) // 2 for end in range(len(text) + 1)]
    assert [offsets.to_utf16(end) for end in range(len(text) + 1)] == units
    assert [offsets.to_code_points(unit) for unit in units] == list(range(len(text) + 1))


@pytest.mark.parametrize("offset", [-1, 1, 3, 5, 6])
def test_a_utf16_offset_inside_a_character_or_outside_the_text_is_refused(offset: int) -> None:
    with pytest.raises(OffsetError):
        Utf16Offsets("💊💊x"[:2]).to_code_points(offset)
