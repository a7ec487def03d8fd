"""What a candidate's evidence is worth: probabilities learned when a terminology is built."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
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
        certain = self.step in ("exact", "normalized")
        return {
            f"step={self.step}": 1.0,
            "unlike": 10.0 * (1.0 - self.similarity),
            "unshared": 1.0 - self.share,
            "label differs": float(not self.label_agrees),
            "null": float(self.is_null and not certain),
            "short": float(len(self.name) < 4 and not certain),
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
        return logistic(self.weights, evidence.features())

    def null_score(self, name: str, label: str, *, table: str | None) -> float:
        """Return the probability that a name without candidates has the code `<null>`.

        `table` is the table of names without a code here in which the name stands, if any.
        """
        return logistic(self.null_weights, null_features(name, label, table=table))


_SHAPES = {
    # Well-known families, nearly all of whose members the terminologies hold.
    "family": re.compile(
        r"CD ?-?\d|HLA|-?D[QR]\d|[ABC]\d\d?$|insulina|.*mab$|Ig ?[AGMED]|vitamina|factor|toxina"
        r"|proteínas? [CS]\b|vacuna|.*globulina|.*asa$",
        re.IGNORECASE,
    ),
    "antibody": re.compile(r"(?:ac\.?|anticuerpos?|auto.*) |anti", re.IGNORECASE),
    "receptor": re.compile(r"receptor|R[- ]|ECR", re.IGNORECASE),
    "symbol": re.compile(r"[A-Z]{2,}\d?[A-Z]*\d*$"),
    "gene": re.compile(r"[A-Z]{2,}[A-Z0-9]*\d+[A-Z]+\d*$|[A-Z]{3,}\d+$"),
    "long": re.compile(r"\S+ \S+ \S+"),
    "lower": re.compile(r"[a-záéíóúñ]+$"),
}


def null_features(name: str, label: str, *, table: str | None) -> dict[str, float]:
    """Return what a name's shape and table tell of its having no code.

    The codes of most known names are merely not here; of the markers of pathologists many have
    none.
    """
    shapes = {shape: float(bool(form.match(name))) for shape, form in _SHAPES.items()}
    known = {} if table is None else {"known": 1.0, f"table={table}": 1.0}
    return {"bias": 1.0, f"label={label}": 1.0, **known, **shapes}


def any_of(probabilities: Iterable[float]) -> float:
    """Return the probability that at least one of several independent things is so."""
    return 1.0 - math.prod(1.0 - probability for probability in probabilities)


def logistic(weights: Mapping[str, float], features: Mapping[str, float]) -> float:
    """Return the logistic function of the weighted sum of features; unknown ones weigh nothing."""
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
    "null_weights": {"bias": -2.0},
    "threshold": 0.5,
}
"""Set by hand; what a corpus teaches is drawn towards them."""
