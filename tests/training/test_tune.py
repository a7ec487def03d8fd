"""A search: what may vary, every trial once, killed and gone on with, shared by processes."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from farmaner.cli import run
from farmaner.errors import ConfigError
from farmaner.training.config import TrainingConfig, read_config
from farmaner.training.progress import Epoch
from farmaner.training.search import Range, Search, has_search, read_search

torch = pytest.importorskip("torch", reason="needs the extra `train` (torch)")
pytest.importorskip("optuna", reason="needs the extra `tune` (optuna)")
pytestmark = pytest.mark.train

Folder = Callable[[str], str]
Splits = dict[str, Path]

GRID = """
[search]
sampler = "grid"
[search.space]
learning_rate = [1e-4, 3e-3]
batch_size = [4, 8]
"""

TWO_POINTS = """
[search]
sampler = "grid"
[search.space]
learning_rate = [1e-4, 3e-3]
"""


def write_config(folder: Path, encoder: str, search: str = GRID, *, epochs: int = 2) -> Path:
    path = folder / "search.toml"
    base = f'encoder = "{encoder}"\nmax_pieces = 64\nepochs = {epochs}\nprecision = "float32"\n'
    path.write_text(base + search)
    return path


def command(config: Path, splits: Splits, output: Path, *more: str) -> list[str]:
    folders = ["--train", str(splits["train"]), "--dev", str(splits["dev"])]
    return ["tune", "--config", str(config), *folders, "--output", str(output), *more]


def table(output: Path) -> list[dict[str, str]]:
    with (output / "trials.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def untimed(output: Path) -> list[dict[str, str]]:
    return [{key: row[key] for key in row if key != "seconds"} for row in table(output)]


def test_choices_and_ranges_are_read_and_a_whole_grid_is_the_default(tmp_path: Path) -> None:
    assert read_search(write_config(tmp_path, "x")).trials == 4
    space = """
        [search]
        trials = 7
        pruner = "median"
        [search.space]
        scheme = ["iob2", "paper"]
        learning_rate = { low = 1e-5, high = 1e-3, log = true }
        dropout = { low = 0, high = 0.3 }
        epochs = { low = 2, high = 5 }
    """
    base = TrainingConfig(encoder="y", max_pieces=64, epochs=2, precision="float32")
    assert read_search(write_config(tmp_path, "x", space), encoder="y") == Search(
        base=base,
        space={
            "scheme": ("iob2", "paper"),
            "learning_rate": Range(1e-5, 1e-3, log=True),
            "dropout": Range(0.0, 0.3),
            "epochs": Range(2, 5),
        },
        sampler="tpe",
        pruner="median",
        trials=7,
    )
    assert has_search(tmp_path / "search.toml")


@pytest.mark.parametrize(
    ("search", "complaint"),
    [
        ("", ": expected the table [search.space], found none"),
        ("[search.space]", ": search.space: expected a setting to vary, found none"),
        (
            "[search.space]\nlearning_rat = [1.0]",
            ": search.space.learning_rat: expected a setting that can vary, found another key",
        ),
        (
            "[search.space]\nepochs = [0]",
            ": search.space.epochs: epochs: expected 1 to 1e+06, found 0",
        ),
        (
            '[search]\nsampler = "grid"\n[search.space]\ndropout = { low = 0.1, high = 0.2 }',
            ": search.space.dropout: expected a list of choices, found {'low': 0.1, 'high': 0.2}",
        ),
        (
            "[search.space]\ndropout = { low = 0.2, high = 0.1 }",
            ": search.space.dropout: expected low up to high, above 0 where log is true, "
            "found {'low': 0.2, 'high': 0.1}",
        ),
        (
            "[search.space]\nscheme = { low = 1, high = 2 }",
            ": search.space.scheme: expected a list of choices, found {'low': 1, 'high': 2}",
        ),
        (
            '[search]\nsampler = "bayes"\n[search.space]\nepochs = [1]',
            ": search.sampler: expected one of grid, tpe, random, found 'bayes'",
        ),
        (
            "[search]\nn_trials = 3\n[search.space]\nepochs = [1]",
            ": search: expected one of pruner, sampler, seed, space, trials, "
            "found the unknown key 'n_trials'",
        ),
        (
            "[search]\ntrials = 0\n[search.space]\nepochs = [1]",
            ": search.trials: expected 1 or more, found 0",
        ),
    ],
)
def test_a_search_that_cannot_be_is_one_line(search: str, complaint: str, tmp_path: Path) -> None:
    config = write_config(tmp_path, "x", search)
    with pytest.raises(ConfigError) as error:
        read_search(config)
    assert str(error.value) == f"{config}{complaint}"


@pytest.mark.slow
def test_every_point_of_the_grid_is_tried_once_and_the_best_is_a_config_of_train(
    encoder_folder: Folder, splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "grid"
    config = write_config(tmp_path, encoder_folder("bert"), TWO_POINTS)
    assert run(command(config, splits, output)) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == str(output / "best.toml")

    rows = table(output)
    assert sorted(float(row["learning_rate"]) for row in rows) == [1e-4, 3e-3]
    f1 = [float(row["f1"]) for row in rows]
    assert f1 == sorted(f1, reverse=True)
    assert {row["state"] for row in rows} == {"complete"}
    assert (output / "trials.png").read_bytes().startswith(b"\x89PNG")

    best = read_config(output / "best.toml")
    assert best == read_search(config).config({"learning_rate": float(rows[0]["learning_rate"])})
    trained = output / "trials" / rows[0]["trial"]
    summary = json.loads((trained / "training-summary.json").read_text())
    assert summary["dev"]["micro"]["f1"] == f1[0]
    assert not list(output.rglob("*.safetensors"))

    assert run(command(config, splits, output)) == 0
    again = capsys.readouterr()
    assert again.out == out
    assert again.err == ""
    assert err.count("begins") == 2


@pytest.mark.slow
def test_a_search_killed_in_the_middle_of_a_trial_ends_as_an_unbroken_one(
    encoder_folder: Folder,
    splits: Splits,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    config = write_config(tmp_path, encoder_folder("bert"), TWO_POINTS, epochs=3)
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    kill(command(config, splits, broken), when=lambda: n_epochs(broken, 1) > 0)
    assert n_epochs(broken, 1) < 3
    assert run(command(config, splits, broken)) == 0
    err = capsys.readouterr().err
    assert (err.count("begins"), err.count("goes on")) == (0, 1)
    assert run(command(config, splits, unbroken)) == 0
    assert untimed(broken) == untimed(unbroken)


@pytest.mark.slow
def test_two_processes_share_the_trials_of_one_search(
    encoder_folder: Folder, splits: Splits, tmp_path: Path
) -> None:
    config = write_config(tmp_path, encoder_folder("bert"), TWO_POINTS)
    together, alone = tmp_path / "together", tmp_path / "alone"
    assert run(command(config, splits, together, "--jobs", "2")) == 0
    assert run(command(config, splits, alone)) == 0
    assert untimed(together) == untimed(alone)


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings that only pretend: three epochs, dev F1 by their seed, no memory for seed 99."""

    def fit(config: TrainingConfig, *_: object, show: Callable[[Epoch], None]) -> dict[str, Any]:
        folder = _[2]
        assert isinstance(folder, Path)
        if config.seed == 99:
            raise torch.OutOfMemoryError
        f1 = config.seed / 10
        for number in (1, 2, 3):
            epoch = Epoch(number, 3, 0.5, 1e-4, f1, f1, f1, 1.0, 0.0)
            with (folder / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(asdict(epoch)) + "\n")
            show(epoch)
        return {"dev": {"micro": {"precision": f1, "recall": f1, "f1": f1}}, "seconds": 3.0}

    monkeypatch.setattr("farmaner.training.tune.fit", fit)


