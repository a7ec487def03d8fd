"""The recipe of a bundled model at toy scale: end to end, and killed after every line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from farmaner.cli import run
from farmaner.document import Document
from farmaner.encoders import ModelSettings
from farmaner.errors import ConfigError
from farmaner.formats.brat import write_brat
from farmaner.recognizer import load
from farmaner.tagging import OUTSIDE
from farmaner.text import read_lexicon
from farmaner.training.build import SHIPPED, Built, build_model
from farmaner.training.readback import read_weights
from farmaner.training.recipe import BASE, read_recipe

pytest.importorskip("scipy", reason="needs the extra `stats` (scipy)")

pytestmark = pytest.mark.train

Folder = Callable[[str], str]
RECIPES = Path(__file__).parents[2] / "recipes" / "bundled"

RECIPE = """
name = "toy-1"
encoder = "encoder"
train = ["train"]
dev = "dev"
texts = ["texts"]
pretraining = "pretraining.toml"
training = "training.toml"
distillation = "distillation.toml"
"""
PRETRAINING = """
max_pieces = 32
batch_size = 8
held_out = 0.2
evaluate_steps = 10
save_steps = 5
precision = "float32"
"""
TRAINING = """
max_pieces = 64
epochs = 16
batch_size = 4
learning_rate = 3e-3
dropout = 0.0
"""
STUDENTS = """[[student]]
epochs = 2
[[student]]
epochs = 1
seed = 2
"""
DISTILLATION = f"""
soft_weight = 0.5
max_texts = 4
averaged = [1]
decisions = "decisions.tsv"
{STUDENTS}[[teacher]]
encoder = "base"
seed = 1
epochs = 2
[[teacher]]
encoder = "other"
epochs = 1
labels = ["NORMALIZABLES", "NO_NORMALIZABLES", "PROTEINAS"]
"""


@pytest.fixture(scope="module")
def toy(
    notes: list[Document],
    encoder_folder: Folder,
    masked_encoder: Folder,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The folder of a recipe and of all that it reads.

    The dev notes are two that are fitted, with every other entity: what is found there is right
    and wrong, as the temperature asks for.
    """
    folder = tmp_path_factory.mktemp("toy")
    few = [notes[0], notes[1], notes[3], notes[4], notes[5]]
    fit = [replace(note, id=f"{copy}-{note.id}") for copy in range(2) for note in few]
    write_brat(fit, folder / "train")
    dev = [replace(note, id=f"dev-{note.id}", entities=note.entities[::2]) for note in few[:2]]
    write_brat(dev, folder / "dev")
    (folder / "texts").mkdir()
    for note in notes[6:16]:
        (folder / "texts" / f"{note.id}.txt").write_text(note.text, encoding="utf-8")
    decisions = "name\tkind\nTAC\tO\npenicilina\tNORMALIZABLES\n"
    (folder / "decisions.tsv").write_text(decisions, encoding="utf-8")
    shutil.copytree(masked_encoder("bert"), folder / "encoder")
    shutil.copytree(encoder_folder("roberta"), folder / "other")
    for name, content in (
        ("recipe", RECIPE),
        ("pretraining", PRETRAINING),
        ("training", TRAINING),
        ("distillation", DISTILLATION),
    ):
        (folder / f"{name}.toml").write_text(content, encoding="utf-8")
    return folder


def kept(line: str) -> str:
    """Return a line of progress without its figures of time and loss."""
    return line.partition(" done in ")[0].partition("  loss ")[0]


@pytest.fixture(scope="module")
def unbroken(toy: Path) -> tuple[Built, list[str]]:
    lines: list[str] = []
    built = build_model(
        read_recipe(toy / "recipe.toml"), output=toy / "unbroken", show=lines.append
    )
    return built, lines


