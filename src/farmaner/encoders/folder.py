"""A model on disk: the folder that `transformers` loads as it is, with our settings beside it.

config.json, model.safetensors, tokenizer.json, tokenizer_config.json   as transformers has them
farmaner.json                                                           this module's settings
lexicon.txt                                                             where it was fitted with one
onnx/model.onnx, onnx/model_int8.onnx                                   after `farmaner export`
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from farmaner.cutting import Cutter
from farmaner.errors import ConfigError, FormatError, ModelError
from farmaner.tagging.schemes import Scheme, SchemeName
from farmaner.text.lexicon import Lexicon
from farmaner.text.pieces import PieceTokenizer, SpecialPieces
from farmaner.windows import Context

SETTINGS_FILE = "farmaner.json"
TOKENIZER_FILE = "tokenizer.json"
LEXICON_FILE = "lexicon.txt"
WEIGHTS_FILE = "model.safetensors"
ONNX_FILES = {"onnx": "onnx/model.onnx", "onnx-int8": "onnx/model_int8.onnx"}
CARD_FILE = "README.md"
MODEL_FILES = (
    *(SETTINGS_FILE, LEXICON_FILE, "config.json", TOKENIZER_FILE, "tokenizer_config.json"),
    *("special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt"),
    *("sentencepiece.bpe.model", "spm.model", WEIGHTS_FILE, *ONNX_FILES.values(), CARD_FILE),
)
"""All that a model can consist of; whatever else lies in its folder tells of its training."""

FORMAT = 1


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What annotating with a model needs to know beyond its weights and its vocabulary.

    Logits are divided by `temperature` before they become scores; the tags stay the same.
    `lexicon` says whether the model reads what `lexicon.txt` in its folder says of each word.
    """

    name: str
    labels: tuple[str, ...]
    scheme: SchemeName
    max_pieces: int
    special_pieces: SpecialPieces
    temperature: float = 1.0
    context: Context = "none"
    lexicon: bool = False

    def tagging_scheme(self) -> Scheme:
        """Return the scheme over the model's labels."""
        return Scheme(self.scheme, self.labels)

    def cutter(self, tokenizer: PieceTokenizer, lexicon: Lexicon | None) -> Cutter:
        """Return what cuts texts for the model; ConfigError without the lexicon that it needs."""
        if self.lexicon and lexicon is None:
            raise ConfigError(f"{self.name}: expected the model's lexicon, found none")
        read = lexicon if self.lexicon else None
        return Cutter(tokenizer, self.max_pieces, self.context, read)

    def write(self, folder: Path) -> None:
        """Write `farmaner.json` into a model folder."""
        content = {"format": FORMAT, **dataclasses.asdict(self)}
        text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        (folder / SETTINGS_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> ModelSettings:
        """Read `farmaner.json` of a model folder; ModelError where there is none."""
        path = folder / SETTINGS_FILE
        if not folder.is_dir():
            raise ModelError(f"{folder}: expected a model folder, found no such folder")
        if not path.is_file():
            raise ModelError(f"{folder}: expected a model folder with {SETTINGS_FILE}, found none")
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise FormatError(path, None, "JSON in UTF-8", "something else") from error
        found = content.pop("format", None)
        if found != FORMAT:
            raise ModelError(f"{path}: expected format {FORMAT}, found {found!r}")
        try:
            content["labels"] = tuple(content["labels"])
            content["special_pieces"] = SpecialPieces(**content["special_pieces"])
            settings = cls(**content)
        except (KeyError, TypeError) as error:
            raise ModelError(f"{path}: expected farmaner's settings, found {error}") from error
        if settings.context not in get_args(Context):
            known = ", ".join(get_args(Context))
            raise ModelError(f"{path}: context: expected one of {known}, found {settings.context}")
        return settings


def model_files(folder: Path) -> list[str]:
    """Return the files of a model folder that belong to the model; ModelError where it is none."""
    ModelSettings.read(folder)
    return [name for name in MODEL_FILES if (folder / name).is_file()]


def load_tokenizer(folder: Path, settings: ModelSettings) -> PieceTokenizer:
    """Return the tokenizer of a model folder."""
    path = folder / TOKENIZER_FILE
    if not path.is_file():
        raise ModelError(f"{folder}: expected a model folder with {TOKENIZER_FILE}, found none")
    return PieceTokenizer.from_file(path, settings.special_pieces)


def load_lexicon(folder: Path, settings: ModelSettings) -> Lexicon | None:
    """Return the lexicon of a model folder, None for a model that reads none."""
    path = folder / LEXICON_FILE
    if not settings.lexicon:
        return None
    if not path.is_file():
        raise ModelError(f"{folder}: expected a model folder with {LEXICON_FILE}, found none")
    return Lexicon.read(path)


def load_cutter(folder: Path, settings: ModelSettings) -> Cutter:
    """Return what cuts texts for the model of a folder, with its tokenizer and lexicon."""
    return settings.cutter(load_tokenizer(folder, settings), load_lexicon(folder, settings))
