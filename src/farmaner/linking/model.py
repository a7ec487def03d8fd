"""What a candidate's evidence is worth: probabilities learned when a terminology is built."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a code: the step that found it and how clearly it did."""

    step: str
    similarity: float
    share: float
    label_agrees: bool
    is_null: bool
    name: str

    def features(self) -> dict[str, float]:
        """Return the features of the logistic model by name."""
        step = self.step
        return {
            f"step={step}": 1.0,
            "unlike": 10.0 * (1.0 - self.similarity),
            "unshared": 1.0 - self.share,
            "label differs": float(not self.label_agrees),
            "null": float(self.is_null and step not in ("exact", "normalized")),
            "short": float(len(self.name) < 4 and step != "exact"),
        }


@dataclass(frozen=True, slots=True)
class LinkingModel:
    """Weights of a logistic model of candidates, and of one of names that have no code."""

    weights: Mapping[str, float]
    null_weights: Mapping[str, float]
    threshold: float

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> LinkingModel:
        """Return a terminology's own model, or the default one where it has none."""
        model = meta.get("linking", DEFAULT)
        return cls(model["weights"], model["null_weights"], model["threshold"])

    def score(self, evidence: Evidence) -> float:
        """Return the probability that the code is right."""
        return _logistic(self.weights, evidence.features())

    def null_score(self, name: str, label: str) -> float:
        """Return the probability that a name no step knows has the code `<null>`."""
        return _logistic(self.null_weights, null_features(name, label)) if self.null_weights else 0


def null_features(name: str, label: str) -> dict[str, float]:
    """Return what a name's shape tells of its having no code."""
    return {"bias": 1.0, f"label={label}": 1.0}


def _logistic(weights: Mapping[str, float], features: Mapping[str, float]) -> float:
    z = sum(weights.get(name, 0.0) * value for name, value in features.items())
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, z))))


DEFAULT: dict[str, Any] = {
    "weights": {
        "step=exact": 6.0,
        "step=normalized": 3.5,
        "step=abbreviation": 2.5,
        "step=inflected": 2.5,
        "step=synonyms": 1.4,
        "step=derived": 1.4,
        "step=approximate": 2.0,
        "unlike": -0.8,
        "unshared": -4.0,
        "label differs": -1.0,
        "null": -1.0,
        "short": -0.5,
    },
    "null_weights": {"bias": -2.5, "label=PROTEINAS": 1.2, "label=NO_NORMALIZABLES": 5.5},
    "threshold": 0.45,
}
