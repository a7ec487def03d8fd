"""The tables of the schemes, turned round, and targets for literal windows."""

import pytest

from farmaner.errors import ConfigError
from farmaner.tagging import IGNORED, Scheme, SchemeName
from farmaner.tagging.schemes import PIECE_TARGETS, READING, WORD_TAG

LABELS = ("NORMALIZABLES", "PROTEINAS")

# PIECE_TARGETS by target: which roles get it.
ROLES: dict[tuple[SchemeName, str | None], set[str]] = {
    ("iob2", WORD_TAG): {"first"},
    ("iob2", None): {"later", "cls", "sep"},
    ("paper", WORD_TAG): {"first"},
    ("paper", "X"): {"later"},
    ("paper", "CLS"): {"cls"},
    ("paper", "SEP"): {"sep"},
    ("io", WORD_TAG): {"first"},
    ("io", None): {"later", "cls", "sep"},
    ("bioes", WORD_TAG): {"first"},
    ("bioes", None): {"later", "cls", "sep"},
}

# READING by what happens: for which (prefix, open label).
OCCASIONS = {
    "open": {("B", "none"), ("B", "same"), ("B", "other"), ("I", "none"), ("I", "other")},
    "continue": {("I", "same")},
    "close": {("O", "none"), ("O", "same"), ("O", "other")},
    "end": {("E", "same")},
    "whole": {("E", "none"), ("E", "other"), ("S", "none"), ("S", "same"), ("S", "other")},
}


def test_the_table_of_targets_read_by_target() -> None:
    turned: dict[tuple[SchemeName, str | None], set[str]] = {}
    for scheme, row in PIECE_TARGETS.items():
        for role, target in row.items():
            turned.setdefault((scheme, target), set()).add(role)

    assert turned == ROLES


def test_the_table_of_reading_read_by_what_happens() -> None:
    turned: dict[str, set[tuple[str, str]]] = {}
    for occasion, action in READING.items():
        turned.setdefault(action, set()).add(occasion)

    assert turned == OCCASIONS


def test_iob2_has_outside_and_two_tags_a_label() -> None:
    assert Scheme("iob2", LABELS).tags == (
        "O",
        "B-NORMALIZABLES",
        "I-NORMALIZABLES",
        "B-PROTEINAS",
        "I-PROTEINAS",
    )


def test_paper_adds_the_three_special_tags_at_the_end() -> None:
    assert Scheme("paper", ("PROTEINAS",)).tags == (
        "O",
        "B-PROTEINAS",
        "I-PROTEINAS",
        "X",
        "CLS",
        "SEP",
    )


def test_io_and_bioes_have_one_and_four_tags_a_label() -> None:
    assert Scheme("io", LABELS).tags == ("O", "I-NORMALIZABLES", "I-PROTEINAS")
    assert Scheme("bioes", ("N",)).tags == ("O", "B-N", "I-N", "E-N", "S-N")


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("iob2", "B-N / B-N I-N / B-N I-N I-N I-N"),
        ("paper", "B-N / B-N I-N / B-N I-N I-N I-N"),
        ("io", "I-N / I-N I-N / I-N I-N I-N I-N"),
        ("bioes", "S-N / B-N E-N / B-N I-N I-N E-N"),
    ],
)
def test_the_tags_of_entities_of_one_two_and_four_words(name: SchemeName, tags: str) -> None:
    scheme = Scheme(name, ("N", "P"))
    found = [[scheme.tags[tag] for tag in scheme.entity_tags("N", n)] for n in (1, 2, 4)]
    assert " / ".join(map(" ".join, found)) == tags


def test_a_tag_and_its_number_name_each_other() -> None:
    scheme = Scheme("paper", LABELS)

    assert [scheme.number(tag) for tag in scheme.tags] == list(range(8))
    assert [scheme.split(number) for number in range(8)] == [
        ("O", ""),
        ("B", "NORMALIZABLES"),
        ("I", "NORMALIZABLES"),
        ("B", "PROTEINAS"),
        ("I", "PROTEINAS"),
        ("O", ""),
        ("O", ""),
        ("O", ""),
    ]


def test_labels_may_hold_hyphens() -> None:
    scheme = Scheme("iob2", ("GEN-O-PROTEINA",))

    assert scheme.split(scheme.number("I-GEN-O-PROTEINA")) == ("I", "GEN-O-PROTEINA")


def test_a_tag_that_the_scheme_lacks_has_no_number() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        Scheme("iob2", LABELS).number("X")


# "Toma ácido fólico ." with ácido in two pieces, fólico in three.
WORD_TAGS, PIECE_COUNTS = [0, 1, 2, 0], [1, 2, 3, 1]


def test_targets_of_iob2_are_for_first_pieces_only() -> None:
    no = IGNORED

    assert Scheme("iob2", LABELS).targets(WORD_TAGS, PIECE_COUNTS) == (
        [no, 0, 1, no, 2, no, no, 0, no]
    )


def test_targets_of_paper_are_for_every_piece() -> None:
    x, cls, sep = 5, 6, 7

    assert Scheme("paper", LABELS).targets(WORD_TAGS, PIECE_COUNTS) == (
        [cls, 0, 1, x, 2, x, x, 0, sep]
    )


@pytest.mark.parametrize("labels", [(), ("PROTEINAS", "PROTEINAS")])
def test_labels_that_are_none_or_twice_are_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="labels: expected distinct names, at least one"):
        Scheme("iob2", labels)


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="scheme: expected one of iob2, paper, io, bioes, found 'bilou'"
    ):
        Scheme("bilou", LABELS)  # type: ignore[arg-type]
