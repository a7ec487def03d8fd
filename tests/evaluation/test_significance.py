"""Randomization and bootstrap: against direct enumeration, against themselves, and by seed."""

import json
import math
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from farmaner.cli import run
from farmaner.document import Document, Entity, Span
from farmaner.errors import ConfigError, CorpusError, MissingExtraError
from farmaner.evaluation import Counts, score_ner, sum_counts
from farmaner.evaluation.significance import FIGURES, MICRO, Interval, compare

TEXT = "abcdefghij" * 2
DRUG, PROTEIN = "NORMALIZABLES", "PROTEINAS"


def document(id_: str, keys: str) -> Document:
    """Return a document with an entity at each letter: capitals are proteins, `.` is nothing."""
    entities = []
    for letter in keys.replace(".", ""):
        start = TEXT.index(letter.lower())
        label = PROTEIN if letter.isupper() else DRUG
        entities.append(Entity(Span(start, start + 1), label, TEXT[start]))
    return Document(id_, TEXT, tuple(entities))


def side(*rows: str) -> list[Document]:
    return [document(f"caso-{number}", keys) for number, keys in enumerate(rows)]


GOLD = side("abC", "abcd", "A", "aBcD", ".", "efg", "abcE")
ONE = side("abC", "abc", "a", "aBcDe", "f", "ef", "abcE")
OTHER = side("ab", "abd", "A", "aBC", ".", "g", "ab")


def enumerated(label: str | None, figure: str) -> float:
    """Return the p-value by scoring all exchanges of documents, one after the other."""
    observed = gap(ONE, OTHER, label, figure)
    gaps = []
    for swaps in product([False, True], repeat=len(GOLD)):
        exchanged = [
            (b, a) if swap else (a, b) for swap, a, b in zip(swaps, ONE, OTHER, strict=True)
        ]
        gaps.append(gap([a for a, _ in exchanged], [b for _, b in exchanged], label, figure))
    return sum(value >= observed - 1e-12 for value in gaps) / len(gaps)


def gap(a: list[Document], b: list[Document], label: str | None, figure: str) -> float:
    values = [float(getattr(counts(system, label), figure)) for system in (a, b)]
    return abs(values[0] - values[1])


def counts(system: list[Document], label: str | None) -> Counts:
    by_label = score_ner(GOLD, system).by_label
    return sum_counts(by_label.values()) if label is None else by_label[label]


@pytest.mark.parametrize("n_resamples", [128, 20_000])
def test_p_values_equal_the_enumeration_of_every_exchange(n_resamples: int) -> None:
    comparison = compare(GOLD, ONE, OTHER, n_resamples=n_resamples)

    assert comparison.exact
    for group, label in zip(comparison.groups, [None, DRUG, PROTEIN], strict=True):
        assert group.group == (label or MICRO)
        for figure in FIGURES:
            expected = enumerated(label, figure)
            assert group.figures[figure].p_value == pytest.approx(expected, abs=1e-12)


def test_random_exchanges_come_near_the_enumeration() -> None:
    gold, one, other = ([*s, *more(s)] for s in (GOLD, ONE, OTHER))
    exact = compare(gold, one, other, n_resamples=2**14)
    drawn = compare(gold, one, other, n_resamples=2**14 - 1)

    assert exact.exact
    assert not drawn.exact
    for all_of, some_of in zip(exact.groups, drawn.groups, strict=True):
        for figure in FIGURES:
            p = all_of.figures[figure].p_value
            deviation = math.sqrt(p * (1 - p) / 2**14)
            found = some_of.figures[figure].p_value
            assert abs(found - p) <= 5 * deviation + 2 / 2**14


def more(system: list[Document]) -> list[Document]:
    return [Document(f"{d.id}-bis", d.text, d.entities) for d in system]


def test_a_system_against_itself_has_p_1_and_no_difference() -> None:
    for group in compare(GOLD, ONE, ONE, n_resamples=99).groups:
        for figure in group.figures.values():
            assert (figure.difference, figure.p_value) == (0.0, 1.0)
            assert figure.difference_interval == Interval(0.0, 0.0)
            assert figure.a_interval == figure.b_interval


def test_figures_are_those_of_the_score_to_the_last_digit() -> None:
    comparison = compare(GOLD, ONE, OTHER, n_resamples=9)

    for system, side_name in ((ONE, "a"), (OTHER, "b")):
        score = score_ner(GOLD, system)
        expected = {MICRO: score.micro, **score.by_label}
        assert {g.group: getattr(g, f"counts_{side_name}") for g in comparison.groups} == expected
        for group in comparison.groups:
            for name, figure in group.figures.items():
                assert getattr(figure, side_name) == getattr(expected[group.group], name)


def test_the_seed_decides_everything_and_another_gives_other_numbers() -> None:
    gold, one, other = ([*s, *more(s)] for s in (GOLD, ONE, OTHER))

    first, again, another = (
        compare(gold, one, other, n_resamples=199, seed=seed) for seed in (7, 7, 8)
    )

    assert first == again
    assert first.groups != another.groups


