"""Encoders: padded windows to logits, on whatever runs them."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from farmaner.encoders.folder import (
    ONNX_FILES,
    WEIGHTS_FILE,
    ModelSettings,
    load_cutter,
    load_lexicon,
    load_tokenizer,
)
from farmaner.errors import ModelError
from farmaner.windows import Batch

__all__ = [
    "Backend",
    "Encoder",
    "ModelSettings",
    "load_cutter",
    "load_encoder",
    "load_lexicon",
    "load_tokenizer",
]

Backend = Literal["auto", "onnx-int8", "onnx", "torch"]


class Encoder(Protocol):
    """Padded piece ids to logits: the only code that runs on a device."""

    def __call__(self, batch: Batch) -> NDArray[np.float32]:
        """Return float32 logits, (windows, pieces, tags)."""


def load_encoder(
    folder: Path, backend: Backend = "auto", *, threads: int | None = None
) -> tuple[Encoder, Backend]:
    """Return the encoder of a model folder and the backend that runs it.

    `auto` takes torch where there is a GPU for it and the folder holds its weights; else the
    first of ONNX int8, ONNX float32 and torch that the folder holds; export a model to add the
    first two. `threads` limits the cores used (default: all that are allowed).
    """
    held = [name for name, file in ONNX_FILES.items() if (folder / file).is_file()]
    if backend == "auto":
        by_gpu = (folder / WEIGHTS_FILE).is_file() and _gpu_for_torch()
        backend = "torch" if by_gpu or not held else "onnx-int8" if "onnx-int8" in held else "onnx"
    if backend == "torch":
        if not (folder / WEIGHTS_FILE).is_file():
            raise ModelError(f"{folder}: expected model weights ({WEIGHTS_FILE}), found none")
        from farmaner.encoders.torch import TorchEncoder

        return TorchEncoder.from_folder(folder, threads=threads), backend
    if backend not in held:
        raise ModelError(
            f"{folder}: expected {ONNX_FILES[backend]}, found none; run: farmaner export {folder}"
        )
    from farmaner.encoders.onnx import OnnxEncoder

    return OnnxEncoder(folder / ONNX_FILES[backend], threads=threads), backend


def _gpu_for_torch() -> bool:
    """Return whether torch is there and finds a GPU; looks for a driver first, which is quick."""
    if shutil.which("nvidia-smi") is None or find_spec("torch") is None:
        return False
    from farmaner.encoders.torch import has_gpu

    return has_gpu()
