"""Several processes at one training: shares of batches, and the same model as of one process."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
import torch
from safetensors.torch import load_file

from farmaner.cli import app, run
from farmaner.document import Document
from farmaner.errors import ConfigError
from farmaner.formats.brat import write_brat
from farmaner.training import processes
from farmaner.training.processes import SharedBatches, by_length
from farmaner.training.quiet import quiet_libraries
from farmaner.training.trainer import count_targets, mixed_loss

pytestmark = pytest.mark.train

Folder = Callable[[str], str]
Job: TypeAlias = Callable[[str, str, Path], list[str]]
PAGE = Path(__file__).parents[2] / "docs" / "distributed.md"

SETTINGS = """
max_pieces = 64
epochs = 7
batch_size = 5
learning_rate = 3e-3
dropout = 0.0
precision = "float32"
"""


def shares(epoch: int, n_processes: int, batch_size: int = 4) -> list[list[list[int]]]:
    """Return the batches of each process in an epoch over eleven windows."""
    order = by_length([5, 9, 3, 8, 1, 7, 2, 6, 4, 9, 9], batch_size, seed=13)
    made = []
    for rank in range(n_processes):
        batches = SharedBatches(order, batch_size, 11, rank=rank, n_processes=n_processes)
        batches.set_epoch(epoch)
        assert len(list(batches)) == len(batches) == 3
        made.append(list(batches))
    return made


def test_processes_share_the_batches_that_one_would_have() -> None:
    (alone,) = shares(0, 1)
    assert sorted(index for batch in alone for index in batch) == list(range(11))
    for n_processes in (2, 3, 4):
        together = [
            sorted(index for part in parts for index in part if index >= 0)
            for parts in zip(*shares(0, n_processes), strict=True)
        ]
        assert together == [sorted(batch) for batch in alone]


def test_a_process_without_a_window_reads_one_that_it_does_not_learn_from() -> None:
    (alone,), shared = shares(0, 1), shares(0, 4)
    assert [len(batch) for batch in alone] == [4, 4, 3]
    assert [parts[-1] for parts in shared[:3]] == [[index] for index in alone[-1]]
    assert shared[3][-1] == [~alone[-1][0]]


def test_each_epoch_has_an_order_of_its_own_and_always_the_same() -> None:
    assert shares(0, 1) == shares(0, 1)
    assert shares(0, 1) != shares(1, 1)


def test_losses_of_shares_add_up_to_that_of_the_whole_batch() -> None:
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(5, 6, 3, generator=generator)
    targets = torch.randint(-1, 3, (5, 6), generator=generator)
    targets[targets == -1] = -100
    soft = torch.softmax(torch.randn(5, 6, 3, generator=generator), dim=-1)
    soft[:3, 2:] = 0.0
    batches = [{"labels": targets[part], "soft": soft[part]} for part in (slice(2), slice(2, 5))]
    counts = torch.stack([count_targets(batch) for batch in batches]).sum(dim=0)
    parts = [
        mixed_loss(logits[part], targets[part], soft[part], 0.5, counts=counts)
        for part in (slice(2), slice(2, 5))
    ]
    torch.testing.assert_close(sum(parts), mixed_loss(logits, targets, soft, 0.5))


def test_a_command_that_shares_no_work_is_refused_several_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    quiet_libraries(shared=True)
    with pytest.raises(ConfigError) as error:
        quiet_libraries()
    assert str(error.value) == (
        "WORLD_SIZE: expected 1 process, as the work of this command is not shared, found 2"
    )


def commands() -> list[list[str]]:
    """Return the commands of the page, as words."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines]


def launcher() -> list[str]:
    """Return how the page says to start two processes on a CPU, without `-m farmaner ...`."""
    (words,) = (words for words in commands() if words[0] == "OMP_NUM_THREADS=1")
    assert words[1] == "torchrun"
    return words[2 : words.index("farmaner") - 1]


