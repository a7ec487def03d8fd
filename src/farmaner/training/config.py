"""Training settings: one frozen value, read from TOML, saved resolved beside every model."""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from farmaner.errors import ConfigError, FormatError
from farmaner.tagging.schemes import Scheme, SchemeName

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """How an encoder is fine-tuned; the defaults suit a small encoder on two cores.

    Lengths are in pieces, `warmup` is a share of all steps, `patience` is in epochs (0: never
    stop early; needs a dev folder). `eval_batch_size` windows of `max_pieces`, or more that are
    shorter, are annotated at once.
    """

    encoder: str
    labels: tuple[str, ...] = ("NORMALIZABLES", "NO_NORMALIZABLES", "PROTEINAS")
    scheme: SchemeName = "iob2"
    max_pieces: int = 128
    epochs: int = 12
    batch_size: int = 16
    eval_batch_size: int = 16
    accumulation: int = 1
    learning_rate: float = 1e-4
    warmup: float = 0.1
    weight_decay: float = 0.01
    max_gradient_norm: float = 1.0
    dropout: float = 0.1
    precision: Precision = "auto"
    patience: int = 0
    seed: int = 13

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            _check_kind(name, getattr(self, name), kind)
        _check_range("max_pieces", self.max_pieces, 8, 100_000)
        for name in ("epochs", "batch_size", "eval_batch_size", "accumulation"):
            _check_range(name, getattr(self, name), 1, 1_000_000)
        _check_range("patience", self.patience, 0, 1_000_000)
        _check_range("learning_rate", self.learning_rate, 1e-9, 1.0)
        for name in ("warmup", "dropout", "weight_decay"):
            _check_range(name, getattr(self, name), 0.0, 1.0)

    def tagging_scheme(self) -> Scheme:
        """Return the scheme over the labels."""
        return Scheme(self.scheme, self.labels)

    @property
    def eval_batch_pieces(self) -> int:
        """The budget of padded pieces with which documents are annotated."""
        return self.eval_batch_size * self.max_pieces

    def as_input(self) -> dict[str, Any]:
        """Return the settings as a step's input: an encoder's folder counts by its content."""
        folder = Path(self.encoder)
        return dataclasses.asdict(self) | {"encoder": folder if folder.is_dir() else self.encoder}

    def write(self, path: Path) -> None:
        """Write the settings as JSON."""
        text = json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=2) + "\n"
        path.write_text(text, encoding="utf-8")


def read_config(path: Path | None = None, **settings: object) -> TrainingConfig:
    """Return the settings of a TOML file, with `settings` that are not None over them.

    Raises FormatError where the file is not TOML, ConfigError where a key is unknown, a value is
    of the wrong kind or out of range, or no encoder is named.
    """
    return make_config({} if path is None else read_toml(path), path, **settings)


def make_config(
    values: dict[str, Any], path: Path | None = None, **settings: object
) -> TrainingConfig:
    """Return settings from a table's values as `read_config` does; `path` is for its errors."""
    known = {field.name for field in dataclasses.fields(TrainingConfig)}
    for key in values:
        if key not in known:
            raise ConfigError(
                f"{path}: expected one of {', '.join(sorted(known))}, found the unknown key {key!r}"
            )
    values = values | {key: value for key, value in settings.items() if value is not None}
    if "encoder" not in values:
        raise ConfigError("encoder: expected a hub name or a folder, found none")
    if isinstance(values.get("labels"), list):
        values["labels"] = tuple(values["labels"])
    try:
        return TrainingConfig(**values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}" if path else str(error)) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file's values; ConfigError if it cannot be read, FormatError if it is other."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: expected a readable file, found: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FormatError(path, None, "a TOML file in UTF-8", "other bytes") from None
    except tomllib.TOMLDecodeError as error:
        raise FormatError(path, None, "TOML", str(error)) from None


def _check_kind(name: str, value: object, kind: Any) -> None:
    if get_origin(kind) is Literal:
        fits, expected = value in get_args(kind), f"one of {', '.join(get_args(kind))}"
    elif get_origin(kind) is tuple:
        fits = isinstance(value, tuple) and all(isinstance(part, str) for part in value)
        expected = "a list of names"
    elif kind is float:
        fits, expected = isinstance(value, int | float) and not isinstance(value, bool), "a number"
    elif kind is int:
        fits, expected = isinstance(value, int) and not isinstance(value, bool), "a whole number"
    else:
        fits, expected = isinstance(value, kind), "text"
    if not fits:
        raise ConfigError(f"{name}: expected {expected}, found {value!r}")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name}: expected {low:g} to {high:g}, found {value:g}")
