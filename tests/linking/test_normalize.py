"""Keys: which names are one, at which level, and which are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmaner.linking.normalize import KEYS, Level

LEVELS: list[Level] = ["plain", "squashed", "inflected", "derived"]

SAME = [
    ("plain", "Ácido  Úrico", "ácido úrico"),
    ("squashed", "β-HCG", "beta hCG"),
    ("squashed", "ß-HCG", "b-hcg"),
    ("squashed", "alfa-fetoproteína", "a-fetoproteina"),
    ("squashed", "TNF-α", "TNF alfa"),
    ("squashed", "Kenacort®-A", "kenacort A"),
    ("squashed", "CA 19,9", "Ca19.9"),
    ("squashed", "IL 2", "IL-2"),
    ("inflected", "ANCA's", "ANCA"),
    ("inflected", "IGs", "Ig"),
    ("inflected", "benzodiacepinas", "benzodiazepina"),
    ("inflected", "enzimas hepáticos", "enzima hepática"),
    ("inflected", "acetónido de triamcinolona", "Triamcinolona acetónido"),
    ("inflected", "keratina", "queratina"),
    ("inflected", "factor II", "factor 2"),
    ("inflected", "interferón de tipo alfa", "interferón alfa"),
    ("derived", "sulfato de magnesio", "sulfato magnésico"),
    ("derived", "valproico", "ácido valproico"),
    ("derived", "folato", "ácido fólico"),
    ("derived", "receptores de estrógeno", "receptor estrogénico"),
    ("derived", "anticuerpos anti-DNA", "antiADN"),
    ("derived", "anticuerpos frente a transglutaminasa", "IgA antitransglutaminasa"),
    ("derived", "interleukina II", "IL-2"),
    ("derived", "heparina Na", "heparina sódica"),
]

DIFFERENT = [
    ("CK7", "CK8"),
    ("IL-2", "IL-6"),
    ("vitamina A", "vitamina E"),
    ("IgA", "IgG"),
    ("interferón alfa", "interferón beta"),
    ("factor V", "factor VIII"),
    ("alfa", "beta"),
    ("nitratos", "nitritos"),
    ("proteína C", "proteína S"),
    ("creatina", "creatinina"),
    ("K", "Ca"),
    ("colágeno", "colágeno IV"),
]


@pytest.mark.parametrize(("level", "one", "other"), SAME)
def test_names_of_one_thing_share_a_key(level: Level, one: str, other: str) -> None:
    assert KEYS[level](one) == KEYS[level](other)


@pytest.mark.parametrize(("level", "one", "other"), SAME)
def test_no_stricter_level_would_have_done(level: Level, one: str, other: str) -> None:
    stricter = LEVELS[: LEVELS.index(level)]
    assert all(KEYS[before](one) != KEYS[before](other) for before in stricter)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
@pytest.mark.parametrize("level", LEVELS)
def test_different_things_never_share_a_key(level: Level, one: str, other: str) -> None:
    assert KEYS[level](one) != KEYS[level](other)


@given(st.text())
def test_every_text_has_a_key_and_case_plays_no_part_in_the_plain_one(text: str) -> None:
    keys = {level: key(text) for level, key in KEYS.items()}
    assert all(isinstance(key, str) for key in keys.values())
    assert keys["plain"] == KEYS["plain"](keys["plain"])
    assert keys["squashed"] == "" or keys["squashed"].isalnum()


@pytest.mark.parametrize("text", ["", " ", "+", "---", "()"])
def test_a_text_without_letters_and_digits_has_empty_keys(text: str) -> None:
    assert [KEYS[level](text) for level in LEVELS[1:]] == ["", "", ""]
