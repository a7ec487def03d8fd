from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM

from farmaner.cli import run
from farmaner.document import Document
from farmaner.errors import ConfigError, CorpusError, ModelError
from farmaner.tagging import IGNORED
from farmaner.training.config import PretrainConfig, TrainingConfig, read_settings
from farmaner.training.loop import train
from farmaner.training.pretrain import PretrainResult, masked_loss, pretrain
from farmaner.training.texts import SourceText

pytestmark = pytest.mark.train


@pytest.fixture
def texts(notes: list[Document]) -> list[SourceText]:
    return [
        SourceText("altas" if number % 3 else "prospectos", note.text)
        for number, note in enumerate(notes)
    ]


def _config(encoder: str, **settings: object) -> PretrainConfig:
    defaults = {
        "max_pieces": 32,
        "batch_size": 8,
        "learning_rate": 3e-3,
        "held_out": 0.2,
        "evaluate_steps": 10,
        "save_steps": 5,
        "precision": "float32",
    }
    return PretrainConfig(encoder=encoder, **(defaults | settings))  # type: ignore[arg-type]


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(AutoModelForMaskedLM.from_pretrained(folder).state_dict())


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "deberta-v2"])
def test_every_family_learns_and_starts_a_fine_tuning(
    family: str,
    masked_encoder: Callable[[str], str],
    texts: list[SourceText],
    notes: list[Document],
    tmp_path: Path,
) -> None:
    result = pretrain(_config(masked_encoder(family)), texts, output=tmp_path / "encoder")
    assert set(result.sources) == set(result.before) == set(result.after)
    assert set(result.sources) == {"altas", "prospectos"}
    for source, loss in result.after.items():
        assert loss < result.before[source]
    settings = TrainingConfig(
        encoder=str(result.folder), epochs=1, max_pieces=64, precision="float32"
    )
    trained = train(settings, notes[:4], output=tmp_path / "model")
    before, after = AutoModel.from_pretrained(result.folder), trained.folder
    assert after.joinpath("model.safetensors").is_file()
    assert before.config.vocab_size == AutoModel.from_pretrained(after).config.vocab_size


def test_the_head_is_tied_to_the_embeddings(
    masked_encoder: Callable[[str], str], texts: list[SourceText], tmp_path: Path
) -> None:
    pretrain(_config(masked_encoder("bert")), texts, output=tmp_path / "encoder")
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "encoder")
    assert torch.equal(model.get_output_embeddings().weight, model.get_input_embeddings().weight)


def test_the_loss_at_masked_pieces_is_that_of_the_whole_model(
    masked_encoder: Callable[[str], str],
) -> None:
    for family in ("bert", "roberta", "xlm-roberta", "deberta-v2"):
        model = AutoModelForMaskedLM.from_pretrained(masked_encoder(family)).eval()
        ids = torch.randint(6, 90, (3, 20))
        labels = torch.where(torch.rand(3, 20) < 0.3, ids, IGNORED)
        labels[0, 3] = ids[0, 3]
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
        with torch.inference_mode():
            torch.testing.assert_close(masked_loss(model, inputs), model(**inputs).loss)


