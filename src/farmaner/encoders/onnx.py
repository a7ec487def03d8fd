"""An encoder run by ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from farmaner.errors import ModelError
from farmaner.windows import Batch


class OnnxEncoder:
    """Runs an exported model; inputs `input_ids` and `attention_mask`, output `logits`."""

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's own errors share no documented base
            raise ModelError(
                f"{path}: expected an ONNX model that ONNX Runtime "
                f"{onnxruntime.__version__} loads, found one that it refuses"
            ) from error

    def __call__(self, batch: Batch) -> NDArray[np.float32]:
        """Return float32 logits, (windows, pieces, tags)."""
        inputs = {"input_ids": batch.piece_ids, "attention_mask": batch.mask}
        logits: NDArray[np.float32] = self._session.run(["logits"], inputs)[0]
        return logits
