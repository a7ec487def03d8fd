"""An encoder run by torch, on the CPU or on a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farmaner.errors import MissingExtraError, ModelError
from farmaner.windows import Batch

try:
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForTokenClassification
except ImportError as error:
    raise MissingExtraError(error.name or "torch", "train") from error


def load_model(folder: Path) -> Any:
    """Load a model folder in float32, in evaluation mode; ModelError if transformers refuses it."""
    try:
        return AutoModelForTokenClassification.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32
        ).eval()
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{folder}: expected a token-classification model that transformers loads, "
            f"found one that it refuses ({type(error).__name__})"
        ) from error


def has_gpu() -> bool:
    """Return whether torch finds a GPU."""
    return bool(torch.cuda.is_available())


class TorchEncoder:
    """Runs a token-classification model of `transformers` in evaluation mode."""

    def __init__(self, model: Any, *, bfloat16: bool = False) -> None:
        self._model = model
        self._bfloat16 = bfloat16

    @classmethod
    def from_folder(
        cls, folder: Path, *, threads: int | None = None, bfloat16: bool | None = None
    ) -> TorchEncoder:
        """Load a model folder, onto the first GPU where there is one.

        Products are in bfloat16 or float32 as asked, unasked in bfloat16 on a GPU alone.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        model, gpu = load_model(folder), has_gpu()
        return cls(
            model.to("cuda") if gpu else model, bfloat16=gpu if bfloat16 is None else bfloat16
        )

    def __call__(self, batch: Batch) -> NDArray[np.float32]:
        """Return float32 logits, (windows, pieces, tags)."""
        training = self._model.training
        self._model.eval()
        device = self._model.device
        read = {"input_ids": batch.piece_ids, "attention_mask": batch.mask}
        if batch.features is not None:
            read["token_type_ids"] = batch.features
        inputs = {name: torch.from_numpy(array).to(device) for name, array in read.items()}
        autocast = torch.autocast(device.type, torch.bfloat16, enabled=self._bfloat16)
        with torch.inference_mode(), autocast:
            logits = self._model(**inputs).logits
        self._model.train(training)
        result: NDArray[np.float32] = logits.float().cpu().numpy()
        return result