def test_a_source_is_read_as_often_as_its_weight_says(
    masked_encoder: Callable[[str], str], texts: list[SourceText], tmp_path: Path
) -> None:
    encoder = masked_encoder("bert")

    def run_with(name: str, **weights: float) -> PretrainResult:
        config = _config(encoder, weights=weights)
        return pretrain(config, texts, output=tmp_path / name)

    once, thrice = run_with("once"), run_with("thrice", altas=3.0)
    windows = {name: count.n_windows for name, count in once.sources.items()}
    assert once.steps == -(-sum(windows.values()) // 8)
    assert thrice.steps == -(-(3 * windows["altas"] + windows["prospectos"]) // 8)
    none = run_with("none", prospectos=0.0)
    assert none.steps == -(-windows["altas"] // 8)
    assert "prospectos" not in none.after
    some = run_with("some", altas=0.5)
    assert 0 < some.sources["altas"].n_texts < once.sources["altas"].n_texts
    assert some.sources["altas"].n_passed_over > 0


def test_texts_that_will_judge_the_model_are_not_read(
    masked_encoder: Callable[[str], str], texts: list[SourceText], tmp_path: Path
) -> None:
    kept_out = [texts[1].text, texts[2].text]
    hidden = [SourceText("otra", f"Caso 7\n\n{texts[1].text.upper()}"), *texts]
    result = pretrain(
        _config(masked_encoder("bert")), hidden, output=tmp_path / "encoder", kept_out=kept_out
    )
    assert result.sources["otra"].n_overlapping == 1
    assert result.sources["altas"].n_overlapping == 2
    assert sum(count.n_texts + count.n_held_out for count in result.sources.values()) == 40


def test_every_text_left_out_is_an_error(
    masked_encoder: Callable[[str], str], texts: list[SourceText], tmp_path: Path
) -> None:
    for read in ([], [SourceText("altas", texts[0].text)]):
        with pytest.raises(CorpusError, match="expected at least one to pretrain on"):
            pretrain(
                _config(masked_encoder("bert")),
                read,
                output=tmp_path / "encoder",
                kept_out=[texts[0].text],
            )
    assert not (tmp_path / "encoder").exists()


def test_a_tokenizer_without_a_mask_piece_is_refused(
    encoder_folder: Callable[[str], str], texts: list[SourceText], tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="a tokenizer with a mask piece"):
        pretrain(_config(encoder_folder("bert")), texts, output=tmp_path / "encoder")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("mask = 0.2", "unknown key 'mask'"),
        ("mask_share = 1.5", "mask_share: expected 0 to 1, found 1.5"),
        ('weights = "casos"', "weights: expected a table of numbers"),
        ("weights = {casos = -1}", "weights: expected a table of numbers, none below 0"),
        ("batch_size = 2.5", "batch_size: expected a whole number"),
    ],
)
def test_settings_are_checked(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "pretrain.toml"
    path.write_text(f'encoder = "e"\n{line}\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_settings(PretrainConfig, path)
    assert complaint in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.slow
def test_a_run_killed_and_resumed_ends_with_the_same_encoder(
    masked_encoder: Callable[[str], str], texts: list[SourceText], tmp_path: Path
) -> None:
    encoder = masked_encoder("bert")
    source = tmp_path / "textos.jsonl"
    lines = [json.dumps({"text": item.text, "source": item.source}) for item in texts]
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = tmp_path / "pretrain.toml"
    config.write_text(
        "max_pieces = 32\nbatch_size = 4\nsave_steps = 5\nevaluate_steps = 10\n"
        'held_out = 0.2\nepochs = 2\nprecision = "float32"\nlearning_rate = 3e-3\n',
        encoding="utf-8",
    )
    command = ["pretrain", str(source), "--config", str(config), "--encoder", encoder]
    assert run([*command, "-o", str(tmp_path / "unbroken")]) == 0

    broken = tmp_path / "broken"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "farmaner", *command, "-o", str(broken)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    while not list(broken.glob("checkpoints/checkpoint-*/trainer_state.json")):
        assert process.poll() is None, "ended before it could be killed"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (broken / "model.safetensors").exists()
    assert run([*command, "-o", str(broken)]) == 1  # without --resume nothing is overwritten
    assert run([*command, "-o", str(broken), "--seed", "5", "--resume"]) == 1
    assert run([*command, "-o", str(broken), "--resume"]) == 0

    whole, resumed = _weights(tmp_path / "unbroken"), _weights(broken)
    assert whole.keys() == resumed.keys()
    for name, weight in whole.items():
        torch.testing.assert_close(resumed[name], weight, rtol=1e-4, atol=1e-5)
    steps = [
        json.loads(line)["step"]
        for line in (broken / "pretraining.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert steps == sorted(steps)
    assert not (broken / "checkpoints").exists()