@pytest.mark.slow
def test_a_recipe_ends_in_a_folder_that_annotates_and_can_be_trained_from(
    unbroken: tuple[Built, list[str]], toy: Path, tmp_path: Path
) -> None:
    built, lines = unbroken
    files = {path.relative_to(built.final).as_posix() for path in built.final.rglob("*.*")}
    assert files == {*SHIPPED, "step.json"}
    settings = ModelSettings.read(built.final)
    calibration = json.loads((built.score / "calibration.json").read_text(encoding="utf-8"))
    assert settings.name == "toy-1"
    assert settings.temperature == calibration["temperature"] != 1.0
    assert ModelSettings.read(built.twin) == settings
    assert load(built.final).recognize("").entities == ()
    done = [line.partition(":")[0] for line in lines if ": done in" in line]
    sides = {
        side: [
            *(f"{side}/{name}" for name in ("base", "teachers/1", "teachers/2")),
            *(f"{side}/answers-{number}" for number in (1, 2, 3)),
            *(f"{side}/model", f"{side}/model-2"),
        ]
        for side in ("twin", "final")
    }
    assert done == [
        "pretraining",
        *(*sides["twin"], "twin/report", "twin/averaged"),
        *("twin/export", "twin/score", "twin/folder"),
        *(*sides["final"], "final/averaged", "final/export", "final/folder"),
    ]
    score = json.loads((built.score / "score.json").read_text(encoding="utf-8"))
    assert score["documents"]["scored"] == 2
    card = (built.score / "score.md").read_text(encoding="utf-8")
    assert card.startswith("| label | P | R | F1 | TP | FP | FN |\n")
    command = ["train", "--train", str(toy / "train"), "--encoder", str(built.final)]
    command += ["--epochs", "1", "--max-pieces", "64", "-o", str(tmp_path / "more")]
    assert run(command) == 0


@pytest.mark.slow
def test_a_second_run_does_nothing(unbroken: tuple[Built, list[str]], toy: Path) -> None:
    lines: list[str] = []
    again = build_model(
        read_recipe(toy / "recipe.toml"), output=toy / "unbroken", show=lines.append
    )
    assert again == unbroken[0]
    assert {line.partition(": ")[2] for line in lines} == {"already done"}


@pytest.mark.slow
def test_a_build_killed_after_every_line_ends_with_the_same_model(
    unbroken: tuple[Built, list[str]], toy: Path
) -> None:
    seen: set[str] = set()

    def show(line: str) -> None:
        if kept(line) not in seen:
            seen.add(kept(line))
            raise KeyboardInterrupt

    n_killed = 0
    while True:
        try:
            built = build_model(read_recipe(toy / "recipe.toml"), output=toy / "broken", show=show)
        except KeyboardInterrupt:
            n_killed += 1
        else:
            break
    assert n_killed > 40
    expected = unbroken[0]
    for one, other in ((built.final, expected.final), (built.twin, expected.twin)):
        assert ModelSettings.read(one) == ModelSettings.read(other)
        mine, theirs = (read_weights(path / "onnx" / "model_int8.onnx") for path in (one, other))
        assert mine.keys() == theirs.keys()
        for name, array in mine.items():
            np.testing.assert_array_equal(array, theirs[name])
    assert (built.score / "score.md").read_bytes() == (expected.score / "score.md").read_bytes()


