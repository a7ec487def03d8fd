"""The tags of other taggers, and the place of each among ours."""

from __future__ import annotations

import re
from typing import Any

import pytest

from farmaner.errors import ConfigError
from farmaner.tagging import Scheme, read_foreign_tags


@pytest.mark.parametrize(
    ("tags", "given", "scheme", "ours"),
    [
        (
            "I-PROTEINAS O B-PROTEINAS B-NORMALIZABLES I-NORMALIZABLES",
            {},
            Scheme("iob2", ("PROTEINAS", "NORMALIZABLES")),
            "I-PROTEINAS O B-PROTEINAS B-NORMALIZABLES I-NORMALIZABLES",
        ),
        (
            "O B-DRUG I-DRUG B-GEN I-GEN",
            {"names": {"DRUG": "NORMALIZABLES", "GEN": "PROTEINAS"}},
            Scheme("iob2", ("NORMALIZABLES", "PROTEINAS")),
            "O B-NORMALIZABLES I-NORMALIZABLES B-PROTEINAS I-PROTEINAS",
        ),
        (
            "LABEL_0 LABEL_1 LABEL_2",
            {"names": {"LABEL_0": "O", "LABEL_1": "B-FARMACO", "LABEL_2": "I-FARMACO"}},
            Scheme("iob2", ("FARMACO",)),
            "O B-FARMACO I-FARMACO",
        ),
        ("O I-DRUG I-GEN", {}, Scheme("io", ("DRUG", "GEN")), "O I-DRUG I-GEN"),
        ("O I-DRUG", {"scheme": "iob2"}, Scheme("iob2", ("DRUG",)), "O I-DRUG"),
        (
            "DRUG GEN O",
            {"scheme": "io", "names": {"DRUG": "NORMALIZABLES"}},
            Scheme("io", ("NORMALIZABLES", "GEN")),
            "I-NORMALIZABLES I-GEN O",
        ),
        ("B-X I-X E-X S-X O", {}, Scheme("bioes", ("X",)), "B-X I-X E-X S-X O"),
        ("O B-X I-X L-X U-X", {}, Scheme("bioes", ("X",)), "O B-X I-X E-X S-X"),
        ("O B-X M-X E-X S-X", {}, Scheme("bioes", ("X",)), "O B-X I-X E-X S-X"),
        (
            "[PAD] O B-X I-X B-DISEASE I-DISEASE X",
            {"dropped": ["[PAD]", "DISEASE", "X"]},
            Scheme("iob2", ("X",)),
            None,
        ),
        (
            "O B-N I-N X [CLS] [SEP]",
            {"scheme": "paper", "names": {"[CLS]": "CLS", "[SEP]": "SEP"}},
            Scheme("paper", ("N",)),
            "O B-N I-N X CLS SEP",
        ),
    ],
)
def test_each_tag_finds_its_place(
    tags: str, given: dict[str, Any], scheme: Scheme, ours: str | None
) -> None:
    found = read_foreign_tags(tags.split(), **given)
    assert found.scheme == scheme
    if ours is not None:
        assert found.ours == tuple(ours.split())


def test_what_is_dropped_has_no_place_and_a_missing_tag_no_row() -> None:
    found = read_foreign_tags(["I-B", "O", "I-A", "I-C"], dropped=["C"], scheme="iob2")
    assert found.ours == ("I-B", "O", "I-A", None)
    assert found.scheme.tags == ("O", "B-B", "I-B", "B-A", "I-A")
    assert found.rows() == [1, None, 0, None, 2]


@pytest.mark.parametrize(
    ("tags", "given", "message"),
    [
        (
            "O LABEL_1",
            {},
            "tag 'LABEL_1': expected O or one such as B-DRUG, found neither; say what it is "
            "(--label LABEL_1=B-DRUG, --label LABEL_1=O), that labels stand alone (--scheme io), "
            "or to do without it (--drop LABEL_1)",
        ),
        (
            "O B-A I-A",
            {"names": {"AA": "N"}},
            "AA: expected a label or a tag of the model (O, B-A, I-A), found neither",
        ),
        (
            "O B-A I-A B-B I-B",
            {"names": {"A": "N", "B": "N"}},
            "tag 'B-B': expected a place of its own, found B-N, the place of 'B-A'; labels can be "
            "joined only after annotating",
        ),
        (
            "O B-A E-A",
            {"scheme": "iob2"},
            "tag 'E-A': expected a place in the scheme iob2 (O, B-A, I-A), found E-A",
        ),
        ("B-A I-A", {}, "tags B-A, I-A: expected one that is O, found none"),
        ("O", {}, "labels: expected distinct names, at least one, found ()"),
    ],
)
def test_a_tag_without_a_place_of_its_own_is_named(
    tags: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        read_foreign_tags(tags.split(), **given)
