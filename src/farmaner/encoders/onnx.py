"""An encoder run by ONNX Runtime on the CPU."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from farmaner.errors import ModelError
from farmaner.windows import Batch

# The runtime tells its makers that it was used, and keeps an id under the user's cache folder,
# unless it is told not to before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

FEATURES_INPUT = "token_type_ids"

_SLOWER_FUSED = ["SkipLayerNormFusion"]
"""Adding and normalizing in one operator takes some ten times as long as in two."""


class OnnxEncoder:
    """Runs an exported model; input `input_ids`, output `logits`.

    A model with a lexicon has a second input, `token_type_ids`: the features of the pieces.

    Every window is read alone and without its padding, so that its logits depend, to the last
    bit, on its own pieces only; each thread runs windows of its own on one core.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                str(path),
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=_SLOWER_FUSED,
            )
        except Exception as error:  # the runtime's own errors share no documented base
            raise ModelError(
                f"{path}: expected an ONNX model that ONNX Runtime "
                f"{onnxruntime.__version__} loads, found one that it refuses"
            ) from error
        given = {one.name for one in self._session.get_inputs()}
        self._masked = "attention_mask" in given
        self._reads_features = FEATURES_INPUT in given
        self._path = path
        self._threads = threads if threads is not None else available_cores()
        self._pool = ThreadPoolExecutor(self._threads, "farmaner-encoder")

    def __call__(self, batch: Batch) -> NDArray[np.float32]:
        """Return float32 logits, (windows, pieces, tags); those of padding are 0."""
        if batch.features is not None and not self._reads_features:
            raise ModelError(
                f"{self._path}: expected the input {FEATURES_INPUT}, for the lexicon, found none"
            )
        lengths = batch.mask.sum(axis=1).tolist()
        features = np.zeros_like(batch.mask) if batch.features is None else batch.features
        windows = [
            (ids[:length], of[:length])
            for ids, of, length in zip(batch.piece_ids, features, lengths)
        ]
        spread = len(windows) > 1 and self._threads > 1
        answers = list((self._pool.map if spread else map)(self._read, windows))
        logits = np.zeros((*batch.piece_ids.shape, answers[0].shape[-1]), dtype=np.float32)
        for row, answer in enumerate(answers):
            logits[row, : len(answer)] = answer
        return logits

    def _read(self, window: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.float32]:
        ids, features = window
        inputs = {"input_ids": ids[None]}
        if self._reads_features:
            inputs[FEATURES_INPUT] = features[None]
        if self._masked:
            inputs["attention_mask"] = np.ones_like(inputs["input_ids"])
        logits: NDArray[np.float32] = self._session.run(["logits"], inputs)[0][0]
        return logits


def available_cores() -> int:
    """Return how many cores this process may use: OMP_NUM_THREADS, else what the system allows."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
