"""Fitting inside a longer job: a training goes on where it was killed, and is not done twice."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from farmaner.document import Document
from farmaner.training.config import TrainingConfig
from farmaner.training.loop import SUMMARY_FILE, train
from farmaner.training.progress import ShowEpoch


def fit(
    config: TrainingConfig,
    documents: Sequence[Document],
    dev: Sequence[Document],
    output: Path,
    *,
    show: ShowEpoch | None = None,
) -> dict[str, Any]:
    """Train, or go on with a training, or find it done; return its summary.

    `output` holds nothing but what an earlier call with the same arguments left there.
    """
    summary = output / SUMMARY_FILE
    if not summary.is_file():
        train(config, documents, dev, output=output, resume=True, show=show)
    content: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return content


def inputs_of(
    config: TrainingConfig, *, train: Sequence[Path], dev: Path | None
) -> dict[str, object]:
    """Return what decides a training's result, for a step: settings, encoder and documents.

    An encoder's folder counts by its content, a hub name by the name alone.
    """
    folder = Path(config.encoder)
    settings = asdict(config) | {"encoder": folder if folder.is_dir() else config.encoder}
    return {"settings": settings, "train": list(train), "dev": dev}


def quiet_libraries() -> None:
    """Keep the training libraries from writing between the lines of a command."""
    warnings.filterwarnings("ignore", module="torch|transformers|accelerate")
    logging.getLogger("transformers").setLevel(logging.ERROR)
