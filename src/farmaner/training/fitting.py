"""Fitting inside a longer job: a training goes on where it was killed, and is not done twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from farmaner.document import Document
from farmaner.training.config import TrainingConfig
from farmaner.training.loop import SUMMARY_FILE, train
from farmaner.training.progress import ShowEpoch
from farmaner.training.run import CHECKPOINTS
from farmaner.training.soft import SoftText


def fit(
    config: TrainingConfig,
    documents: Sequence[Document],
    dev: Sequence[Document],
    output: Path,
    *,
    soft: Sequence[SoftText] = (),
    soft_weight: float = 1.0,
    show: ShowEpoch | None = None,
) -> dict[str, Any]:
    """Train, or go on with a training, or find it done; return its summary.

    `output` holds nothing but what an earlier call with the same arguments left there.
    """
    summary = output / SUMMARY_FILE
    if not summary.is_file():
        train(
            config,
            documents,
            dev,
            output=output,
            resume=True,
            soft=soft,
            soft_weight=soft_weight,
            show=show,
        )
    shutil.rmtree(output / CHECKPOINTS, ignore_errors=True)  # of a kill at the very end
    content: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return content
