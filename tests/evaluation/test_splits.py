"""Splits and confidence: their rules on literal forms and by hand-counted numbers."""

from pathlib import Path

import pytest

from farmaner.document import Document, Entity, Span
from farmaner.errors import UnsupportedError
from farmaner.evaluation import Counts
from farmaner.evaluation.analysis import analyze
from farmaner.evaluation.confidence import CalibrationBin, CurvePoint, confidence
from farmaner.evaluation.splits import is_abbreviation, length_group, normalized
from farmaner.formats.brat import read_brat

DRUG, PROTEIN, UNCLEAR = "NORMALIZABLES", "PROTEINAS", "UNCLEAR"


@pytest.mark.parametrize("form", ["K", "PSA", "CD20", "IL-6", "5-FU", "TNF", "ÁCIDO", "ANTI-B"])
def test_short_capitals_are_abbreviations(form: str) -> None:
    assert is_abbreviation(form)


@pytest.mark.parametrize("form", ["Na", "HbA1c", "TNF-α", "LH 2", "140", "ALBÚMINA", "hierro"])
def test_small_letters_spaces_numbers_and_long_forms_are_not(form: str) -> None:
    assert not is_abbreviation(form)


@pytest.mark.parametrize(
    ("form", "group"),
    [
        ("hierro", "1 word"),
        ("CD20", "2 words"),
        ("IL-6", "3 words"),
        ("ácido fólico oral", "3 words"),
        ("factor de von Willebrand", "4–5 words"),
        ("anti-HBc de tipo IgM", "6 words or more"),
    ],
)
def test_length_counts_letters_digits_and_signs_as_words_of_their_own(
    form: str, group: str
) -> None:
    assert length_group(form) == group


def test_forms_are_compared_case_folded_with_single_spaces() -> None:
    assert normalized("Ácido\n FÓLICO") == normalized("ácido fólico") == "ácido fólico"
    assert normalized("ácido") != normalized("acido")


def document(text: str, *rows: tuple[str, str]) -> Document:
    entities = []
    for surface, label in rows:
        start = text.index(surface)
        entities.append(Entity(Span(start, start + len(surface)), label, surface))
    return Document("caso", text, tuple(entities))


def test_seen_is_by_label_and_unclear_in_train_teaches_nothing() -> None:
    text = "Hierro, albúmina, CD3 y zinc"
    gold = document(text, ("Hierro", DRUG), ("albúmina", DRUG), ("CD3", PROTEIN))
    system = document(text, ("Hierro", DRUG), ("albúmina", PROTEIN), ("zinc", DRUG))
    train = document(
        "hierro ALBÚMINA CD3", ("hierro", DRUG), ("ALBÚMINA", PROTEIN), ("CD3", UNCLEAR)
    )

    analysis = analyze([gold], [system], train=[train])

    assert analysis.splits["seen"] == {
        "seen": Counts(1, 1, 0),
        "seen, other label": Counts(0, 0, 1),
        "unseen": Counts(0, 1, 1),
    }
    assert "seen" not in analyze([gold], [system]).splits


def test_curve_and_bins_by_hand() -> None:
    found = confidence([(0.9, True), (0.95, True), (0.9, False), (0.35, False), (1.0, True)], 5)

    assert found.curve == (
        CurvePoint(1.0, Counts(1, 0, 4)),
        CurvePoint(0.95, Counts(2, 0, 3)),
        CurvePoint(0.9, Counts(3, 1, 2)),
        CurvePoint(0.35, Counts(3, 2, 2)),
    )
    assert found.best == found.curve[2]
    assert found.bins == (
        CalibrationBin(0.3, 0.4, 1, 0, 0.35),
        CalibrationBin(0.9, 1.0, 4, 3, (1.0 + 0.95 + 0.9 + 0.9) / 4),
    )
    assert found.expected_calibration_error == pytest.approx((0.35 + 4 * 0.1875) / 5)


@pytest.mark.parametrize("scores", [[1.2], [-0.1, 0.5], []])
def test_scores_outside_0_and_1_are_refused(scores: list[float]) -> None:
    with pytest.raises(UnsupportedError, match="expected scores between 0 and 1"):
        confidence([(score, True) for score in scores], 3)


@pytest.mark.shared
def test_a_third_of_the_dev_entities_is_unseen_and_15_in_100_are_abbreviations(
    shared_dir: Path,
) -> None:
    dev, train = (read_brat(shared_dir / "pharmaconer" / split) for split in ("dev", "train"))

    splits = analyze(dev, dev, train=train).splits

    assert splits["seen"]["unseen"] == Counts(625, 0, 0)
    assert splits["abbreviation"]["abbreviation"] == Counts(283, 0, 0)
