"""The figures that the task's two official scorers print, reproduced digit for digit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from farmaner.evaluation import (
    CODALAB,
    RULES,
    STANDALONE,
    STRICT,
    Counts,
    IndexingScore,
    NerScore,
    Rules,
    score_indexing,
    score_ner,
)
from farmaner.formats.brat import read_brat

pytestmark = pytest.mark.shared

SYSTEMS = ("perfect", "light", "heavy", "missing-docs")
TASKS: dict[str, Callable[[Path, Path, Rules], NerScore | IndexingScore]] = {
    "ner": score_ner,
    "indexing": score_indexing,
}


def as_printed(counts: Counts, rules: Rules) -> dict[str, float]:
    figures = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return {name: float(rules.printed(figure)) for name, figure in figures.items()}


@pytest.mark.parametrize("rules", [CODALAB, STANDALONE], ids=lambda rules: rules.name)
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_figures_equal_the_official_scorers(
    shared_dir: Path, system: str, task: str, rules: Rules
) -> None:
    expected = json.loads((shared_dir / "scoring/expected.json").read_text())[system]

    score = TASKS[task](
        shared_dir / "pharmaconer/dev", shared_dir / "scoring" / system / task, rules
    )

    assert as_printed(score.micro, rules) == expected[task][rules.name]
    assert len(score.coverage.scored) == expected["documents"]


def test_a_folder_of_gold_codes_equals_the_notes_under_standalone_rules(
    shared_dir: Path,
) -> None:
    """The perfect system's files are every code of the notes: they can stand in for gold."""
    tsv = shared_dir / "scoring/perfect/indexing"
    heavy = shared_dir / "scoring/heavy/indexing"

    assert score_indexing(tsv, heavy, STANDALONE) == score_indexing(
        shared_dir / "pharmaconer/dev", heavy, STANDALONE
    )


@pytest.mark.parametrize("task", TASKS)
def test_strict_equals_codalab_where_no_document_is_missing(shared_dir: Path, task: str) -> None:
    gold, system = shared_dir / "pharmaconer/dev", shared_dir / "scoring/heavy" / task

    assert TASKS[task](gold, system, STRICT).micro == TASKS[task](gold, system, CODALAB).micro


def test_strict_counts_the_entities_of_missing_documents_as_missed(shared_dir: Path) -> None:
    gold, system = shared_dir / "pharmaconer/dev", shared_dir / "scoring/missing-docs/ner"

    strict, codalab = score_ner(gold, system, STRICT), score_ner(gold, system, CODALAB)

    assert len(strict.coverage.missing) == len(codalab.coverage.missing) == 40
    assert codalab.micro == Counts(1241, 310, 380)
    # gold has 1,882 entities besides UNCLEAR: 1,621 in the 210 documents, 261 in the other 40
    assert strict.micro == Counts(1241, 310, 380 + 261)


@pytest.mark.parametrize("rules", RULES.values(), ids=lambda rules: rules.name)
def test_documents_in_memory_score_as_their_folder(shared_dir: Path, rules: Rules) -> None:
    folder = shared_dir / "pharmaconer/dev"
    gold = read_brat(folder)
    system = [d.with_entities(e for e in d.entities if e.start % 3) for d in gold]

    score = score_ner(gold, system, rules)

    assert score == score_ner(folder, system, rules)
    assert 0 < score.micro.recall < score.micro.precision == 1
