"""Learning what evidence is worth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from farmaner import Concept, Document
from farmaner.evaluation import STRICT, score_indexing
from farmaner.formats.brat import read_brat
from farmaner.linking import Linker, Terminology
from farmaner.linking.build import build_terminology, bundled_terminology
from farmaner.linking.learning import Example, best_threshold, fit
from farmaner.linking.model import logistic

from .conftest import unlinked


def examples(n_right: int, n_wrong: int, feature: str, code: str = "1") -> list[Example]:
    rights = [True] * n_right + [False] * n_wrong
    return [
        Example(f"{feature}{i}", ("nombre", ""), code, {"bias": 1.0, feature: 1.0}, right)
        for i, right in enumerate(rights)
    ]


def test_probabilities_follow_the_share_of_right_codes() -> None:
    weights = fit(examples(190, 10, "sure") + examples(30, 70, "unsure"))
    assert logistic(weights, {"bias": 1.0, "sure": 1.0}) == pytest.approx(0.95, abs=0.02)
    assert logistic(weights, {"bias": 1.0, "unsure": 1.0}) == pytest.approx(0.3, abs=0.02)


def test_nothing_is_learned_of_nothing() -> None:
    assert fit([]) == {}
    assert logistic({}, {"any": 1.0}) == 0.5


def test_the_threshold_keeps_what_helps_and_drops_what_does_not() -> None:
    sure, unsure = examples(90, 10, "sure"), examples(10, 90, "unsure")
    scored = [(0.9, example) for example in sure] + [(0.12, example) for example in unsure]
    gold = {(example.document, "1") for example in sure + unsure if example.is_right}
    assert best_threshold(scored, gold) == 0.9


def test_a_corpus_without_any_code_has_no_model() -> None:
    assert "linking" not in build_terminology([Document("a", "nada")]).meta


def test_a_terminology_is_the_same_whenever_it_is_built(
    corpus: list[Document], tmp_path: Path
) -> None:
    for name in ("una.terms", "otra.terms"):
        build_terminology(corpus, output=tmp_path / name)
    assert (tmp_path / "una.terms").read_bytes() == (tmp_path / "otra.terms").read_bytes()


def test_names_without_a_code_support_one_another_when_a_threshold_is_tuned() -> None:
    null = {"bias": 1.0}
    scored = [
        (0.6, Example("a", (name, "PROTEINAS"), "<null>", null, True)) for name in ("uno", "dos")
    ]
    scored += [(0.7, Example("b", ("tres", "PROTEINAS"), "<null>", null, False))]
    assert best_threshold(scored, {("a", "<null>")}) == 0.8


def test_a_name_repeated_in_a_document_supports_itself_no_further() -> None:
    again = Example("a", ("uno", "PROTEINAS"), "<null>", {"bias": 1.0}, True)
    assert best_threshold([(0.6, again), (0.6, again)], {("a", "<null>")}) == 0.6


@pytest.mark.shared
@pytest.mark.slow
def test_gold_spans_of_dev_by_the_names_of_train(shared_dir: Path) -> None:
    train = read_brat(shared_dir / "pharmaconer" / "train")
    dev = read_brat(shared_dir / "pharmaconer" / "dev")
    terminology = build_terminology(train)
    bare = [unlinked(document) for document in dev]

    def f1(**options: object) -> float:
        linker = Linker(terminology, **options)  # type: ignore[arg-type]
        return 100 * score_indexing(dev, list(linker.link_documents(bare)), STRICT).micro.f1

    assert f1(steps=["exact"]) == pytest.approx(82.60, abs=0.005)  # a table of surfaces alone
    assert f1() > 87.3


def test_gold_concepts_play_no_part_in_linking(
    corpus: list[Document], terminology: Terminology
) -> None:
    linker = Linker(terminology)
    for document in corpus:
        lied = document.with_entities(
            replace(entity, concept=Concept("0")) for entity in document.entities
        )
        assert linker.link(lied) == linker.link(unlinked(document))


@pytest.mark.shared
@pytest.mark.slow
def test_the_bundled_terminology_is_what_train_and_dev_annotate(
    shared_dir: Path, tmp_path: Path
) -> None:
    folders = [shared_dir / "pharmaconer" / split for split in ("train", "dev")]
    documents = [document for folder in folders for document in read_brat(folder)]
    build_terminology(documents, output=tmp_path / "again.terms")
    assert (tmp_path / "again.terms").read_bytes() == bundled_terminology().read_bytes()