def test_a_trial_below_the_median_of_five_others_is_pruned(
    pretend: None, splits: Splits, tmp_path: Path
) -> None:
    search = """
        [search]
        sampler = "grid"
        pruner = "median"
        [search.space]
        seed = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    config = write_config(tmp_path, "x", search)
    assert run(command(config, splits, tmp_path / "o")) == 0
    rows = sorted(table(tmp_path / "o"), key=lambda row: int(row["trial"]))
    complete: list[float] = []
    for row in rows:
        f1 = float(row["f1"])
        bad = len(complete) >= 5 and f1 < median(complete)
        assert row["state"] == ("pruned" if bad else "complete")
        if not bad:
            complete.append(f1)
    assert len(complete) < len(rows) == 9
    assert read_config(tmp_path / "o" / "best.toml").seed == 10 * max(complete)


def test_a_trial_for_which_memory_does_not_suffice_fails_and_the_others_go_on(
    pretend: None, splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search = '[search]\nsampler = "grid"\n[search.space]\nseed = [1, 99, 2]\n'
    config = write_config(tmp_path, "x", search)
    assert run(command(config, splits, tmp_path / "o")) == 0
    assert [(row["seed"], row["state"]) for row in table(tmp_path / "o")] == [
        ("2", "complete"),
        ("1", "complete"),
        ("99", "fail"),
    ]
    assert "failed: the device's memory does not suffice" in capsys.readouterr().err


def test_a_search_in_which_every_trial_fails_is_one_line(
    pretend: None, splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(
        tmp_path, "x", '[search]\nsampler = "grid"\n[search.space]\nseed = [99]\n'
    )
    assert run(command(config, splits, tmp_path / "o")) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"farmaner: {tmp_path / 'o'}: expected a trial that was completed, found none among 1"
    )
    assert not (tmp_path / "o" / "best.toml").exists()


def test_more_trials_may_be_asked_for_later_and_are_new_ones(
    pretend: None, splits: Splits, tmp_path: Path
) -> None:
    search = """
        [search]
        sampler = "random"
        trials = 2
        [search.space]
        learning_rate = { low = 1e-5, high = 1e-2, log = true }
    """
    config = write_config(tmp_path, "x", search)
    assert run(command(config, splits, tmp_path / "o")) == 0
    assert run(command(config, splits, tmp_path / "o", "--trials", "4")) == 0
    assert len({row["learning_rate"] for row in table(tmp_path / "o")}) == 4


def test_another_search_in_the_same_folder_is_refused(
    pretend: None, splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(tmp_path, "x")
    assert run(command(config, splits, tmp_path / "o")) == 0
    capsys.readouterr()
    other = splits | {"train": splits["test"]}
    assert run(command(config, other, tmp_path / "o")) == 1
    assert capsys.readouterr().err == (
        f"farmaner: {tmp_path / 'o' / 'search.json'}: expected the search that was begun here, "
        "found other inputs: train\n"
    )


def n_epochs(output: Path, trial: int) -> int:
    metrics = output / "trials" / str(trial) / "metrics.jsonl"
    return len(metrics.read_text().splitlines()) if metrics.exists() else 0


def kill(arguments: list[str], *, when: Callable[[], bool]) -> None:
    """Run a command and kill it as soon as `when` holds."""
    running = subprocess.Popen(
        [sys.executable, "-m", "farmaner", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    while not when() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
