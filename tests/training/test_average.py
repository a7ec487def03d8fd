"""The mean of models is a model of theirs, and of nothing that does not fit together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from farmaner.cli import run
from farmaner.document import Document
from farmaner.encoders import ModelSettings
from farmaner.recognizer import load
from farmaner.training.average import average_weights
from farmaner.training.config import TrainingConfig
from farmaner.training.loop import train

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def models(
    notes: list[Document],
    encoder_folder: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Path]:
    """Three models of one start, each with its seed and a lexicon."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "terms.txt").write_text("hierro\npenicilina\n", encoding="utf-8")
    made = []
    for seed in (1, 2, 3):
        config = TrainingConfig(
            encoder=encoder_folder("bert"),
            max_pieces=48,
            epochs=1,
            batch_size=8,
            seed=seed,
            lexicon=str(folder / "terms.txt"),
        )
        made.append(train(config, notes[:4], output=folder / f"m{seed}").folder)
    return made


def test_the_mean_of_models_has_the_mean_of_their_weights_and_reads_as_they_do(
    models: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "mean"
    (models[0] / "onnx").mkdir()
    (models[0] / "onnx" / "model.onnx").write_bytes(b"of the first alone")
    assert run(["average", *map(str, models), "-o", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    each = [load_file(model / "model.safetensors") for model in models]
    mean = load_file(output / "model.safetensors")
    assert mean.keys() == each[0].keys()
    for name, tensor in mean.items():
        torch.testing.assert_close(tensor, sum(one[name] for one in each) / 3)
    assert not torch.equal(mean["classifier.weight"], each[0]["classifier.weight"])
    assert ModelSettings.read(output).name == "mean"
    assert ModelSettings.read(output).lexicon
    assert not (output / "onnx").exists()
    assert load(output).recognize("").entities == ()
    assert json.loads((output / "averaged.json").read_text())["models"] == [*map(str, models)]


def test_the_mean_of_a_model_with_itself_is_that_model(models: list[Path], tmp_path: Path) -> None:
    average_weights([models[1], models[1]], tmp_path)
    mine, theirs = (load_file(path / "model.safetensors") for path in (tmp_path, models[1]))
    for name, tensor in mine.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=0, atol=0)


def test_what_does_not_fit_together_is_one_line(
    models: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, other = models[0], tmp_path / "other"
    shutil.copytree(models[1], other)

    def said(*folders: Path, output: Path = tmp_path / "mean") -> str:
        assert run(["average", *map(str, folders), "-o", str(output)]) == 1
        return capsys.readouterr().err.strip()

    assert said(first).endswith("models: expected two or more folders, found 1")
    assert said(first, other, output=other).endswith("a new or empty folder, found files in it")
    weights = load_file(other / "model.safetensors")
    wide = {name: torch.cat([tensor, tensor]) for name, tensor in weights.items()}
    save_file(wide, other / "model.safetensors")
    assert said(first, other).endswith(f"expected weights of the shapes of {first}, found others")
    (other / "lexicon.txt").write_text("zinc\n", encoding="utf-8")
    expected = f"expected tags, windows and lexicon of {first}, found others"
    assert said(first, other).endswith(expected)
    (other / "model.safetensors").write_bytes(b"no tensors")
    (other / "lexicon.txt").write_bytes((first / "lexicon.txt").read_bytes())
    assert "expected safetensors, found" in said(first, other)
    (other / "model.safetensors").unlink()
    assert said(first, other).endswith("a model folder with model.safetensors, found none")
    assert not (tmp_path / "mean").exists()
