"""A model on disk: the folder that `transformers` loads as it is, with our settings beside it.

config.json, model.safetensors, tokenizer.json, tokenizer_config.json   as transformers has them
farmaner.json                                                           this module's settings
onnx/model.onnx, onnx/model_int8.onnx                                   after `farmaner export`
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farmaner.errors import FormatError, ModelError
from farmaner.tagging.schemes import Scheme, SchemeName
from farmaner.text.pieces import PieceTokenizer, SpecialPieces

SETTINGS_FILE = "farmaner.json"
TOKENIZER_FILE = "tokenizer.json"
WEIGHTS_FILE = "model.safetensors"
ONNX_FILES = {"onnx": "onnx/model.onnx", "onnx-int8": "onnx/model_int8.onnx"}
FORMAT = 1


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What annotating with a model needs to know beyond its weights and its vocabulary.

    Logits are divided by `temperature` before they become scores; the tags stay the same.
    """

    name: str
    labels: tuple[str, ...]
    scheme: SchemeName
    max_pieces: int
    special_pieces: SpecialPieces
    temperature: float = 1.0

    def tagging_scheme(self) -> Scheme:
        """Return the scheme over the model's labels."""
        return Scheme(self.scheme, self.labels)

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
            return cls(**content)
        except (KeyError, TypeError) as error:
            raise ModelError(f"{path}: expected farmaner's settings, found {error}") from error


def load_tokenizer(folder: Path, settings: ModelSettings) -> PieceTokenizer:
    """Return the tokenizer of a model folder."""
    path = folder / TOKENIZER_FILE
    if not path.is_file():
        raise ModelError(f"{folder}: expected a model folder with {TOKENIZER_FILE}, found none")
    return PieceTokenizer.from_file(path, settings.special_pieces)
