"""Export: a trained model to ONNX, in float32 and int8, and the proof that it is the same one."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from farmaner.document import Document
from farmaner.encoders import ModelSettings
from farmaner.encoders.folder import ONNX_FILES, load_lexicon, load_tokenizer
from farmaner.encoders.onnx import FEATURES_INPUT, OnnxEncoder
from farmaner.encoders.torch import TorchEncoder, load_model
from farmaner.errors import ModelError
from farmaner.evaluation.scoring import Counts, score_sets
from farmaner.recognizer import Recognizer
from farmaner.training.quantize import write_int8
from farmaner.training.readback import name_weights
from farmaner.windows import Batch

TOLERANCE = 1e-4
"""How far a float32 logit of ONNX may lie from torch's."""

_OPSET = 23  # the first with an operator for attention


@dataclass(frozen=True, slots=True)
class Comparison:
    """The entities of an exported model against torch's on the same documents."""

    backend: str
    size_mb: float
    n_documents: int
    counts: Counts

    @property
    def n_different(self) -> int:
        """Entities that one of the two found and the other did not."""
        return self.counts.false_positives + self.counts.false_negatives


@dataclass(frozen=True, slots=True)
class Export:
    """What was written, and how near it is to the original."""

    largest_difference: float
    comparisons: tuple[Comparison, ...]


def export(folder: Path, documents: Sequence[Document] = ()) -> Export:
    """Write `onnx/model.onnx` and `onnx/model_int8.onnx` into a model folder, and check them.

    The float32 logits must lie within `TOLERANCE` of torch's, else ModelError; the entities of
    `documents` are recognized with each and compared with torch's.
    """
    settings = ModelSettings.read(folder)
    model = load_model(folder)
    path, path_int8 = (folder / ONNX_FILES[name] for name in ("onnx", "onnx-int8"))
    path.parent.mkdir(exist_ok=True)
    with _quiet():
        _write_onnx(model, path, settings)
        write_int8(path, path_int8)
    difference = _largest_difference(model, OnnxEncoder(path), settings)
    if difference > TOLERANCE:
        raise ModelError(
            f"{path}: expected logits within {TOLERANCE:g} of torch's, found {difference:.2g}"
        )
    return Export(difference, _compare(folder, model, settings, documents))


class _Logits(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        types = {} if token_type_ids is None else {FEATURES_INPUT: token_type_ids}
        logits: torch.Tensor = self.model(input_ids=input_ids, **types).logits
        return logits


def _write_onnx(model: Any, path: Path, settings: ModelSettings) -> None:
    """Write a model that reads one window a call: `input_ids` (1, pieces), without padding.

    One that reads a lexicon has `token_type_ids`, of the same shape, beside them.
    """
    batch = _random_batch((1, 17), model.config, settings)
    inputs = {"input_ids": batch.piece_ids}
    if batch.features is not None:
        inputs[FEATURES_INPUT] = batch.features
    pieces = torch.export.Dim("pieces", min=2)
    torch.onnx.export(
        _Logits(model).eval(),
        tuple(map(torch.from_numpy, inputs.values())),
        str(path),
        input_names=list(inputs),
        output_names=["logits"],
        dynamic_shapes={name: {1: pieces} for name in inputs},
        opset_version=_OPSET,
        external_data=False,
        dynamo=True,
        verbose=False,
    )
    name_weights(path, model.state_dict())


def _random_batch(shape: tuple[int, int], config: Any, settings: ModelSettings) -> Batch:
    """Return reproducible piece ids, and features; of several windows the last is half padding."""
    random = np.random.default_rng(0)
    piece_ids = random.integers(0, config.vocab_size, shape)
    mask = np.ones(shape, dtype=np.int64)
    if shape[0] > 1:
        mask[-1, shape[1] // 2 :] = 0
    if not settings.lexicon:
        return Batch(piece_ids, mask)
    return Batch(piece_ids, mask, random.integers(0, config.type_vocab_size, shape))


def _largest_difference(model: Any, exported: OnnxEncoder, settings: ModelSettings) -> float:
    reference = TorchEncoder(model)
    largest = 0.0
    for shape in ((1, 2), (4, settings.max_pieces), (2, settings.max_pieces // 2 + 1)):
        batch = _random_batch(shape, model.config, settings)
        difference = np.abs(exported(batch) - reference(batch))[batch.mask == 1]
        largest = max(largest, float(difference.max()))
    return largest


def _compare(
    folder: Path, model: Any, settings: ModelSettings, documents: Sequence[Document]
) -> tuple[Comparison, ...]:
    if not documents:
        return ()
    tokenizer, lexicon = load_tokenizer(folder, settings), load_lexicon(folder, settings)

    def found(encoder: TorchEncoder | OnnxEncoder) -> dict[str, frozenset[tuple[str, int, int]]]:
        recognizer = Recognizer(encoder, tokenizer, settings, lexicon=lexicon)
        return {
            str(place): frozenset(entity.key for entity in document.entities)
            for place, document in enumerate(recognizer.recognize_documents(documents))
        }

    reference = found(TorchEncoder(model))
    return tuple(
        Comparison(
            backend,
            (folder / file).stat().st_size / 1e6,
            len(documents),
            score_sets(reference, found(OnnxEncoder(folder / file))),
        )
        for backend, file in ONNX_FILES.items()
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporters' advice to developers; errors still raise."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