@pytest.mark.slow
def test_the_command_builds_without_pretraining_distillation_or_calibration(
    toy: Path, encoder_folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "training.toml").write_text("epochs = 1\nmax_pieces = 64\n", encoding="utf-8")
    recipe = tmp_path / "plain.toml"
    recipe.write_text('name = "plain"\ntraining = "training.toml"\ncalibrate = false\n')
    flags = ["--train", str(toy / "train"), "--dev", str(toy / "dev"), "-o", str(tmp_path / "out")]
    assert run(["build-model", str(recipe), "--encoder", encoder_folder("bert"), *flags]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "| label | P | R | F1 | TP | FP | FN |"
    assert printed[-1] == str(tmp_path / "out" / "final" / "folder")
    assert ModelSettings.read(Path(printed[-1])).temperature == 1.0


def test_the_shipped_recipe_can_be_read(tmp_path: Path) -> None:
    recipe = read_recipe(RECIPES / "recipe.toml", texts=[tmp_path])
    assert recipe.train == (RECIPES / "../../PharmaCoNER/train",)
    assert recipe.pretraining is None
    assert recipe.training.lexicon == ""
    assert recipe.distillation is not None
    for student in recipe.students:
        assert student.epochs < recipe.training.epochs
    lexicon = read_lexicon(Path(recipe.students[0].lexicon))
    assert lexicon.kinds == ("chemical", "other", "protein")
    decisions = read_lexicon(Path(recipe.distillation.decisions))
    assert {*decisions.kinds} < {*recipe.training.labels, OUTSIDE}
    assert [teacher.encoder == BASE for teacher in recipe.teachers] == [True, True, True, False]
    assert recipe.averaged == ()
    assert len(recipe.students) == 2
    text = (RECIPES / "recipe.toml").read_text(encoding="utf-8")
    for file in RECIPES.glob("*.*"):
        shutil.copy(file, tmp_path)
    (tmp_path / "recipe.toml").write_text(text.replace("# pretraining =", "pretraining ="))
    pretrained = read_recipe(tmp_path / "recipe.toml", texts=[tmp_path])
    assert pretrained.pretraining is not None


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("recipe", "texts =", "text =", "found the unknown key 'text'"),
        ("recipe", 'name = "toy-1"', "", "name: expected text, found none"),
        ("recipe", 'name = "toy-1"', "name = 3", "name: expected text, found 3"),
        ("recipe", '["train"]', '"train"', "train: expected a list of paths, found 'train'"),
        ("recipe", 'train = ["train"]', "", "train: expected one or more folders, found none"),
        ("recipe", 'dev = "dev"', "", "dev: expected a folder, found none"),
        (
            "recipe",
            'texts = ["texts"]',
            "",
            "texts: expected files, which pretraining reads, found none",
        ),
        ("recipe", 'encoder = "encoder"', "", "encoder: expected a hub name or a folder"),
        ("recipe", 'name = "toy-1"', 'name = "a"\ncalibrate = 1', "calibrate: expected true or"),
        ("training", "epochs", "epoch", "found the unknown key 'epoch'"),
        ("pretraining", "held_out", "hold_out", "found the unknown key 'hold_out'"),
        ("distillation", "soft_weight", "weight", "found the unknown key 'weight'"),
        ("distillation", "seed", "sed", "found the unknown key 'sed'"),
        ("distillation", DISTILLATION, "", "teacher: expected tables [[teacher]], found none"),
        (
            "distillation",
            "averaged = [1]",
            "averaged = [2]",
            "averaged: expected numbers of teachers",
        ),
        ("distillation", "[[student]]", "[[pupil]]", "found the unknown key 'pupil'"),
        ("distillation", "max_texts = 4", "", "decisions: expected a file, found none at"),
        ("distillation", '"decisions.tsv"', "3", "decisions: expected"),
        (
            "distillation",
            STUDENTS,
            "",
            "expected a table [[student]] beside 'base'",
        ),
        (
            "distillation",
            STUDENTS,
            "[student]\nepochs = 2\n",
            "student: expected tables [[student]]",
        ),
        (
            "distillation",
            "[[student]]",
            '[[student]]\nencoder = "other"',
            "student: expected tables [[student]] without an encoder",
        ),
        ("training", "epochs = 16", "patience = 2", "patience: expected 0, for dev chooses"),
    ],
)
def test_a_recipe_that_cannot_be_met_is_one_line(
    file: str, old: str, new: str, complaint: str, tmp_path: Path
) -> None:
    contents = {
        "recipe": RECIPE,
        "pretraining": PRETRAINING,
        "training": TRAINING,
        "distillation": DISTILLATION,
    }
    assert old in contents[file]
    contents[file] = contents[file].replace(old, new, 1)
    for name, content in contents.items():
        (tmp_path / f"{name}.toml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        read_recipe(tmp_path / "recipe.toml")
    assert complaint in str(error.value)
    assert str(error.value).startswith(str(tmp_path))
    assert "\n" not in str(error.value)
