"""Learning what evidence is worth, and counting what goes wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from farmaner import Concept, Document
from farmaner.errors import CorpusError
from farmaner.evaluation import STRICT, score_indexing
from farmaner.formats.brat import read_brat
from farmaner.linking import Linker, Terminology
from farmaner.linking.analysis import count_linking_errors
from farmaner.linking.build import build_terminology
from farmaner.linking.learning import Example, best_threshold, fit
from farmaner.linking.model import logistic

from .conftest import annotated, unlinked


def examples(n_right: int, n_wrong: int, feature: str, code: str = "1") -> list[Example]:
    rights = [True] * n_right + [False] * n_wrong
    return [
        Example(f"{feature}{i}", code, {"bias": 1.0, feature: 1.0}, right)
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


def test_every_outcome_is_counted_once(terminology: Terminology) -> None:
    drug, protein = "NORMALIZABLES", "PROTEINAS"
    text = "metformina GPT sodio Imurel ALK otro nuevo dudoso suelto"
    gold = annotated(
        "a",
        text,
        {
            ("metformina", drug): "372567009",
            ("GPT", protein): "56935002",
            ("sodio", drug): "39972003",
            ("Imurel", drug): "372574004",
            ("ALK", protein): "<null>",
            ("nuevo", drug): "999",
            ("dudoso", "UNCLEAR"): "1",
            ("suelto", drug): "",
        },
    )
    given = {
        "metformina": "372567009",
        "GPT": "1",
        "ALK": "6741004",
        "otro": "372574004",
        "suelto": "5",
        "dudoso": "1",
    }
    system = annotated(
        "a",
        text,
        {
            (name, "X" if name != "dudoso" else "UNCLEAR"): given.get(name, "")
            for name in ("metformina", "GPT", "sodio", "ALK", "nuevo", "otro", "suelto", "dudoso")
        },
    )
    errors = count_linking_errors([gold], [system], terminology).as_dict()
    assert errors == {
        "outcomes": {
            "code unknown to the terminology": {"seen": 0, "unseen": 1},
            "entity without a gold code": {"seen": 0, "unseen": 1},
            "missed entity": {"seen": 1, "unseen": 0},
            "no code": {"seen": 1, "unseen": 0},
            "right code": {"seen": 1, "unseen": 0},
            "spurious entity, code of the document": {"seen": 0, "unseen": 1},
            "wrong code": {"seen": 2, "unseen": 0},
        },
        "wrong_codes": {"another code": 1, "a code for <null>": 1},
    }


def test_a_document_that_the_system_lacks_is_named(terminology: Terminology) -> None:
    with pytest.raises(CorpusError, match="expected document a, found none"):
        count_linking_errors([Document("a", "")], [], terminology)


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
