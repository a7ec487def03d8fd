from farmaner.evaluation import Counts, score_sets, score_sets_by, sum_counts


def test_figures_are_derived_from_counts() -> None:
    counts = Counts(true_positives=3, false_positives=1, false_negatives=2)

    assert (counts.precision, counts.recall) == (3 / 4, 3 / 5)
    assert counts.f1 == 2 * (3 / 4) * (3 / 5) / (3 / 4 + 3 / 5)


def test_a_figure_whose_denominator_is_zero_is_zero() -> None:
    nothing = Counts()
    only_missed = Counts(false_negatives=2)
    only_spurious = Counts(false_positives=2)

    for counts in (nothing, only_missed, only_spurious):
        assert (counts.precision, counts.recall, counts.f1) == (0.0, 0.0, 0.0)


def test_counts_add_up() -> None:
    assert Counts(1, 2, 3) + Counts(10, 20, 30) == Counts(11, 22, 33)
    assert sum_counts([Counts(1, 0, 0), Counts(0, 1, 0), Counts(0, 0, 1)]) == Counts(1, 1, 1)
    assert sum_counts([]) == Counts()


def test_sets_are_compared_within_their_document() -> None:
    gold = {"a": {1, 2, 3}, "b": {4}}
    system = {"a": {2, 3, 4}, "b": {1}}

    assert score_sets(gold, system) == Counts(2, 2, 2)


def test_a_document_that_one_side_lacks_counts_as_empty_there() -> None:
    assert score_sets({"a": {1, 2}}, {"b": {1}}) == Counts(0, 1, 2)


def test_groups_are_counted_apart_and_in_order() -> None:
    gold = {"a": {"P1", "N1", "N2"}}
    system = {"a": {"P1", "N1", "N3", "Z1"}}

    by_letter = score_sets_by(gold, system, lambda item: item[0])

    assert list(by_letter.items()) == [
        ("N", Counts(1, 1, 1)),
        ("P", Counts(1, 0, 0)),
        ("Z", Counts(0, 1, 0)),
    ]
    assert sum_counts(by_letter.values()) == score_sets(gold, system)