def test_intervals_are_the_percentiles_of_draws_made_by_hand() -> None:
    """A bootstrap of the same documents, drawn and scored in a plain loop, agrees closely."""
    rng = np.random.default_rng(1)
    of_a, of_b = (
        [score_ner([g], [d]).micro for g, d in zip(GOLD, system, strict=True)]
        for system in (ONE, OTHER)
    )
    draws = []
    for _ in range(4000):
        drawn = rng.integers(len(GOLD), size=len(GOLD))
        a, b = (sum_counts(side[i] for i in drawn).f1 for side in (of_a, of_b))
        draws.append((a, b, a - b))

    f1 = compare(GOLD, ONE, OTHER, n_resamples=4000).groups[0].figures["f1"]

    intervals = f1.a_interval, f1.b_interval, f1.difference_interval
    for interval, expected in zip(intervals, np.percentile(draws, [2.5, 97.5], axis=0).T):
        assert (interval.low, interval.high) == pytest.approx(tuple(expected), abs=0.025)


def test_a_document_that_a_system_lacks_is_one_where_it_found_nothing() -> None:
    empty = [*ONE[:-1], Document(ONE[-1].id, TEXT)]

    with_gap = compare(GOLD, ONE[:-1], OTHER, n_resamples=99)
    with_empty = compare(GOLD, empty, OTHER, n_resamples=99)

    assert with_gap.groups == with_empty.groups
    assert with_gap.coverage_a.missing == ("caso-6",)
    assert with_gap.n_documents == 7


def test_a_document_that_gold_lacks_is_refused() -> None:
    with pytest.raises(CorpusError, match="system B: expected no document that gold lacks"):
        compare(GOLD[:-1], ONE[:-1], OTHER)


def test_one_document_cannot_be_resampled() -> None:
    with pytest.raises(CorpusError, match="expected two documents or more to resample, found 1"):
        compare(GOLD[:1], ONE[:1], OTHER[:1])


@pytest.mark.parametrize(
    "settings", [{"n_resamples": 0}, {"seed": -1}, {"confidence_level": 1.0}], ids=str
)
def test_settings_out_of_range_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="compare: expected n_resamples of 1 or more"):
        compare(GOLD, ONE, OTHER, **settings)


def test_without_scipy_the_line_to_install_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtraError) as error:
        compare(GOLD, ONE, OTHER)
    assert str(error.value) == 'scipy is not installed; run: pip install "farmaner[stats]"'


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    from farmaner.formats.brat import write_brat

    for name, documents in (("gold", GOLD), ("one", ONE), ("other", OTHER[:-1])):
        write_brat(documents, tmp_path / name)
    return [str(tmp_path / name) for name in ("gold", "one", "other")]


def test_the_command_prints_a_table_with_resamples_and_seed(
    folders: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    assert run(["compare", *folders, "--resamples", "50", "--seed", "3"]) == 0

    printed = capsys.readouterr()
    assert (
        "strict rules, 7 documents; p: 50 random exchanges; 95% intervals: 50 draws; seed 3"
        in printed.out
    )
    rows = [line.split() for line in printed.out.splitlines()]
    micro = next(row for row in rows if row[:1] == ["micro"])
    assert micro[1:4] == ["P", "0.8421", "0.9000"]
    assert printed.err == (
        f"farmaner: warning: {folders[2]}: 1 document (caso-6) of gold missing: all their gold "
        "counts as missed\n"
    )


def test_json_lines_compare_as_their_folder_and_json_holds_everything(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from farmaner.formats.jsonl import write_jsonl

    lines = tmp_path / "one.jsonl"
    write_jsonl(ONE, lines)
    gold, one, other = folders

    answers = []
    for system in (one, str(lines)):
        assert run(["compare", gold, system, other, "--json", "--resamples", "20"]) == 0
        answers.append(json.loads(capsys.readouterr().out))

    assert [answer.pop("system_a") for answer in answers] == [one, str(lines)]
    assert answers[0] == answers[1]
    assert answers[0]["documents"]["b"] == {"scored": 7, "missing": ["caso-6"], "unknown": []}
    assert [group["group"] for group in answers[0]["groups"]] == [MICRO, DRUG, PROTEIN]
    figure = answers[0]["groups"][0]["figures"]["f1"]
    assert figure["difference"] == figure["a"] - figure["b"]
    assert figure["difference_interval"]["low"] <= figure["difference_interval"]["high"]


def test_what_is_no_system_is_one_line_and_exit_1(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", folders[0], folders[1], str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err == (
        f"farmaner: {tmp_path / 'none'}: expected a folder of .ann files or a .jsonl file, "
        "found nothing\n"
    )


@pytest.mark.shared
def test_a_real_system_against_itself_and_against_a_worse_one(shared_dir: Path) -> None:
    gold = shared_dir / "pharmaconer/dev"
    light, heavy = (shared_dir / "scoring" / name / "ner" for name in ("light", "heavy"))

    same = compare(gold, light, light, n_resamples=199)
    worse = compare(gold, light, heavy, n_resamples=199)

    assert all(f.p_value == 1 for group in same.groups for f in group.figures.values())
    assert worse.groups[0].figures["f1"].p_value == 1 / 200
    assert worse.groups[0].counts_a == Counts(1653, 262, 229)
    assert worse.groups[0].figures["f1"].difference_interval.low > 0.2
