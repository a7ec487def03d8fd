"""One model of several: the mean of their weights.

Models that were fitted from one and the same start, by other seeds or on other texts, err in
different places and lie near enough to each other that their mean is a model too, often a better
one than each (Wortsman et al. 2022). It costs no more to annotate with than one.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from farmaner.encoders import ModelSettings, load_lexicon
from farmaner.encoders.folder import CARD_FILE, ONNX_FILES, SETTINGS_FILE, WEIGHTS_FILE, model_files
from farmaner.errors import ConfigError, ModelError
from farmaner.formats.files import write_text

AVERAGED_FILE = "averaged.json"
"""Beside the model: whose weights it is the mean of."""


def average_weights(folders: Sequence[Path], output: Path) -> None:
    """Write the mean of the weights of model folders, as a model, into the folder `output`.

    What is no weight is that of the first, without its exports, its card and its temperature.

    Raises ConfigError for fewer than two folders, ModelError where one has no torch weights or
    differs from the first in tags, windows, lexicon or shapes.
    """
    if len(folders) < 2:
        raise ConfigError(f"models: expected two or more folders, found {len(folders)}")
    first, *others = folders
    settings = ModelSettings.read(first)
    lexicon, total = load_lexicon(first, settings), _weights(first)
    for folder in others:
        own = ModelSettings.read(folder)
        if _read_alike(own) != _read_alike(settings) or load_lexicon(folder, own) != lexicon:
            raise ModelError(
                f"{folder}: expected tags, windows and lexicon of {first}, found others"
            )
        weights = _weights(folder)
        if _shapes(weights) != _shapes(total):
            raise ModelError(f"{folder}: expected weights of the shapes of {first}, found others")
        for name in total:
            total[name] += weights[name]
    output.mkdir(parents=True, exist_ok=True)
    for name in set(model_files(first)) - {
        SETTINGS_FILE,
        WEIGHTS_FILE,
        CARD_FILE,
        *ONNX_FILES.values(),
    }:
        shutil.copyfile(first / name, output / name)
    mean = {name: (tensor / len(folders)).float().contiguous() for name, tensor in total.items()}
    save_file(mean, output / WEIGHTS_FILE, metadata={"format": "pt"})
    content = {"models": [str(folder) for folder in folders]}
    write_text(output / AVERAGED_FILE, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    dataclasses.replace(settings, name=output.name, temperature=1.0).write(output)


def _read_alike(settings: ModelSettings) -> ModelSettings:
    return dataclasses.replace(settings, name="", temperature=1.0)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise ModelError(f"{folder}: expected a model folder with {WEIGHTS_FILE}, found none")
    try:
        return {name: tensor.double() for name, tensor in load_file(path).items()}
    except SafetensorError as error:
        raise ModelError(f"{path}: expected safetensors, found: {error}") from None


def _shapes(weights: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}
