"""Abbreviations that a text defines itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmaner.linking.abbreviations import find_abbreviations

DEFINED = [
    ("Tomaba ácido acetilsalicílico (AAS) a diario.", "AAS", "ácido acetilsalicílico"),
    ("con AAS (ácido acetilsalicílico) 100 mg", "AAS", "ácido acetilsalicílico"),
    ("lactato deshidrogenasa (LDH): 800", "LDH", "lactato deshidrogenasa"),
    ("Antígeno Prostático Específico [APE]", "APE", "Antígeno Prostático Específico"),
    ("de proteína C reactiva (PCR, normal)", "PCR", "proteína C reactiva"),
    ("heparina de bajo peso molecular (HBPM)", "HBPM", "heparina de bajo peso molecular"),
    ("Se inició 5-fluorouracilo (5-FU)", "5-FU", "5-fluorouracilo"),
]

UNDEFINED = [
    "metformina (850 mg)",
    "creatinina (1,2 mg/dl)",
    "una lesión (ver figura)",
    "penicilina (XYZ)",
    "Hb (12 g/dl)",
    "()",
    "( )",
    "(AAS)",
    "paciente. (AAS)",
]


@pytest.mark.parametrize(("text", "short", "long"), DEFINED)
def test_a_definition_is_found_with_both_its_places(text: str, short: str, long: str) -> None:
    (found,) = find_abbreviations(text)
    assert (found.short, found.long) == (short, long)
    assert (found.short_span.of(text), found.long_span.of(text)) == (short, long)


@pytest.mark.parametrize("text", UNDEFINED)
def test_what_defines_nothing_is_passed_over(text: str) -> None:
    assert find_abbreviations(text) == []


def test_the_long_form_does_not_reach_into_the_sentence_before() -> None:
    assert find_abbreviations("Acude andando. Sin síntomas (AAS)") == []


def test_several_definitions_come_in_order() -> None:
    text = "ácido valproico (AVP) y levetiracetam (LEV)"
    assert [found.short for found in find_abbreviations(text)] == ["AVP", "LEV"]


@given(st.text(alphabet="aáBC 1(),.[]-\nß"))
def test_spans_always_hold_what_they_say(text: str) -> None:
    for found in find_abbreviations(text):
        assert found.short_span.of(text) == found.short
        assert found.long_span.of(text) == found.long
        assert not found.short_span.overlaps(found.long_span)
