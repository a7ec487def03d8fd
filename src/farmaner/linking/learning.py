"""Learning what evidence is worth: from a corpus, each document linked by the others' names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from farmaner.document import Document
from farmaner.linking.linker import UNSCORED_LABELS, Linker
from farmaner.linking.model import DEFAULT, any_of, logistic
from farmaner.linking.normalize import squashed_key
from farmaner.linking.terminology import Terminology
from farmaner.linking.terms import NULL

N_FOLDS = 10
PENALTY = 1.0
"""Of the squared distance from the default weights: a small corpus learns little, not nonsense."""

TOLERANCE = 0.001
"""Of F1, given up for fewer wrong codes."""

MIN_GOLD = 300
"""Codes of documents from which on a threshold is tuned; with fewer the default one is kept."""


@dataclass(frozen=True, slots=True)
class Example:
    """A code proposed for an entity: the features that speak for it, and whether it was right.

    `code` is `<null>` where no step found a candidate; `name` tells the document's names apart.
    """

    document: str
    name: tuple[str, str]
    code: str
    features: Mapping[str, float]
    is_right: bool


def learn(
    documents: Sequence[Document], build: Callable[[Sequence[Document]], Terminology]
) -> dict[str, Any]:
    """Return the linking model of a corpus, as a terminology keeps it.

    `build` makes a terminology of some documents; every document is linked by one built without
    it, in ten folds. Entities without a code count as not having the code proposed. The
    threshold is the highest at which the F1 of documents' codes is nearly the best: a wrong code
    is worse than none.
    """
    candidates: list[Example] = []
    nulls: list[Example] = []
    for fold in range(min(N_FOLDS, len(documents))):
        kept = [document for i, document in enumerate(documents) if i % N_FOLDS != fold]
        linker = Linker(build(kept))
        for document in documents[fold::N_FOLDS]:
            collect(linker, document, candidates, nulls)
    weights = _rounded(fit(candidates, DEFAULT["weights"]))
    null_weights = _rounded(fit(nulls, DEFAULT["null_weights"]))
    scored = [(logistic(weights, example.features), example) for example in candidates]
    scored += [(logistic(null_weights, example.features), example) for example in nulls]
    gold = _gold_codes(documents)
    enough = len(gold) >= MIN_GOLD
    threshold = best_threshold(scored, gold) if enough else DEFAULT["threshold"]
    return {"weights": weights, "null_weights": null_weights, "threshold": threshold}


def collect(
    linker: Linker, document: Document, candidates: list[Example], nulls: list[Example]
) -> None:
    """Add what the linker proposes for a document's entities to the examples of either model."""
    for entity, proposed, features in linker.evidence(document):
        code = entity.concept.code if entity.concept else None
        name = squashed_key(entity.text), entity.label
        if proposed is not None:
            candidates.append(Example(document.id, name, proposed, features, proposed == code))
        else:
            nulls.append(Example(document.id, name, NULL, features, code == NULL))


def best_threshold(
    scored: Sequence[tuple[float, Example]], gold: Collection[tuple[str, str]]
) -> float:
    """Return the highest threshold, in steps of 0.05, with an F1 within TOLERANCE of the best."""
    f1s: dict[float, float] = {}
    of_codes = _scores_of_codes(scored)
    for threshold in (step / 20 for step in range(1, 20)):
        found = {code for code, score in of_codes.items() if score >= threshold}
        f1s[threshold] = 2 * len(found & set(gold)) / max(len(found) + len(gold), 1)
    return max(threshold for threshold, f1 in f1s.items() if f1 >= max(f1s.values()) - TOLERANCE)


def _scores_of_codes(
    scored: Iterable[tuple[float, Example]],
) -> dict[tuple[str, str], float]:
    """Return the score by which a linker gives each code to a document; see `Linker.link`."""
    by_name: dict[tuple[str, str], dict[tuple[str, str], float]] = defaultdict(dict)
    for score, example in scored:
        by_name[example.document, example.code][example.name] = score
    return {
        (document, code): any_of(scores.values()) if code == NULL else max(scores.values())
        for (document, code), scores in by_name.items()
    }


def _gold_codes(documents: Iterable[Document]) -> set[tuple[str, str]]:
    return {
        (document.id, entity.concept.code)
        for document in documents
        for entity in document.entities
        if entity.concept and entity.label not in UNSCORED_LABELS
    }


def fit(
    examples: Iterable[Example], prior: Mapping[str, float] | None = None, *, n_steps: int = 50
) -> dict[str, float]:
    """Return the weights of a logistic regression, by Newton's method.

    They are drawn towards those of `prior`, 0 for the features that it lacks.
    """
    rows = list(examples)
    means = dict(prior or {})
    names = sorted({*means, *(name for example in rows for name in example.features)})
    x = np.array([[example.features.get(name, 0.0) for name in names] for example in rows])
    x = x.reshape(len(rows), len(names))
    y = np.array([float(example.is_right) for example in rows])
    mean = np.array([means.get(name, 0.0) for name in names])
    weights = mean.copy()
    for _ in range(n_steps):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (p - y) + PENALTY * (weights - mean)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + PENALTY * np.eye(len(names))
        step = np.linalg.solve(hessian, gradient) if names else np.empty(0)
        weights = weights - step
        if not names or float(np.abs(step).max()) < 1e-8:
            break
    return dict(zip(names, weights.tolist()))


def _rounded(weights: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in weights.items()}
