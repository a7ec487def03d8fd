"""The recipe of a bundled model: a TOML file that names its settings and its data.

name = "farmaner-es-2"
encoder = "intfloat/multilingual-e5-small"   # hub name or folder
train = ["../../PharmaCoNER/train"]          # paths are relative to the file's folder
dev = "../../PharmaCoNER/dev"
texts = ["../../text/cases.jsonl.xz"]        # unlabelled

pretraining = "pretraining.toml"             # files of settings; without one, no such step
training = "training.toml"
distillation = "distillation.toml"
calibrate = true
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farmaner.errors import ConfigError
from farmaner.training.config import (
    PretrainConfig,
    TrainingConfig,
    make_config,
    read_config,
    read_settings,
    read_toml,
)
from farmaner.training.distill import DistillConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a bundled model is made, and of what.

    Whatever starts from the encoder of `training` starts from the pretrained one; a teacher of
    another encoder takes that as it is. With `students` the model of `training` is a base: the
    first teacher, from which the students go on, and every teacher whose encoder is `BASE`. The
    model is the mean of the students' weights and of those of the teachers whose numbers, from 1,
    are `averaged`.
    """

    name: str
    training: TrainingConfig
    train: tuple[Path, ...]
    dev: Path
    texts: tuple[Path, ...] = ()
    pretraining: PretrainConfig | None = None
    distillation: DistillConfig | None = None
    students: tuple[TrainingConfig, ...] = ()
    teachers: tuple[TrainingConfig, ...] = ()
    averaged: tuple[int, ...] = ()
    calibrate: bool = True


BASE = "base"
"""As an encoder in a distillation file: the model that the file `training` fits."""

_STRINGS = ("name", "encoder", "dev", "pretraining", "training", "distillation")
_LISTS = ("train", "texts")


def read_recipe(
    path: Path,
    *,
    encoder: str | None = None,
    train: Sequence[Path] = (),
    dev: Path | None = None,
    texts: Sequence[Path] = (),
) -> Recipe:
    """Return the recipe of a TOML file, with what is given here over it.

    Raises FormatError where a file is not TOML, ConfigError where a key is unknown or missing, a
    value is of the wrong kind, or a step that reads unlabelled text has none.
    """
    values = read_toml(path)
    _check(path, values)
    folder = path.parent
    source = encoder or _encoder(folder, values.get("encoder"))
    if source is None:
        raise ConfigError(f"{path}: encoder: expected a hub name or a folder, found none")
    named = {
        key: folder / values[key]
        for key in ("pretraining", "training", "distillation")
        if key in values
    }
    distilled = (
        read_distillation(named["distillation"], named["training"], source)
        if "distillation" in named
        else {}
    )
    recipe = Recipe(
        name=values["name"],
        training=_read_training(named["training"], source),
        train=tuple(train) or tuple(folder / part for part in values.get("train", ())),
        dev=dev or folder / values.get("dev", ""),
        texts=tuple(texts) or tuple(folder / part for part in values.get("texts", ())),
        pretraining=read_settings(PretrainConfig, named["pretraining"], encoder=source)
        if "pretraining" in named
        else None,
        **distilled,
        calibrate=values.get("calibrate", True),
    )
    _check_data(path, recipe, has_dev=dev is not None or "dev" in values)
    return recipe


