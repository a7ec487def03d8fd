"""Calibration: one temperature that makes scores say how often they are right."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from farmaner.document import Document
from farmaner.encoders import Encoder, ModelSettings, load_encoder, load_lexicon, load_tokenizer
from farmaner.errors import CorpusError, MissingExtraError
from farmaner.evaluation.confidence import Confidence, confidence
from farmaner.recognizer import Recognizer
from farmaner.windows import Batch

try:
    from scipy.optimize import minimize_scalar
except ImportError as error:
    raise MissingExtraError("scipy", "stats") from error

LOWEST, HIGHEST = 0.1, 10.0
"""Between which the temperature is sought."""

_EDGE = 1e-6  # a score of 0 or 1 that is wrong would cost infinitely much


@dataclass(frozen=True, slots=True)
class Calibration:
    """A temperature, and what scores are worth without one and with one, on the same documents.

    `after` is cross-fitted: what it says of a document is at a temperature that was fitted on
    others, so that it is no better than it would be elsewhere.
    """

    temperature: float
    n_documents: int
    before: Confidence
    after: Confidence


def calibrate(folder: Path, documents: Sequence[Document]) -> Calibration:
    """Fit the temperature of a model on documents with gold that it was not fitted on.

    It is the one under which the scores of the entities that the model finds have the least log
    loss against whether gold has the entity (Guo et al. 2017, over entities). Entities stay as
    they are, so nothing that is chosen by F1 can leak through it. For `after`, every other
    document is judged at the temperature of the rest, and the rest at theirs.

    Raises CorpusError where the model finds nothing, or nothing but what gold has.
    """
    judge = _Judge(folder, documents)
    verdicts = judge.scored(1.0)
    n_right = sum(right for _, right in verdicts)
    if n_right in (0, len(verdicts)):
        raise CorpusError(
            f"calibration documents: expected right and wrong entities of the model, found "
            f"{n_right} right of {len(verdicts)}"
        )
    halves = [_Judge(folder, documents[first::2]) for first in (0, 1)]
    crossed = [
        pair
        for half, other in zip(halves, reversed(halves), strict=True)
        for pair in half.scored(_least_loss(other))
    ]
    return Calibration(
        _least_loss(judge),
        len(documents),
        confidence(verdicts, judge.n_gold),
        confidence(crossed, judge.n_gold),
    )


def _least_loss(judge: _Judge) -> float:
    """Return the temperature of least log loss; 1 where the model finds nothing."""
    if not judge.scored(1.0):
        return 1.0
    found = minimize_scalar(
        lambda exponent: log_loss(judge.scored(math.exp(exponent))),
        bounds=(math.log(LOWEST), math.log(HIGHEST)),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return round(math.exp(float(found.x)), 3)


def write_temperature(folder: Path, temperature: float) -> None:
    """Store a temperature in a model folder's settings."""
    dataclasses.replace(ModelSettings.read(folder), temperature=temperature).write(folder)


def log_loss(scored: Sequence[tuple[float, bool]]) -> float:
    """Return the mean log loss, in nats, of scores against whether each was right."""
    scores = np.clip([score for score, _ in scored], _EDGE, 1 - _EDGE)
    right = np.asarray([right for _, right in scored])
    return float(-np.log(np.where(right, scores, 1 - scores)).mean())


def reliability_table(before: Confidence, after: Confidence) -> str:
    """Return both as one Markdown table: how many entities score how high, and how many are right.

    Bins are those of `confidence`, a tenth wide.
    """
    lines = [
        "| scores | entities before | right | entities calibrated | right |",
        "|---|--:|--:|--:|--:|",
    ]
    bins = [{bin_.low: bin_ for bin_ in one.bins} for one in (before, after)]
    for low in sorted({*bins[0], *bins[1]}):
        cells: list[str] = []
        for one in bins:
            bin_ = one.get(low)
            cells += [str(bin_.n_entities), f"{100 * bin_.share_correct:.1f} %"] if bin_ else "––"
        lines.append(f"| {low:.1f}–{low + 0.1:.1f} | {' | '.join(cells)} |")
    errors = [one.expected_calibration_error for one in (before, after)]
    lines.append(f"| expected calibration error | {errors[0]:.4f} | | {errors[1]:.4f} | |")
    return "\n".join(lines) + "\n"


class _Judge:
    """Scores one model's entities at any temperature; the encoder reads each batch once."""

    def __init__(self, folder: Path, documents: Sequence[Document]) -> None:
        self._settings = ModelSettings.read(folder)
        encoder, _ = load_encoder(folder)
        self._encoder = _Replay(encoder)
        self._tokenizer = load_tokenizer(folder, self._settings)
        self._lexicon = load_lexicon(folder, self._settings)
        self._documents = documents
        labels = set(self._settings.labels)
        self._gold = [
            {entity.key for entity in document.entities if entity.label in labels}
            for document in documents
        ]

    @property
    def n_gold(self) -> int:
        """How many entities gold has."""
        return sum(map(len, self._gold))

    def scored(self, temperature: float) -> list[tuple[float, bool]]:
        """Return each entity found as its score and whether gold has it."""
        return list(self._scored(temperature))

    def _scored(self, temperature: float) -> Iterator[tuple[float, bool]]:
        settings = dataclasses.replace(self._settings, temperature=temperature)
        recognizer = Recognizer(self._encoder, self._tokenizer, settings, lexicon=self._lexicon)
        answers = recognizer.recognize_documents(self._documents)
        for document, gold in zip(answers, self._gold, strict=True):
            for entity in document.entities:
                if entity.score is not None:
                    yield min(entity.score, 1.0), entity.key in gold


class _Replay:
    """An encoder that remembers its answers."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._answers: dict[tuple[tuple[int, ...], bytes], NDArray[np.float32]] = {}

    def __call__(self, batch: Batch) -> NDArray[np.float32]:
        features = b"" if batch.features is None else batch.features.tobytes()
        key = batch.piece_ids.shape, batch.piece_ids.tobytes() + features
        if key not in self._answers:
            self._answers[key] = self._encoder(batch)
        return self._answers[key]
