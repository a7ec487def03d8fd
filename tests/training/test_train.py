from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from farmaner.document import Document, Entity
from farmaner.errors import ConfigError, CorpusError
from farmaner.recognizer import load
from farmaner.training.config import TrainingConfig, read_config
from farmaner.training.loop import train
from farmaner.training.progress import Epoch

pytestmark = [pytest.mark.train, pytest.mark.slow]

Folder = Callable[[str], str]
NOTES = Path(__file__).parents[2] / "examples" / "notes"


def settings(encoder: str, **values: Any) -> TrainingConfig:
    small = {"max_pieces": 64, "epochs": 2, "batch_size": 8, "learning_rate": 3e-3}
    return TrainingConfig(encoder=encoder, **(small | values))


def found_and_gold(document: Document, gold: Document) -> tuple[set[Any], set[Any]]:
    labels = ("NORMALIZABLES", "NO_NORMALIZABLES", "PROTEINAS")
    expected = {entity.key for entity in gold.entities if entity.label in labels}
    return {entity.key for entity in document.entities}, expected


@pytest.mark.parametrize("scheme", ["iob2", "paper"])
def test_a_model_that_has_seen_a_note_often_enough_finds_its_entities(
    scheme: str, notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    note = next(note for note in notes if len(note.entities) >= 8)
    config = settings(encoder_folder("bert"), scheme=scheme, epochs=40, batch_size=1, dropout=0.0)
    train(config, [note], output=tmp_path / "model")
    again = load(tmp_path / "model").recognize(note.text)
    found, gold = found_and_gold(again, note)
    assert found == gold


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "deberta-v2"])
def test_every_family_trains_and_its_folder_loads_in_transformers_and_in_farmaner(
    family: str, notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer, pipeline

    output = tmp_path / "model"
    result = train(settings(encoder_folder(family)), notes[:8], notes[8:12], output=output)
    assert result.dev is not None
    assert result.coverage.n_documents == 8
    files = {path.name for path in output.iterdir()}
    assert files >= {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "farmaner.json",
        "training.json",
        "training-summary.json",
        "metrics.jsonl",
        "learning-curve.png",
    }
    assert "checkpoints" not in files
    tags = json.loads((output / "config.json").read_text())["id2label"]
    assert tags["0"] == "O"
    assert tags["1"] == "B-NORMALIZABLES"
    tagger = pipeline(
        "token-classification", model=str(output), tokenizer=AutoTokenizer.from_pretrained(output)
    )
    assert isinstance(tagger("Niega alergia a penicilina."), list)
    assert load(output).recognize("").entities == ()


def test_a_resumed_training_ends_with_the_same_model_as_an_unbroken_one(
    notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    config = settings(encoder_folder("bert"), epochs=4, mask_share=0.1)
    fit, dev = notes[:16], notes[16:22]
    train(config, fit, dev, output=tmp_path / "unbroken")

    def interrupt(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, fit, dev, output=tmp_path / "broken", show=interrupt)
    assert not (tmp_path / "broken" / "model.safetensors").exists()
    train(config, fit, dev, output=tmp_path / "broken", resume=True)

    assert weights(tmp_path / "broken") == weights(tmp_path / "unbroken")
    assert figures(tmp_path / "broken") == figures(tmp_path / "unbroken")


def test_a_checkpoint_that_was_not_written_to_its_end_is_passed_over(
    notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    config = settings(encoder_folder("bert"), epochs=3)
    fit, dev = notes[:8], notes[8:12]
    train(config, fit, dev, output=tmp_path / "unbroken")

    def interrupt(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        train(config, fit, dev, output=broken, show=interrupt)
    half = broken / "checkpoints" / "checkpoint-9999"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"")
    (half / "trainer_state.json").write_text('{"epoch": ')
    train(config, fit, dev, output=broken, resume=True)
    assert weights(broken) == weights(tmp_path / "unbroken")
    assert figures(broken) == figures(tmp_path / "unbroken")


def test_a_hub_name_is_found_in_the_ordinary_cache_without_network(
    encoder_folder: Folder, tmp_path: Path
) -> None:
    cached = tmp_path / "home" / "hub" / "models--nadie--encoder"
    shutil.copytree(encoder_folder("bert"), cached / "snapshots" / ("0" * 40))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0" * 40)
    command = [
        *(sys.executable, "-m", "farmaner", "train", "--train", str(NOTES), "--epochs", "1"),
        *("--encoder", "nadie/encoder", "--max-pieces", "64", "--output", str(tmp_path / "m")),
    ]
    offline = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | offline
    )
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'm'}\n"), done.stderr
    assert json.loads((tmp_path / "m" / "training.json").read_text())["encoder"] == "nadie/encoder"


def test_a_training_killed_from_outside_resumes_from_the_command_line(
    notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    command = [
        *(sys.executable, "-m", "farmaner", "train", "--train", str(NOTES), "--epochs", "3"),
        *("--encoder", encoder_folder("bert"), "--max-pieces", "64", "--learning-rate", "0.003"),
    ]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    broken = tmp_path / "broken"
    running = subprocess.Popen(
        [*command, "--output", str(broken)], stderr=subprocess.DEVNULL, env=environment
    )
    metrics = broken / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (metrics.exists() and metrics.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert metrics.read_text(), "no epoch was done in time"
    for output, more in ((broken, ["--resume"]), (tmp_path / "unbroken", [])):
        subprocess.run(
            [*command, "--output", str(output), *more],
            check=True,
            capture_output=True,
            env=environment,
        )
    assert weights(broken) == weights(tmp_path / "unbroken")
    assert figures(broken) == figures(tmp_path / "unbroken")


def weights(folder: Path) -> dict[str, Any]:
    return {
        name: tensor.tolist() for name, tensor in load_file(folder / "model.safetensors").items()
    }


def figures(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [{key: value for key, value in row.items() if "seconds" not in key} for row in rows]


def test_the_epoch_with_the_best_dev_f1_is_the_one_that_is_kept(
    notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    config = settings(encoder_folder("bert"), epochs=6, precision="float32")
    result = train(config, notes[:30], notes[30:], output=tmp_path / "model")
    assert result.dev is not None
    assert result.dev.micro.f1 == max(row["f1"] for row in figures(tmp_path / "model"))


def test_training_stops_early_when_dev_gets_no_better(
    notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    nothing = [replace(note, entities=(), other_lines=()) for note in notes[:3]]
    config = settings(encoder_folder("bert"), epochs=9, patience=2)
    train(config, notes[:4], nothing, output=tmp_path / "model")
    assert len(figures(tmp_path / "model")) == 3


def test_entities_that_the_tags_cannot_express_are_counted_and_named(
    encoder_folder: Folder, tmp_path: Path
) -> None:
    text = "Niega alergia a penicilinas."
    inside_a_word = Document("nota", text).entity("NORMALIZABLES", 16, 26)
    document = Document("nota", text, (inside_a_word,))
    result = train(settings(encoder_folder("bert")), [document], output=tmp_path / "model")
    assert result.coverage.widened == (("nota", "NORMALIZABLES", 16, 26),)
    assert result.coverage.dropped == ()
    assert "widened to them: 1" in result.coverage.summary()


def test_an_output_folder_with_files_in_it_is_left_alone(
    notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(ConfigError) as error:
        train(settings(encoder_folder("bert")), notes, output=tmp_path)
    assert str(error.value) == f"{tmp_path}: expected a new or empty folder, found files in it"


def test_documents_without_a_label_of_the_task_cannot_be_trained_on(
    encoder_folder: Folder, tmp_path: Path
) -> None:
    with pytest.raises(CorpusError) as error:
        train(settings(encoder_folder("bert")), [Document("a", "Nada.")], output=tmp_path)
    assert str(error.value) == (
        "training documents: expected entities of NORMALIZABLES, NO_NORMALIZABLES, PROTEINAS, "
        "found none in 1 documents"
    )


def test_patience_needs_dev_documents(
    notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as error:
        train(settings(encoder_folder("bert"), patience=3), notes, output=tmp_path)
    assert str(error.value) == "patience: expected dev documents to stop early on, found none"


def test_resuming_with_other_settings_is_refused(
    notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    config = settings(encoder_folder("bert"))

    def interrupt(epoch: Epoch) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, notes[:4], output=tmp_path, show=interrupt)
    with pytest.raises(ConfigError) as error:
        train(replace(config, learning_rate=1e-5), notes[:4], output=tmp_path, resume=True)
    assert str(error.value) == (
        f"{tmp_path / 'training.json'}: expected the settings that the interrupted training "
        "began with, found others"
    )


def test_the_entities_of_the_notes_are_what_the_tests_think_they_are(
    notes: list[Document],
) -> None:
    entities: list[Entity] = [entity for note in notes for entity in note.entities]
    assert len(notes) >= 30
    assert len(entities) > 300


def test_settings_of_a_file_give_way_to_those_of_the_call(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('encoder = "x"\nepochs = 3\nlabels = ["A", "B"]\n')
    assert read_config(file, epochs=5, seed=None) == TrainingConfig(
        encoder="x", epochs=5, labels=("A", "B")
    )
