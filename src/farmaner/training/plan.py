"""What an experiment compares: the TOML file of its systems, seeds and folders.

train = "../PharmaCoNER/train"      # paths are relative to the file's folder
dev = "../PharmaCoNER/dev"
seeds = [13, 14, 15]

[settings]                          # go over those of every system
epochs = 10

[[system]]
name = "mBERT"
config = "paper-mbert.toml"         # settings, or a search of them
settings = { context = "document" } # go over all of these
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farmaner.errors import ConfigError
from farmaner.training.config import TrainingConfig, read_config, read_toml
from farmaner.training.search import Search, has_search, read_search

RESULTS = "results"
"""The step of the table, beside those of the systems."""


@dataclass(frozen=True, slots=True)
class System:
    """A row of the table: a name, the file of its settings or of their search, its own settings."""

    name: str
    config: Path
    encoder: str | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def setting(self, over: Mapping[str, Any]) -> TrainingConfig | Search:
        """Return the file's settings, or the search that it declares.

        `over` goes over the file, and over that what the system itself has.
        """
        given = {**over, **self.settings}
        given["encoder"] = self.encoder or given.get("encoder")
        return (read_search if has_search(self.config) else read_config)(self.config, **given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Which systems are fitted and judged on what; `settings` go over those of every system."""

    systems: tuple[System, ...]
    seeds: tuple[int, ...]
    train: tuple[Path, ...]
    dev: Path
    test: Path | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def read_experiment(
    path: Path,
    *,
    train: Sequence[Path] = (),
    dev: Path | None = None,
    test: Path | None = None,
    encoders: Mapping[str, str] | None = None,
    lexicons: Mapping[str, str] | None = None,
) -> Experiment:
    """Return the experiment of a TOML file, with what is given here over it.

    The file's folders and configs are relative to its own folder. `encoders` are hub names or
    folders by system, `lexicons` files.

    Raises FormatError where the file is not TOML, ConfigError where a key is unknown or missing
    or has a value of the wrong kind.
    """
    values = read_toml(path)
    _check_keys(path, values, {"train", "dev", "test", "seeds", "settings", "system"})
    folder = path.parent
    in_file = values.get("train", [])
    names = [in_file] if isinstance(in_file, str) else in_file
    _check(path, "train", isinstance(names, list) and all(isinstance(n, str) for n in names))
    for key in ("dev", "test"):
        _check(path, key, isinstance(values.get(key, ""), str))
    seeds = values.get("seeds", [])
    _check(path, "seeds", isinstance(seeds, list) and all(type(seed) is int for seed in seeds))
    _check(path, "seeds", bool(seeds) and len(set(seeds)) == len(seeds))
    _check_settings(path, "settings", values.get("settings", {}))
    experiment = Experiment(
        systems=_systems(path, values.get("system"), encoders or {}, lexicons or {}),
        seeds=tuple(seeds),
        train=tuple(train) or tuple(folder / name for name in names),
        dev=dev or folder / values.get("dev", ""),
        test=test or (folder / values["test"] if values.get("test") else None),
        settings=values.get("settings", {}),
    )
    _check(path, "train", bool(experiment.train))
    _check(path, "dev", dev is not None or bool(values.get("dev")))
    return experiment


def _systems(
    path: Path, tables: Any, encoders: Mapping[str, str], lexicons: Mapping[str, str]
) -> tuple[System, ...]:
    _check(path, "system", isinstance(tables, list) and bool(tables))
    systems = []
    for table in tables:
        _check_keys(path, table, {"name", "config", "encoder", "settings"})
        for key in ("name", "config"):
            _check(path, f"system.{key}", isinstance(table.get(key), str) and bool(table[key]))
        name, encoder = table["name"], table.get("encoder")
        free = not name.startswith(".") and not set(name) & set("/\\\0") and name != RESULTS
        _check(path, "system.name", free)
        _check(path, "system.encoder", encoder is None or isinstance(encoder, str))
        own = table.get("settings", {})
        _check_settings(path, "system.settings", own)
        if name in lexicons:
            own = own | {"lexicon": lexicons[name]}
        config = path.parent / table["config"]
        systems.append(System(name, config, encoders.get(name, encoder), own))
    names = [system.name for system in systems]
    _check(path, "system.name", len(set(names)) == len(names))
    for what, given in (("an encoder", encoders), ("a lexicon", lexicons)):
        for name in given.keys() - set(names):
            raise ConfigError(f"{path}: expected {what} of {', '.join(names)}, found {name!r}")
    return tuple(systems)


_EXPECTED = {
    "train": "one or more folders",
    "dev": "a folder",
    "test": "a folder",
    "seeds": "a list of different whole numbers",
    "settings": "a table of settings",
    "system": "a list of tables [[system]]",
    "system.name": "a name of its own that can be a folder's",
    "system.config": "a TOML file of settings",
    "system.encoder": "a hub name or a folder",
    "system.settings": "a table of settings",
}


def _check(path: Path, key: str, fits: bool) -> None:
    if not fits:
        raise ConfigError(f"{path}: {key}: expected {_EXPECTED[key]}, found something else or none")


def _check_settings(path: Path, key: str, table: Any) -> None:
    _check(path, key, isinstance(table, dict))
    _check_keys(path, table, {field.name for field in dataclasses.fields(TrainingConfig)})


def _check_keys(path: Path, table: Mapping[str, Any], known: set[str]) -> None:
    for key in table.keys() - known:
        raise ConfigError(
            f"{path}: expected one of {', '.join(sorted(known))}, found the unknown key {key!r}"
        )
