from __future__ import annotations

import numpy as np
import pytest

from farmaner.document import Document
from farmaner.errors import CorpusError
from farmaner.evaluation.seeds import compare_seeds
from farmaner.evaluation.significance import Interval, compare

pytest.importorskip("scipy", reason="needs the extra `stats` (scipy)")

TEXT = "Hb y Fe. Na, K, Mg, Ca."
WORDS = [(0, 2), (5, 7), (9, 11), (13, 14), (16, 18), (20, 22)]


def system(seed: int, *, found: float, n_documents: int = 12) -> list[Document]:
    """A system that finds each word with a probability of its own."""
    chance = np.random.default_rng(seed)
    documents = []
    for number in range(n_documents):
        document = Document(f"nota-{number}", TEXT)
        kept = [word for word in WORDS if chance.random() < found]
        entities = [document.entity("PROTEINAS", start, end) for start, end in kept]
        documents.append(document.with_entities(entities))
    return documents


GOLD = system(0, found=1.0)


def test_with_one_seed_each_it_is_the_bootstrap_interval_of_compare() -> None:
    a, b = system(1, found=0.9), system(2, found=0.6)
    of_compare = compare(GOLD, a, b, n_resamples=400, seed=5).groups[0].figures["f1"]
    of_seeds = compare_seeds(GOLD, [a], [b], n_resamples=400, seed=5)
    assert of_seeds.difference == pytest.approx(of_compare.difference)
    assert of_seeds.interval.low == pytest.approx(of_compare.difference_interval.low)
    assert of_seeds.interval.high == pytest.approx(of_compare.difference_interval.high)


def test_the_difference_is_that_of_the_mean_f1_over_seeds() -> None:
    perfect, nothing = system(1, found=1.0), system(1, found=0.0)
    compared = compare_seeds(GOLD, [perfect, nothing, nothing], [nothing], n_resamples=50)
    assert compared.difference == pytest.approx(1 / 3)
    assert (compared.n_documents, compared.n_seeds_a, compared.n_seeds_b) == (12, 3, 1)


def test_the_chance_of_training_widens_the_interval() -> None:
    perfect, nothing = system(1, found=1.0), system(1, found=0.0)
    alike = compare_seeds(GOLD, [perfect, perfect], [perfect], n_resamples=200)
    unlike = compare_seeds(GOLD, [perfect, nothing], [perfect], n_resamples=200)
    assert alike.interval == Interval(0.0, 0.0)
    assert (unlike.interval.low, unlike.interval.high) == (-1.0, 0.0)


def test_the_same_call_gives_the_same_interval() -> None:
    a, b = [system(1, found=0.9), system(2, found=0.8)], [system(3, found=0.7)]
    assert compare_seeds(GOLD, a, b, n_resamples=700) == compare_seeds(GOLD, a, b, n_resamples=700)


def test_one_document_cannot_be_resampled() -> None:
    one = GOLD[:1]
    with pytest.raises(CorpusError, match="expected two documents or more to resample, found 1"):
        compare_seeds(one, [one], [one])
