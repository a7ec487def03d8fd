"""Every error in one class: each rule by hand, and the sums against the score itself."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farmaner.document import Document, Entity, Span
from farmaner.evaluation import Counts, score_ner
from farmaner.evaluation.analysis import analyze
from farmaner.evaluation.error_classes import ERROR_CLASSES, NerError, match_entities
from farmaner.evaluation.inputs import read_gold, read_system

TEXT = "Niega alergia a penicilina. Albúmina sérica 3,9 g/dl, CD3 y CD20 positivos, Na 140."
DRUG, UNCODED, PROTEIN, UNCLEAR = "NORMALIZABLES", "NO_NORMALIZABLES", "PROTEINAS", "UNCLEAR"


def entity(surface: str, label: str, score: float | None = None) -> Entity:
    start = TEXT.index(surface)
    return Entity(Span(start, start + len(surface)), label, surface, score)


def errors(gold: list[Entity], system: list[Entity]) -> list[NerError]:
    return list(match_entities("caso", gold, system).errors)


PENICILLIN = entity("penicilina", DRUG)
ALBUMIN = entity("Albúmina sérica", PROTEIN)
CD3, CD20, BOTH_CDS = entity("CD3", PROTEIN), entity("CD20", PROTEIN), entity("CD3 y CD20", PROTEIN)


def test_what_is_found_is_no_error_however_often_it_is_repeated() -> None:
    again = entity("penicilina", DRUG, 0.4)

    matching = match_entities("caso", [PENICILLIN, PENICILLIN], [again, PENICILLIN])

    assert matching.errors == ()
    assert matching.found == (again,)


def test_the_same_label_over_other_characters_is_one_boundary_error() -> None:
    shorter = entity("Albúmina", PROTEIN)
    assert errors([ALBUMIN], [shorter]) == [NerError("caso", "boundary", ALBUMIN, shorter)]


@pytest.mark.parametrize("surface", ["Albúmina sérica", "Albúmina", "a. Albúmina sérica 3,9"])
@pytest.mark.parametrize("label", [DRUG, UNCODED])
def test_another_label_is_a_label_error_whatever_the_boundaries(surface: str, label: str) -> None:
    other = entity(surface, label)
    assert errors([ALBUMIN], [other]) == [NerError("caso", "label", ALBUMIN, other)]


def test_gold_alone_is_missed_and_predicted_alone_spurious() -> None:
    assert errors([PENICILLIN], [CD20]) == [
        NerError("caso", "missed", PENICILLIN),
        NerError("caso", "spurious", spurious=CD20),
    ]


def test_entities_that_only_touch_share_no_character() -> None:
    stop = entity(". ", DRUG)
    assert [error.error_class for error in errors([PENICILLIN], [stop])] == ["missed", "spurious"]


def test_a_second_answer_to_what_is_found_is_a_duplicate() -> None:
    longer, other = entity("a penicilina", DRUG), entity("penicilina", PROTEIN)
    assert errors([PENICILLIN], [PENICILLIN, longer, other]) == [
        NerError("caso", "duplicate", None, longer, PENICILLIN),
        NerError("caso", "duplicate", None, other, PENICILLIN),
    ]


def test_of_two_halves_the_larger_is_the_boundary_error_and_the_other_a_duplicate() -> None:
    assert errors([BOTH_CDS], [CD3, CD20]) == [
        NerError("caso", "duplicate", None, CD3, BOTH_CDS),
        NerError("caso", "boundary", BOTH_CDS, CD20),
    ]


def test_of_two_entities_in_one_answer_both_are_boundary_errors_and_one_is_spurious() -> None:
    assert errors([CD3, CD20], [BOTH_CDS]) == [
        NerError("caso", "boundary", CD3, None, BOTH_CDS),
        NerError("caso", "boundary", CD20, BOTH_CDS),
    ]


def test_the_same_span_is_nearer_than_the_same_label() -> None:
    other_label, other_span = entity("Albúmina sérica", DRUG), entity("Albúmina", PROTEIN)
    assert errors([ALBUMIN], [other_label, other_span]) == [
        NerError("caso", "duplicate", None, other_span, ALBUMIN),
        NerError("caso", "label", ALBUMIN, other_label),
    ]


def test_an_answer_to_unclear_and_an_answer_of_unclear_are_on_unclear() -> None:
    unclear = entity("CD3", UNCLEAR)
    assert errors([unclear], [CD3]) == [NerError("caso", "unclear", None, CD3, unclear)]
    assert errors([CD3], [unclear]) == [NerError("caso", "unclear", CD3, None, unclear)]
    assert errors([unclear], []) == errors([], [unclear]) == errors([unclear], [unclear]) == []


def test_a_scored_entity_comes_before_an_unclear_one() -> None:
    unclear = entity("CD3", UNCLEAR)
    assert errors([unclear, CD20], [BOTH_CDS]) == [NerError("caso", "boundary", CD20, BOTH_CDS)]


@st.composite
def entities(draw: st.DrawFn) -> list[Entity]:
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from([DRUG, UNCODED, PROTEIN, UNCLEAR]),
                st.integers(0, 12),
                st.integers(1, 5),
                st.sampled_from([None, 0.0, 0.31, 0.9, 1.0]),
            ),
            max_size=8,
        )
    )
    return [
        Entity(Span(start, start + n), label, TEXT[start : start + n], score)
        for label, start, n, score in rows
    ]


documents = st.dictionaries(st.sampled_from("abcd"), entities(), min_size=1)


@settings(max_examples=300, deadline=None)
@given(gold=documents, system=documents, train=entities())
def test_classes_splits_and_confusion_add_up_to_the_score(
    gold: dict[str, list[Entity]], system: dict[str, list[Entity]], train: list[Entity]
) -> None:
    system = {id_: system[id_] for id_ in system.keys() & gold.keys()} or {next(iter(gold)): []}
    sides = [
        [Document(id_, TEXT, tuple(found)) for id_, found in side.items()]
        for side in (gold, system)
    ]

    analysis = analyze(sides[0], sides[1], train=[Document("t", TEXT, tuple(train))])

    score = score_ner(sides[0], sides[1])
    assert_adds_up(analysis.errors, score.micro)
    assert all(sum(groups.values(), Counts()) == score.micro for groups in analysis.splits.values())
    assert analysis.splits["label"] == score.by_label
    cells = {pair: sum(counts) for pair, counts in analysis.confusion.items()}
    for label, counts in score.by_label.items():
        row = sum(n for (of_gold, _), n in cells.items() if of_gold == label)
        column = sum(n for (_, predicted), n in cells.items() if predicted == label)
        assert row == counts.true_positives + counts.false_negatives
        assert column == counts.true_positives + counts.false_positives
    if analysis.confidence is not None:
        assert analysis.confidence.curve[-1].counts == score.micro
        n_predicted = score.micro.true_positives + score.micro.false_positives
        assert sum(bin_.n_entities for bin_ in analysis.confidence.bins) == n_predicted
        n_correct = sum(bin_.n_correct for bin_ in analysis.confidence.bins)
        assert n_correct == score.micro.true_positives


def assert_adds_up(found: tuple[NerError, ...], micro: Counts) -> None:
    """Each missed and each spurious item is in exactly one error, and there are no others."""
    missed = [(e.document_id, *e.missed.key) for e in found if e.missed is not None]
    spurious = [(e.document_id, *e.spurious.key) for e in found if e.spurious is not None]
    assert len(set(missed)) == len(missed) == micro.false_negatives
    assert len(set(spurious)) == len(spurious) == micro.false_positives
    assert all(e.entities for e in found)
    assert {e.error_class for e in found} <= set(ERROR_CLASSES)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("system", "n_errors"), [("perfect", 0), ("light", 361), ("heavy", 995), ("missing-docs", 760)]
)
def test_real_systems_add_up_to_what_evaluate_prints(
    shared_dir: Path, system: str, n_errors: int
) -> None:
    folders = shared_dir / "pharmaconer/dev", shared_dir / "scoring" / system / "ner"
    gold = read_gold(folders[0])

    analysis = analyze(gold, read_system(folders[1], {d.id: d for d in gold}))

    micro = score_ner(*folders).micro
    assert_adds_up(analysis.errors, micro)
    classes = analysis.classes.values()
    assert sum(counts.n_errors for counts in classes) == n_errors
    assert sum(counts.false_negatives for counts in classes) == micro.false_negatives
    assert sum(counts.false_positives for counts in classes) == micro.false_positives
