"""Export: a trained model to ONNX, in float32 and int8, and the proof that it is the same one."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

from farmaner.document import Document
from farmaner.encoders import ModelSettings
from farmaner.encoders.folder import ONNX_FILES, load_tokenizer
from farmaner.encoders.onnx import OnnxEncoder
from farmaner.encoders.torch import TorchEncoder, load_model
from farmaner.errors import ModelError
from farmaner.evaluation.scoring import Counts, score_sets
from farmaner.recognizer import Recognizer
from farmaner.training.readback import name_weights
from farmaner.windows import Batch

TOLERANCE = 1e-4
"""How far a float32 logit of ONNX may lie from torch's."""

_OPSET = 20
_BLOCK_SIZE = 128
_INT8_ACTIVATIONS = 4  # accuracy_level of MatMulNBits: multiply in 8 bits


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
        _write_onnx(model, path)
        _write_int8(path, path_int8)
    difference = _largest_difference(TorchEncoder(model), OnnxEncoder(path), settings)
    if difference > TOLERANCE:
        raise ModelError(
            f"{path}: expected logits within {TOLERANCE:g} of torch's, found {difference:.2g}"
        )
    return Export(difference, _compare(folder, model, settings, documents))


class _Logits(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def _write_onnx(model: Any, path: Path) -> None:
    batch = _random_batch(model.config.vocab_size, (3, 17))
    axes = {0: torch.export.Dim("windows", min=1), 1: torch.export.Dim("pieces", min=2)}
    torch.onnx.export(
        _Logits(model).eval(),
        (torch.from_numpy(batch.piece_ids), torch.from_numpy(batch.mask)),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_shapes={"input_ids": axes, "attention_mask": axes},
        opset_version=_OPSET,
        external_data=False,
        dynamo=True,
        verbose=False,
    )
    name_weights(path, model.state_dict())


def _write_int8(path: Path, path_int8: Path) -> None:
    """Write a copy of an ONNX model with weights and embeddings in 8 bits.

    Matrix products take `MatMulNBits`: its activations are quantized in blocks of each piece's
    own vector, so that a window's answer depends neither on padding nor on the windows beside it,
    as it does where one scale serves the whole batch (`quantize_dynamic`: 150 of 1,904 entities
    of dev changed with their batch).
    """
    with tempfile.TemporaryDirectory() as folder:
        embeddings = Path(folder) / "embeddings.onnx"
        quantize_dynamic(
            path, embeddings, weight_type=QuantType.QInt8, op_types_to_quantize=["Gather"]
        )
        products = MatMulNBitsQuantizer(
            onnx.load(embeddings),
            bits=8,
            block_size=_BLOCK_SIZE,
            is_symmetric=True,
            accuracy_level=_INT8_ACTIVATIONS,
        )
        products.process()
        products.model.save_model_to_file(str(path_int8))


def _random_batch(n_pieces: int, shape: tuple[int, int]) -> Batch:
    """Return reproducible piece ids; the second half of the last window is padding."""
    piece_ids = np.random.default_rng(0).integers(0, n_pieces, shape)
    mask = np.ones(shape, dtype=np.int64)
    mask[-1, shape[1] // 2 :] = 0
    return Batch(piece_ids, mask)


def _largest_difference(
    reference: TorchEncoder, exported: OnnxEncoder, settings: ModelSettings
) -> float:
    largest = 0.0
    for shape in ((1, 2), (4, settings.max_pieces), (2, settings.max_pieces // 2 + 1)):
        batch = _random_batch(reference.vocabulary_size, shape)
        difference = np.abs(exported(batch) - reference(batch))[batch.mask == 1]
        largest = max(largest, float(difference.max()))
    return largest


def _compare(
    folder: Path, model: Any, settings: ModelSettings, documents: Sequence[Document]
) -> tuple[Comparison, ...]:
    if not documents:
        return ()
    tokenizer = load_tokenizer(folder, settings)

    def found(encoder: TorchEncoder | OnnxEncoder) -> dict[str, frozenset[tuple[str, int, int]]]:
        recognizer = Recognizer(encoder, tokenizer, settings)
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