def read_distillation(path: Path, training: Path, encoder: str) -> dict[str, Any]:
    """Return what a distillation file says, by the names of a recipe's fields.

    Every [[student]] and every [[teacher]] may set whatever a training can, over the settings of
    the file `training`; a student has no encoder of its own, for it goes on from the base. Without
    [[student]] there is no base, and the student is what the file `training` says.
    """
    values = read_toml(path)
    students, teachers = values.pop("student", []), values.pop("teacher", None)
    averaged = values.pop("averaged", [])
    if not isinstance(teachers, list) or not teachers:
        raise ConfigError(f"{path}: teacher: expected tables [[teacher]], found none")
    if isinstance(values.get("decisions"), str) and values["decisions"]:
        values["decisions"] = str(path.parent / values["decisions"])
    distillation, shared = make_distillation(values, path), read_toml(training)

    def config(own: dict[str, Any], start: str) -> TrainingConfig:
        made = make_config({**shared, **own}, path, encoder=_encoder(path.parent, start))
        return _with_lexicon_beside(path, made)

    tables = isinstance(students, list) and all(isinstance(one, dict) for one in students)
    if not tables or any("encoder" in one for one in students):
        raise ConfigError(
            f"{path}: student: expected tables [[student]] without an encoder, found another"
        )
    on_base = [n for n, teacher in enumerate(teachers, 1) if teacher.get("encoder") == BASE]
    if not students and on_base:
        raise ConfigError(
            f"{path}: encoder: expected a table [[student]] beside {BASE!r}, found none"
        )
    if not isinstance(averaged, list) or not {*averaged} <= {*on_base}:
        raise ConfigError(
            f"{path}: averaged: expected numbers of teachers that go on from the base, "
            f"found {averaged!r}"
        )
    return {
        "distillation": distillation,
        "students": tuple(config(one, BASE) for one in students),
        "teachers": tuple(config(one, one.get("encoder", encoder)) for one in teachers),
        "averaged": tuple(averaged),
    }


def make_distillation(values: dict[str, Any], path: Path | None = None) -> DistillConfig:
    """Return the settings of a distillation from a table's values; `path` is for the errors."""
    known = {field.name for field in dataclasses.fields(DistillConfig)}
    for key in values:
        _refuse_unknown(path, key, known)
    if isinstance(values.get("sources"), list):
        values = values | {"sources": tuple(values["sources"])}
    try:
        return DistillConfig(**values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}" if path else str(error)) from None


def _read_training(path: Path, encoder: str) -> TrainingConfig:
    return _with_lexicon_beside(path, read_config(path, encoder=encoder))


def _with_lexicon_beside(path: Path, config: TrainingConfig) -> TrainingConfig:
    """Return settings whose lexicon, where there is one, lies beside their file."""
    lexicon = config.lexicon and str(path.parent / config.lexicon)
    return dataclasses.replace(config, lexicon=lexicon)


def _encoder(folder: Path, name: str | None) -> str | None:
    """Return an encoder's name, a folder's relative to the recipe's."""
    return str(folder / name) if name is not None and (folder / name).is_dir() else name


def _check(path: Path, values: Mapping[str, Any]) -> None:
    for key in values:
        _refuse_unknown(path, key, {*_STRINGS, *_LISTS, "calibrate"})
    for key in ("name", "training"):
        if key not in values:
            raise ConfigError(f"{path}: {key}: expected text, found none")
    for key in _STRINGS:
        if not isinstance(values.get(key, ""), str):
            raise ConfigError(f"{path}: {key}: expected text, found {values[key]!r}")
    for key in _LISTS:
        parts = values.get(key, [])
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise ConfigError(f"{path}: {key}: expected a list of paths, found {parts!r}")
    if not isinstance(values.get("calibrate", True), bool):
        raise ConfigError(
            f"{path}: calibrate: expected true or false, found {values['calibrate']!r}"
        )


def _check_data(path: Path, recipe: Recipe, *, has_dev: bool) -> None:
    if not recipe.train:
        raise ConfigError(f"{path}: train: expected one or more folders, found none")
    if not has_dev:
        raise ConfigError(f"{path}: dev: expected a folder, found none")
    if recipe.training.patience:
        raise ConfigError(f"{path}: patience: expected 0, for dev chooses nothing, found another")
    for step, settings in (
        ("pretraining", recipe.pretraining),
        ("distillation", recipe.distillation),
    ):
        if settings is not None and not recipe.texts:
            raise ConfigError(f"{path}: texts: expected files, which {step} reads, found none")
    decisions = recipe.distillation and recipe.distillation.decisions
    if decisions and not Path(decisions).is_file():  # read only after hours otherwise
        raise ConfigError(f"{path}: decisions: expected a file, found none at {decisions}")


def _refuse_unknown(path: Path | None, key: str, known: set[str]) -> None:
    if key not in known:
        raise ConfigError(
            f"{path}: expected one of {', '.join(sorted(known))}, found the unknown key {key!r}"
        )
