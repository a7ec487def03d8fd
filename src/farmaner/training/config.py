"""Training settings: one frozen value, read from TOML, saved resolved beside every model."""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from farmaner.errors import ConfigError, FormatError
from farmaner.tagging.schemes import Scheme, SchemeName
from farmaner.windows import Context

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
    shorter, are annotated at once. `context` is what a window reads beside what it keeps;
    `lexicon` is a file of terms (`read_lexicon`), "" for that of the model which the training goes
    on from, if it has one. `mask_share` is the share of pieces that a step hides from the model,
    others each time.
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
    context: Context = "none"
    lexicon: str = ""
    mask_share: float = 0.0

    def __post_init__(self) -> None:
        check_kinds(self)
        check_range("max_pieces", self.max_pieces, 8, 100_000)
        for name in ("epochs", "batch_size", "eval_batch_size", "accumulation"):
            check_range(name, getattr(self, name), 1, 1_000_000)
        check_range("patience", self.patience, 0, 1_000_000)
        check_range("learning_rate", self.learning_rate, 1e-9, 1.0)
        for name in ("warmup", "dropout", "weight_decay", "mask_share"):
            check_range(name, getattr(self, name), 0.0, 1.0)

    def tagging_scheme(self) -> Scheme:
        """Return the scheme over the labels."""
        return Scheme(self.scheme, self.labels)

    @property
    def eval_batch_pieces(self) -> int:
        """The budget of padded pieces with which documents are annotated."""
        return self.eval_batch_size * self.max_pieces

    def as_input(self) -> dict[str, Any]:
        """Return the settings as a step's input: folders and files count by their content.

        The switches are among them where they are on, so that steps from before there were any
        count as done.
        """
        folder = Path(self.encoder)
        settings = dataclasses.asdict(self)
        settings["encoder"] = folder if folder.is_dir() else self.encoder
        if self.context == "none":
            del settings["context"]
        if not self.mask_share:
            del settings["mask_share"]
        if not self.lexicon:
            del settings["lexicon"]
        else:
            settings["lexicon"] = Path(self.lexicon)
        return settings

    def write(self, path: Path) -> None:
        """Write the settings as JSON."""
        write_settings(self, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainConfig:
    """How an encoder is pretrained on unlabelled text by masked words.

    Lengths are in pieces, `warmup` is a share of all `steps`. `weights` says how often each
    source is read for once that a source without a weight is; below 1 a share of its texts is
    read. `epochs` multiplies them all. `held_out` is the share of each source's texts that is
    never fitted, and on which the loss is measured every `evaluate_steps`, on at most
    `held_out_windows` of each.
    """

    encoder: str
    weights: dict[str, float] = dataclasses.field(default_factory=dict)
    max_pieces: int = 128
    epochs: float = 1.0
    batch_size: int = 32
    learning_rate: float = 4e-4
    warmup: float = 0.06
    weight_decay: float = 0.01
    max_gradient_norm: float = 1.0
    dropout: float = 0.0
    mask_share: float = 0.2
    held_out: float = 0.01
    held_out_windows: int = 64
    evaluate_steps: int = 250
    save_steps: int = 250
    precision: Precision = "auto"
    seed: int = 13

    def __post_init__(self) -> None:
        check_kinds(self)
        check_range("max_pieces", self.max_pieces, 8, 100_000)
        for name in ("batch_size", "held_out_windows", "evaluate_steps", "save_steps"):
            check_range(name, getattr(self, name), 1, 1_000_000)
        check_range("epochs", self.epochs, 1e-6, 1_000_000)
        check_range("learning_rate", self.learning_rate, 1e-9, 1.0)
        for name in ("warmup", "dropout", "weight_decay", "mask_share", "held_out"):
            check_range(name, getattr(self, name), 0.0, 1.0)

    def passes(self, source: str) -> float:
        """Return how often the texts of a source are read in all."""
        return self.epochs * self.weights.get(source, 1.0)


Config = TypeVar("Config")


def read_config(path: Path | None = None, **settings: object) -> TrainingConfig:
    """Return the training settings of a TOML file, with `settings` that are not None over them.

    Raises FormatError where the file is not TOML, ConfigError where a key is unknown, a value is
    of the wrong kind or out of range, or no encoder is named.
    """
    return make_config({} if path is None else read_toml(path), path, **settings)


def make_config(
    values: dict[str, Any], path: Path | None = None, **settings: object
) -> TrainingConfig:
    """Return settings from a table's values as `read_config` does; `path` is for its errors."""
    return make_settings(TrainingConfig, values, path, **settings)


def read_settings(kind: type[Config], path: Path | None = None, **settings: object) -> Config:
    """Return settings of any kind that names an encoder, as `read_config` does."""
    return make_settings(kind, {} if path is None else read_toml(path), path, **settings)


def make_settings(
    kind: type[Config], values: dict[str, Any], path: Path | None = None, **settings: object
) -> Config:
    """Return settings of any kind from a table's values; `path` is for the errors."""
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
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
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}" if path else str(error)) from None


def write_settings(settings: Any, path: Path) -> None:
    """Write settings as JSON."""
    text = json.dumps(dataclasses.asdict(settings), ensure_ascii=False, indent=2) + "\n"
    path.write_text(text, encoding="utf-8")


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


def check_kinds(settings: Any) -> None:
    """Raise ConfigError for a setting whose value is not of its annotated kind."""
    for name, kind in get_type_hints(type(settings)).items():
        _check_kind(name, getattr(settings, name), kind)


def _check_kind(name: str, value: object, kind: Any) -> None:
    if get_origin(kind) is Literal:
        fits, expected = value in get_args(kind), f"one of {', '.join(get_args(kind))}"
    elif get_origin(kind) is tuple:
        fits = isinstance(value, tuple) and all(isinstance(part, str) for part in value)
        expected = "a list of names"
    elif get_origin(kind) is dict:
        fits = isinstance(value, dict) and all(
            isinstance(part, int | float) and part >= 0 for part in value.values()
        )
        expected = "a table of numbers, none below 0"
    elif kind is float:
        fits, expected = isinstance(value, int | float) and not isinstance(value, bool), "a number"
    elif kind is int:
        fits, expected = isinstance(value, int) and not isinstance(value, bool), "a whole number"
    else:
        fits, expected = isinstance(value, kind), "text"
    if not fits:
        raise ConfigError(f"{name}: expected {expected}, found {value!r}")


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise ConfigError for a setting outside [low, high]."""
    if not low <= value <= high:
        raise ConfigError(f"{name}: expected {low:g} to {high:g}, found {value:g}")