def test_the_commands_of_the_page_are_what_launchers_and_farmaner_understand() -> None:
    from accelerate.commands.launch import launch_command_parser
    from torch.distributed.run import get_args_parser
    from typer.main import get_command

    farmaner = get_command(app)
    assert len(commands()) == 6
    for words in commands():
        words = words[1:] if "=" in words[0] else words
        place = words.index("farmaner")
        if words[0] == "torchrun":
            told = get_args_parser().parse_args(words[1:])
            assert (told.module, told.training_script) == (True, "farmaner")
        else:
            assert words[:2] == ["accelerate", "launch"]
            told = launch_command_parser().parse_args(words[2:])
            assert (told.module, told.training_script) == (True, "farmaner")
        name, *options = words[place + 1 :]
        command = farmaner.commands[name]  # type: ignore[attr-defined]
        assert command.make_context(name, options).params["output"] is not None


def start(n_processes: int, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a Python command in two processes, as the page says; in one without a launcher."""
    launched = ["-m", "torch.distributed.run", *launcher()] if n_processes == 2 else []
    return subprocess.run(
        [sys.executable, *launched, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )


def train_in(
    n_processes: int, encoder: str, splits: dict[str, Path], output: Path, *more: str
) -> subprocess.CompletedProcess[str]:
    config = output.parent / "settings.toml"
    config.write_text(SETTINGS)
    return start(
        n_processes,
        *("-m", "farmaner", "train", "--config", str(config), "--encoder", encoder),
        *("--train", str(splits["train"]), "--train", str(splits["dev"])),
        *("--dev", str(splits["dev"]), "--output", str(output), *more),
    )


def figures(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        {key: value for key, value in json.loads(line).items() if "seconds" not in key}
        for line in lines
    ]


def assert_same_training(one: Path, other: Path) -> None:
    """Compare two folders: figures are equal, but losses and weights are no more than close."""
    mine, others = figures(one), figures(other)
    losses = [[row.pop("loss") for row in rows] for rows in (mine, others)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    assert mine == others
    assert mine[-1]["f1"] > 0.2
    summaries = [
        json.loads((folder / "training-summary.json").read_text()) for folder in (one, other)
    ]
    assert summaries[0]["dev"] == summaries[1]["dev"]
    assert summaries[0]["coverage"] == summaries[1]["coverage"]
    assert_close_weights(one, other)
    assert {path.name for path in one.iterdir()} == {path.name for path in other.iterdir()}


def assert_close_weights(one: Path, other: Path) -> None:
    """Compare two models.

    Sums of other order differ in their last bits, and Adam makes more of that where a gradient is
    next to nothing: at a learning rate of 3e-3, 5e-3 is less than two of the steps that were made.
    """
    left, right = (load_file(folder / "model.safetensors") for folder in (one, other))
    assert left.keys() == right.keys()
    for name, values in left.items():
        torch.testing.assert_close(values, right[name], atol=5e-3, rtol=0)


@pytest.mark.slow
def test_two_processes_train_the_model_that_one_trains_and_the_first_alone_speaks(
    encoder_folder: Folder, splits: dict[str, Path], tmp_path: Path
) -> None:
    encoder = encoder_folder("bert")
    one, two = tmp_path / "one", tmp_path / "two"
    alone = train_in(1, encoder, splits, one)
    assert (alone.returncode, alone.stdout) == (0, f"{one}\n"), alone.stderr
    shared = train_in(2, encoder, splits, two)
    assert (shared.returncode, shared.stdout) == (0, f"{two}\n"), shared.stderr
    assert len(re.findall(r"^epoch +\d/7 ", shared.stderr, re.MULTILINE)) == 7
    assert len(re.findall(r"^trained on ", shared.stderr, re.MULTILINE)) == 1
    assert_same_training(one, two)


JOB = """
import sys
from pathlib import Path

import numpy as np
import torch

from farmaner.errors import CorpusError
from farmaner.formats.brat import read_brat
from farmaner.text import split_words
from farmaner.training import loop
from farmaner.training.config import TrainingConfig
from farmaner.training.quiet import is_first_process, quiet_libraries
from farmaner.training.soft import SoftText

quiet_libraries(shared=True)
torch.set_num_threads(1)
what, encoder, folder, output = sys.argv[1:]
notes = read_brat(folder)
config = TrainingConfig(
    encoder=encoder, max_pieces=64, epochs=6, batch_size=3, accumulation=2, learning_rate=3e-3,
    dropout=0.0, precision="float32",
)
"""

SOFT = """
random = np.random.default_rng(3)
soft = [
    SoftText(note.text, random.dirichlet(np.ones(7), len(split_words(note.text))).astype("f2"))
    for note in notes[7:]
]

def interrupt(epoch):
    if what == "broken" and epoch.epoch == 3:
        sys.exit(7)

loop.train(
    config, notes[:7], notes, output=Path(output), soft=soft, soft_weight=0.05,
    resume=what == "resumed", show=interrupt,
)
"""

FAILING = """
def fail(*arguments, **settings):
    raise CorpusError("a disk: expected one, found none")

if not is_first_process():
    loop.training_windows = fail
loop.train(config, notes, notes, output=Path(output))
"""


@pytest.fixture
def job(encoder_folder: Folder, splits: dict[str, Path], tmp_path: Path) -> Job:
    """Return a function that writes a script and returns its command line."""

    def command(code: str, what: str, output: Path) -> list[str]:
        script = tmp_path / "job.py"
        script.write_text(JOB + code)
        return [str(script), what, encoder_folder("bert"), str(splits["train"]), str(output)]

    return command


@pytest.mark.slow
def test_a_student_of_teachers_whose_first_process_died_goes_on_to_the_same_model(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    alone = job(SOFT, "whole", one)
    monkeypatch.setattr(sys, "argv", alone)
    runpy.run_path(alone[0])
    broken = start(2, *job(SOFT, "broken", two))
    assert broken.returncode != 0
    assert [row["epoch"] for row in figures(two)] == [1, 2, 3]
    assert not (two / "model.safetensors").exists()
    resumed = start(2, *job(SOFT, "resumed", two))
    assert resumed.returncode == 0, resumed.stderr
    assert_same_training(one, two)


@pytest.mark.slow
def test_two_processes_pretrain_the_encoder_that_one_pretrains(
    masked_encoder: Folder, notes: list[Document], tmp_path: Path
) -> None:
    texts = tmp_path / "texts"
    write_brat(notes[:20], texts)
    config = tmp_path / "pretrain.toml"
    config.write_text(
        "max_pieces = 32\nbatch_size = 5\nlearning_rate = 3e-3\nheld_out = 0.2\n"
        'evaluate_steps = 20\nprecision = "float32"\n'
    )
    one, two = tmp_path / "one", tmp_path / "two"
    command = ["pretrain", str(texts), "--config", str(config), "--encoder", masked_encoder("bert")]
    assert run([*command, "--output", str(one)]) == 0
    shared = start(2, "-m", "farmaner", *command, "--output", str(two))
    assert (shared.returncode, shared.stdout) == (0, f"{two}\n"), shared.stderr
    logs = [
        [json.loads(line) for line in (folder / "pretraining.jsonl").read_text().splitlines()]
        for folder in (one, two)
    ]
    assert len(logs[0]) > 3
    for mine, others in zip(*logs, strict=True):
        assert mine["step"] == others["step"]
        assert mine["loss"] == pytest.approx(others["loss"], abs=1e-3)
        assert mine["held_out"] == pytest.approx(others["held_out"], abs=1e-3)
    assert_close_weights(one, two)
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}


@pytest.mark.slow
def test_an_error_in_one_process_is_told_and_ends_them_all(job: Job, tmp_path: Path) -> None:
    done = start(2, *job(FAILING, "", tmp_path / "model"))
    assert done.returncode != 0
    assert "CorpusError: a disk: expected one, found none" in done.stderr
    assert not (tmp_path / "model" / "model.safetensors").exists()


@pytest.mark.slow
def test_a_taken_folder_is_refused_in_one_line_by_every_process(
    encoder_folder: Folder, splits: dict[str, Path], tmp_path: Path
) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "precious.txt").write_text("mine")
    done = train_in(2, encoder_folder("bert"), splits, taken)
    assert done.returncode == 1
    line = f"farmaner: {taken}: expected a new or empty folder, found files in it\n"
    assert done.stderr.count(line) == 2
    assert [path.name for path in taken.iterdir()] == ["precious.txt"]


def test_a_batch_needs_a_window_for_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PartialState", lambda: SimpleNamespace(num_processes=4))
    processes.check_batch_size(4)
    with pytest.raises(ConfigError) as error:
        processes.check_batch_size(3)
    assert str(error.value) == (
        "batch_size: expected at least a window for each of 4 processes, found 3"
    )
