"""Bad input to training and export: one clear line, exit 1."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from farmaner.cli import run
from farmaner.encoders import ModelSettings, load_encoder
from farmaner.errors import ModelError
from farmaner.text.pieces import SpecialPieces

pytestmark = pytest.mark.train

NOTES = str(Path(__file__).parents[2] / "examples" / "notes")
Folder = Callable[[str], str]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the hub where nothing answers."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")


def train(*flags: str, output: Path) -> int:
    return run(["train", "--train", NOTES, "--output", str(output), *flags])


def the_line(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err.removeprefix("farmaner: ").rstrip("\n")


@pytest.mark.parametrize("offline", [True, False])
def test_a_hub_name_without_network_says_how_to_point_at_a_folder(
    offline: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    assert train("--encoder", "nadie/no-existe", output=tmp_path / "m") == 1
    assert the_line(capsys) == (
        "nadie/no-existe: expected a local folder or a model of the hub, found no such folder "
        "and could not fetch it; without network, point --encoder at a local folder, or set "
        "HF_HOME to a cache that holds it and HF_HUB_OFFLINE=1"
    )
    assert not (tmp_path / "m").exists()


def test_an_encoder_folder_that_does_not_exist(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "none")
    assert train("--encoder", missing, output=tmp_path / "m") == 1
    assert the_line(capsys) == f"{missing}: expected an encoder folder, found no such folder"


def test_an_encoder_folder_without_weights(
    tmp_path: Path, encoder_folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = shutil.copytree(encoder_folder("bert"), tmp_path / "bare")
    (bare / "model.safetensors").unlink()
    assert train("--encoder", str(bare), output=tmp_path / "m") == 1
    assert the_line(capsys) == (
        f"{bare}: expected an encoder with weights (model.safetensors), found none"
    )


def test_an_encoder_without_a_fast_tokenizer(
    tmp_path: Path, encoder_folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = shutil.copytree(encoder_folder("bert"), tmp_path / "slow")
    (slow / "tokenizer.json").unlink()
    (slow / "tokenizer_config.json").write_text('{"tokenizer_class": "CanineTokenizer"}')
    assert train("--encoder", str(slow), output=tmp_path / "m") == 1
    assert the_line(capsys) == (
        f"{slow}: expected an encoder with a fast tokenizer (tokenizer.json), "
        "found CanineTokenizer, which has none"
    )


def test_an_unknown_key_of_a_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "a.toml"
    config.write_text('encoder = "x"\nlearning_rat = 1e-5\n')
    assert train("--config", str(config), output=tmp_path / "m") == 1
    line = the_line(capsys)
    assert line.startswith(f"{config}: expected one of accumulation, batch_size, context, ")
    assert line.endswith(", found the unknown key 'learning_rat'")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("epochs = 0", "epochs: expected 1 to 1e+06, found 0"),
        ('epochs = "many"', "epochs: expected a whole number, found 'many'"),
        ("dropout = 2.0", "dropout: expected 0 to 1, found 2"),
        ('scheme = "bilou"', "scheme: expected one of iob2, paper, io, bioes, found 'bilou'"),
        ("labels = [1]", "labels: expected a list of names, found (1,)"),
    ],
)
def test_a_setting_of_the_wrong_kind_or_out_of_range(
    content: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "a.toml"
    config.write_text(f'encoder = "x"\n{content}\n')
    assert train("--config", str(config), output=tmp_path / "m") == 1
    assert the_line(capsys) == f"{config}: {complaint}"


def test_a_config_that_is_not_toml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "a.toml"
    config.write_text("encoder: x\n")
    assert train("--config", str(config), output=tmp_path / "m") == 1
    assert the_line(capsys).startswith(f"{config}: expected TOML, found ")


def test_windows_longer_than_the_encoder_reads(
    tmp_path: Path, encoder_folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = encoder_folder("roberta")
    assert train("--encoder", folder, "--max-pieces", "129", output=tmp_path / "m") == 1
    assert the_line(capsys) == (
        f"max_pieces: expected at most 128, which {folder} can read, found 129"
    )


def test_no_encoder_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(output=tmp_path / "m") == 1
    assert the_line(capsys) == "encoder: expected a hub name or a folder, found none"


def test_training_without_a_folder_to_train_on_is_a_usage_mistake(tmp_path: Path) -> None:
    assert run(["train", "--output", str(tmp_path / "m")]) == 2


def test_a_model_folder_without_settings_or_without_weights(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        ModelSettings.read(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: expected a model folder with farmaner.json, found none"
    )
    settings = ModelSettings("m", ("A",), "iob2", 64, SpecialPieces(0, 1, 2, 3))
    settings.write(tmp_path)
    assert ModelSettings.read(tmp_path) == settings
    with pytest.raises(ModelError) as error:
        load_encoder(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: expected model weights (model.safetensors), found none"
    )
    with pytest.raises(ModelError) as error:
        load_encoder(tmp_path, "onnx")
    assert str(error.value) == (
        f"{tmp_path}: expected onnx/model.onnx, found none; run: farmaner export {tmp_path}"
    )


PLAIN_SETTINGS: dict[str, object] = {
    "format": 1,
    "name": "m",
    "labels": ["A"],
    "scheme": "iob2",
    "max_pieces": 64,
    "special_pieces": {"cls": 0, "sep": 1, "pad": 2, "unk": 3},
}


def test_a_folder_from_before_the_switches_has_neither(tmp_path: Path) -> None:
    (tmp_path / "farmaner.json").write_text(json.dumps(PLAIN_SETTINGS))
    settings = ModelSettings.read(tmp_path)
    assert settings == ModelSettings("m", ("A",), "iob2", 64, SpecialPieces(0, 1, 2, 3))
    assert (settings.context, settings.lexicon) == ("none", False)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("not json", "expected JSON in UTF-8, found something else"),
        (json.dumps({"format": 9}), "expected format 1, found 9"),
        (json.dumps({"format": 1}), "expected farmaner's settings, found 'labels'"),
        (
            json.dumps(PLAIN_SETTINGS | {"context": "page"}),
            "context: expected one of none, sentences, document, found page",
        ),
    ],
)
def test_settings_that_cannot_be_read(content: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "farmaner.json"
    path.write_text(content)
    assert run(["annotate", str(path), "--model", str(tmp_path)]) == 1
    with pytest.raises(Exception, match="expected") as error:
        ModelSettings.read(tmp_path)
    assert str(error.value) == f"{path}: {complaint}"


def test_weights_that_no_runtime_loads(tmp_path: Path) -> None:
    ModelSettings("m", ("A",), "iob2", 64, SpecialPieces(0, 1, 2, 3)).write(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match="expected a token-classification model"):
        load_encoder(tmp_path, "torch")
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="expected an ONNX model that ONNX Runtime"):
        load_encoder(tmp_path, "onnx")


@pytest.mark.parametrize(
    "command",
    [
        ["train", "--encoder", "x"],
        ["tune", "--config", "configs/paper-grid.toml", "--dev", NOTES],
        ["experiment", "configs/table2.toml"],
    ],
)
def test_a_command_that_trains_names_the_extra_it_lacks(
    command: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(Path(NOTES).parents[1])
    monkeypatch.setattr("farmaner.training.quiet.find_spec", lambda name: None)
    assert run([*command, "--train", NOTES, "--output", str(tmp_path / "m")]) == 1
    assert the_line(capsys) == 'torch is not installed; run: pip install "farmaner[train]"'
