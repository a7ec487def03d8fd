"""Learning what evidence is worth: from a corpus, each document linked by the others' names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from farmaner.document import Document
from farmaner.linking.linker import Linker
from farmaner.linking.model import DEFAULT
from farmaner.linking.terminology import Terminology
from farmaner.linking.terms import NULL

N_FOLDS = 10
PENALTY = 1.0
"""Of the squared weights, against overfitting; the bias and the steps' weights bear it too."""


@dataclass(frozen=True, slots=True)
class Example:
    """A candidate's features, and whether its code was right."""

    features: Mapping[str, float]
    is_right: bool


def learn(
    documents: Sequence[Document], build: Callable[[Sequence[Document]], Terminology]
) -> dict[str, Any]:
    """Return the linking model of a corpus, as a terminology keeps it.

    `build` makes a terminology of some documents; every document is linked by one built without
    it, in ten folds. Entities without a code count as not having the code proposed.
    """
    candidates: list[Example] = []
    nulls: list[Example] = []
    for fold in range(min(N_FOLDS, len(documents))):
        kept = [document for i, document in enumerate(documents) if i % N_FOLDS != fold]
        linker = Linker(build(kept))
        for document in documents[fold::N_FOLDS]:
            collect(linker, document, candidates, nulls)
    return {
        "weights": _rounded(fit(candidates)),
        "null_weights": _rounded(fit(nulls)) if any(e.is_right for e in nulls) else {},
        "threshold": DEFAULT["threshold"],
    }


def collect(
    linker: Linker, document: Document, candidates: list[Example], nulls: list[Example]
) -> None:
    """Add what the linker proposes for a document's entities to the examples of either model."""
    for entity, evidence, features in linker.evidence(document):
        code = entity.concept.code if entity.concept else None
        if evidence is not None:
            candidates.append(Example(features, evidence == code))
        else:
            nulls.append(Example(features, code == NULL))


def fit(examples: Iterable[Example], *, n_steps: int = 50) -> dict[str, float]:
    """Return the weights of a penalized logistic regression, by Newton's method."""
    rows = list(examples)
    names = sorted({name for example in rows for name in example.features})
    if not rows:
        return {}
    x = np.array([[example.features.get(name, 0.0) for name in names] for example in rows])
    y = np.array([float(example.is_right) for example in rows])
    weights = np.zeros(len(names))
    for _ in range(n_steps):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (p - y) + PENALTY * weights
        hessian = (x * (p * (1 - p))[:, None]).T @ x + PENALTY * np.eye(len(names))
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
        if float(np.abs(step).max()) < 1e-8:
            break
    return dict(zip(names, weights.tolist()))


def _rounded(weights: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in weights.items()}
