"""The scorer against a second one, written from the rules with lists and loops alone."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farmaner.document import Concept, Document, Entity, Span
from farmaner.errors import CorpusError
from farmaner.evaluation import RULES, Counts, score_indexing, score_ner
from farmaner.formats.indexing import document_codes, write_indexing

Row: TypeAlias = tuple[str, int, int, str | None]
Case: TypeAlias = list[tuple[str, list[Row]]]

TEXT = "abcdefghij"
LABELS = ["NORMALIZABLES", "NO_NORMALIZABLES", "PROTEINAS", "UNCLEAR"]
CODES = [None, "1", "2", "10", "<null>", "CHEBI:1", "chebi:1"]

rows = st.builds(
    lambda label, start, length, code: (label, start, start + length, code),
    st.sampled_from(LABELS),
    st.integers(0, 3),
    st.integers(1, 2),
    st.sampled_from(CODES),
)
cases = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "d.e", "f"]), st.lists(rows, max_size=7)),
    min_size=1,
    max_size=5,
    unique_by=lambda pair: pair[0],
)


@st.composite
def gold_and_system(draw: st.DrawFn) -> tuple[Case, Case]:
    """Return gold, and a system that keeps some of gold and adds some of its own."""
    gold = draw(cases)
    system: Case = []
    for document_id, gold_rows in gold:
        if draw(st.integers(0, 4)) == 0:
            continue
        kept = [row for row in gold_rows if draw(st.booleans())]
        system.append((document_id, kept + draw(st.lists(rows, max_size=3))))
    if draw(st.integers(0, 3)) == 0:
        taken = [document_id for document_id, _ in system]
        system.extend(pair for pair in draw(cases) if pair[0] not in taken)
    return gold, system


def naive(task: str, rules: str, gold: Case, system: Case) -> list[object] | None:
    """Score by loops: figures, counts and missing documents; None where the rules refuse."""
    tp = fp = fn = 0
    missing: list[str] = []
    n_shared = n_unknown = 0
    for system_id, _ in system:
        if any(gold_id == system_id for gold_id, _ in gold):
            n_shared += 1
        else:
            n_unknown += 1
    if n_shared == 0 or (rules == "strict" and n_unknown > 0):
        return None
    for gold_id, gold_rows in gold:
        system_rows: list[Row] | None = None
        for system_id, candidate in system:
            if system_id == gold_id:
                system_rows = candidate
        if system_rows is None:
            missing.append(gold_id)
            if rules != "strict":
                continue
            system_rows = []
        wanted = naive_items(task, gold_rows, rules != "standalone")
        got = naive_items(task, system_rows, rules != "standalone" and task == "ner")
        for item in wanted:
            if item in got:
                tp += 1
            else:
                fn += 1
        for item in got:
            if item not in wanted:
                fp += 1
    precision = tp / (tp + fp) if tp + fp > 0 else 0.0
    recall = tp / (tp + fn) if tp + fn > 0 else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
    return [tp, fp, fn, precision, recall, f1, sorted(missing)]


def naive_items(task: str, document_rows: list[Row], without_unclear: bool) -> list[object]:
    items: list[object] = []
    for label, start, end, code in document_rows:
        if without_unclear and label == "UNCLEAR":
            continue
        item: object = f"{label} {start} {end}" if task == "ner" else code
        if item is not None and item not in items:
            items.append(item)
    return items


def documents(case: Case) -> list[Document]:
    return [
        Document(id_, TEXT, tuple(as_entity(*row) for row in document_rows))
        for id_, document_rows in case
    ]


def as_entity(label: str, start: int, end: int, code: str | None) -> Entity:
    concept = None if code is None else Concept(code)
    return Entity(Span(start, end), label, TEXT[start:end], concept=concept)


def ours(
    task: str,
    rules: str,
    gold: Path | Iterable[Document],
    system: Path | Iterable[Document],
) -> list[object] | None:
    score_task = score_ner if task == "ner" else score_indexing
    try:
        score = score_task(gold, system, RULES[rules])
    except CorpusError:
        return None
    counts: Counts = score.micro
    return [
        counts.true_positives,
        counts.false_positives,
        counts.false_negatives,
        counts.precision,
        counts.recall,
        counts.f1,
        list(score.coverage.missing),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("task", ["ner", "indexing"])
@settings(max_examples=700, deadline=None)
@given(case=gold_and_system())
def test_documents_score_as_by_hand(task: str, rules: str, case: tuple[Case, Case]) -> None:
    gold, system = case
    if not system:
        with pytest.raises(CorpusError):
            score_ner(documents(gold), [], RULES[rules])
        return

    expected = naive(task, rules, gold, system)

    assert ours(task, rules, documents(gold), documents(system)) == expected


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("task", ["ner", "indexing"])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(case=gold_and_system())
def test_folders_score_as_by_hand(
    tmp_path_factory: pytest.TempPathFactory, task: str, rules: str, case: tuple[Case, Case]
) -> None:
    gold, system = case
    gold_folder, system_folder = (tmp_path_factory.mktemp(side) for side in ("gold", "system"))
    for id_, document_rows in gold:
        write_ann(gold_folder / f"{id_}.ann", document_rows)
    for document in documents(system):
        write_indexing(system_folder / f"{document.id}.tsv", document_codes(document))
    for id_, document_rows in system:
        write_ann(system_folder / f"{id_}.ann", document_rows)

    expected = naive(task, rules, gold, system) if system else None

    assert ours(task, rules, gold_folder, system_folder) == expected


def write_ann(path: Path, document_rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, (label, start, end, code) in enumerate(document_rows, start=1):
            file.write(f"T{number}\t{label} {start} {end}\t{TEXT[start:end]}\n")
            if code is not None:
                file.write(f"#{number}\tAnnotatorNotes T{number}\t{code}\n")
