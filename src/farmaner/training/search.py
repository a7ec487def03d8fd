"""What a search may vary: the table `[search]` of a TOML file of settings.

encoder = "bert-base-multilingual-cased"

[search]
sampler = "grid"        # or "tpe" or "random", which take `trials`
pruner = "none"         # or "median": stops a trial that does worse than half of the others

[search.space]          # choices as a list, a range as a table
batch_size = [8, 16, 32]
learning_rate = { low = 1e-5, high = 1e-4, log = true }
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args, get_type_hints

from farmaner.errors import ConfigError
from farmaner.training.config import TrainingConfig, make_config, read_toml

SamplerName = Literal["grid", "tpe", "random"]
PrunerName = Literal["none", "median"]
Setting: TypeAlias = str | int | float

TABLE = "search"
BEST_FILE = "best.toml"
"""Where a search leaves the settings that did best, as `train` takes them."""
N_TRIALS = 20


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The settings that every trial shares, and those that it varies."""

    base: TrainingConfig
    space: Mapping[str, tuple[Setting, ...] | Range]
    sampler: SamplerName = "tpe"
    pruner: PrunerName = "none"
    trials: int = N_TRIALS
    seed: int = 13

    def as_input(self) -> dict[str, Any]:
        """Return the search as a step's input; its base's encoder counts by its content."""
        return dataclasses.asdict(self) | {"base": self.base.as_input()}

    def config(self, settings: Mapping[str, Any]) -> TrainingConfig:
        """Return a trial's settings, resolved."""
        return dataclasses.replace(self.base, **settings)


def has_search(path: Path) -> bool:
    """Whether a TOML file declares a search."""
    return TABLE in read_toml(path)


def read_search(path: Path, *, trials: int | None = None, **settings: object) -> Search:
    """Return the search that a TOML file declares, with `settings` that are not None over its own.

    Raises FormatError where the file is not TOML, ConfigError where it declares no search, or one
    with an unknown key, or a value that the setting cannot take.
    """
    values = read_toml(path)
    table = values.pop(TABLE, None)
    if not isinstance(table, dict) or not isinstance(table.get("space"), dict):
        raise ConfigError(f"{path}: expected the table [search.space], found none")
    base = make_config(values, path, **settings)
    place = f"{path}: search"
    known = {"sampler", "pruner", "trials", "seed", "space"}
    for key in table.keys() - known:
        raise ConfigError(
            f"{place}: expected one of {', '.join(sorted(known))}, found the unknown key {key!r}"
        )
    for key, kind in (("sampler", SamplerName), ("pruner", PrunerName)):
        if table.get(key, get_args(kind)[0]) not in get_args(kind):
            raise ConfigError(
                f"{place}.{key}: expected one of {', '.join(get_args(kind))}, found {table[key]!r}"
            )
    sampler = table.get("sampler", "tpe")
    space = {
        key: _part(f"{place}.space.{key}", key, value, base, sampler)
        for key, value in table.pop("space").items()
    }
    if not space:
        raise ConfigError(f"{place}.space: expected a setting to vary, found none")
    table["trials"] = _trials(place, table.get("trials") if trials is None else trials, space)
    if not isinstance(table.get("seed", 0), int):
        raise ConfigError(f"{place}.seed: expected a whole number, found {table['seed']!r}")
    return Search(base=base, space=space, **table)


def _part(
    place: str, key: str, value: Any, base: TrainingConfig, sampler: str
) -> tuple[Setting, ...] | Range:
    """Return a setting's choices or range, each value or end of which the setting can take."""
    kinds = get_type_hints(TrainingConfig)
    if key not in kinds or key == "labels":
        raise ConfigError(f"{place}: expected a setting that can vary, found another key")
    part: tuple[Setting, ...] | Range
    if isinstance(value, list) and value:
        part, ends = tuple(value), value
    elif isinstance(value, dict) and sampler != "grid" and kinds[key] in (int, float):
        try:
            part = Range(**value)
        except TypeError:
            raise ConfigError(f"{place}: expected low, high and log, found other keys") from None
        ends = [part.low, part.high]
    else:
        ranges = "" if sampler == "grid" or kinds[key] not in (int, float) else " or a range"
        raise ConfigError(f"{place}: expected a list of choices{ranges}, found {value!r}")
    for end in ends:
        try:
            dataclasses.replace(base, **{key: end})
        except ConfigError as error:
            raise ConfigError(f"{place}: {error}") from None
    if not isinstance(part, Range):
        return part
    if part.low > part.high or not isinstance(part.log, bool) or (part.log and part.low <= 0):
        raise ConfigError(
            f"{place}: expected low up to high, above 0 where log is true, found {value}"
        )
    return Range(kinds[key](part.low), kinds[key](part.high), part.log)


def _trials(place: str, wanted: Any, space: Mapping[str, tuple[Setting, ...] | Range]) -> int:
    """Return how many trials there are to be; never more than the space has points."""
    if wanted is not None and (not isinstance(wanted, int) or wanted < 1):
        raise ConfigError(f"{place}.trials: expected 1 or more, found {wanted!r}")
    choices = [part for part in space.values() if not isinstance(part, Range)]
    if len(choices) < len(space):
        return wanted or N_TRIALS
    points = prod(len(part) for part in choices)
    return min(wanted or points, points)
