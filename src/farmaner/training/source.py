"""Where a training run starts: an encoder and its fast tokenizer, from a hub or a folder."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from huggingface_hub import constants
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForTokenClassification,
    AutoTokenizer,
)
from transformers.utils import logging as transformers_logging

from farmaner.encoders import load_lexicon
from farmaner.encoders.folder import SETTINGS_FILE, WEIGHTS_FILE, ModelSettings
from farmaner.errors import ConfigError, HubError, ModelError
from farmaner.recognizer import bundled_model
from farmaner.text import Lexicon, read_lexicon
from farmaner.text.pieces import PieceTokenizer, SpecialPieces
from farmaner.training.config import PretrainConfig, TrainingConfig
from farmaner.training.readback import exported_file, read_model, read_tokenizer
from farmaner.windows import SPECIAL_PIECES_PER_WINDOW

HUB_TIMEOUT_SECONDS = 10

BUNDLED = "bundled"
"""As an encoder's name: the model that comes with the package."""

_Settings: TypeAlias = TrainingConfig | PretrainConfig


def load_source(config: TrainingConfig) -> tuple[Any, Any, PieceTokenizer]:
    """Return the model, its transformers tokenizer, and our own.

    The tagging head is fresh, but for an encoder that is a tagger of the very same tags already.
    Of a folder that holds no torch weights, such as the bundled model's, those of its export are
    read back. With a lexicon the model reads what it says of each piece as its token type.

    Raises ModelError where the encoder cannot be loaded or has no fast tokenizer, HubError where
    a hub name cannot be fetched, ConfigError where the windows outgrow the encoder, or where it
    has no token types and is to read a lexicon.
    """
    tags = config.tagging_scheme().tags
    model, tokenizer, pieces = _load(
        AutoModelForTokenClassification,
        config,
        num_labels=len(tags),
        id2label=dict(enumerate(tags)),
        label2id={tag: number for number, tag in enumerate(tags)},
        classifier_dropout=config.dropout,
    )
    lexicon = load_own_lexicon(config)
    if lexicon is not None:
        _make_room_for_features(model, config.encoder, lexicon)
    return model, tokenizer, pieces


def load_own_lexicon(config: TrainingConfig) -> Lexicon | None:
    """Return the lexicon that the settings name, else that of the model that they go on from.

    Raises what `read_lexicon` raises, ModelError where a model's own cannot be read.
    """
    if config.lexicon:
        return read_lexicon(Path(config.lexicon))
    return _lexicon_of(config.encoder)


def load_masked_source(config: PretrainConfig) -> tuple[Any, Any, PieceTokenizer]:
    """Return the masked-language model, its transformers tokenizer, and our own.

    A prediction head that the encoder comes without is new, its output tied to the embeddings
    of the input. Raises what `load_source` raises, ModelError also where there is no mask piece.
    """
    model, tokenizer, pieces = _load(AutoModelForMaskedLM, config)
    if tokenizer.mask_token_id is None:
        raise ModelError(f"{config.encoder}: expected a tokenizer with a mask piece, found none")
    return model, tokenizer, pieces


def _load(kind: Any, config: _Settings, **head: Any) -> tuple[Any, Any, PieceTokenizer]:
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    name = _start(config.encoder)
    folder = is_folder(name)
    local = folder or not hub_answers()
    exported = folder and not _has_weights(Path(name))
    try:
        settings = AutoConfig.from_pretrained(name, local_files_only=local)
        other_tags = _has_other_tags(settings, head)
        for attribute, value in head.items():
            setattr(settings, attribute, value)
        for attribute in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            if hasattr(settings, attribute):
                setattr(settings, attribute, config.dropout)
        if exported:
            tokenizer = read_tokenizer(Path(name))
        else:
            tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=local)
        pieces = piece_tokenizer(name, tokenizer)
        check_length(config.max_pieces, config.encoder, settings)
        if exported:
            model = read_model(kind, Path(name), settings, attn_implementation=_attention())
        else:
            model = kind.from_pretrained(
                name,
                config=settings,
                local_files_only=local,
                dtype=torch.float32,
                attn_implementation=_attention(),
                ignore_mismatched_sizes=other_tags,
            )
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        raise as_model_error(name, folder, error) from error
    if other_tags:
        _refresh_head(model)
    return model, tokenizer, pieces


def _make_room_for_features(model: Any, encoder: str, lexicon: Lexicon) -> None:
    """Give a model a token type for each of the lexicon's features, all as its first is.

    So it answers as before whatever the features say, until it is fitted; one that was fitted
    with a lexicon keeps what it knows of the kinds that it has met.
    """
    tables = [
        module
        for name, module in model.named_modules()
        if name.endswith("token_type_embeddings") and module.num_embeddings
    ]
    if len(tables) != 1:
        raise ConfigError(
            f"lexicon: expected an encoder with token types, as BERT's, found {encoder}, of type "
            f"{model.config.model_type}, without"
        )
    before = tables[0].weight.detach()
    after = before[:1].repeat(lexicon.n_features, 1)
    met = _lexicon_of(encoder)
    for number, kind in enumerate(lexicon.kinds):
        if met is not None and kind in met.kinds:
            known = 2 * met.kinds.index(kind) + 1
            after[2 * number + 1 : 2 * number + 3] = before[known : known + 2]
    tables[0].weight = torch.nn.Parameter(after)
    tables[0].num_embeddings = model.config.type_vocab_size = lexicon.n_features


def _start(encoder: str) -> str:
    """Return an encoder's name or folder, of the bundled model its folder."""
    return str(bundled_model()) if encoder == BUNDLED else encoder


def _lexicon_of(encoder: str) -> Lexicon | None:
    """Return the lexicon of a model that a training goes on from, None for one without."""
    settings = _own_settings(encoder)
    return None if settings is None else load_lexicon(Path(_start(encoder)), settings)


def _own_settings(encoder: str) -> ModelSettings | None:
    """Return the settings of a model that a training goes on from, None for a bare encoder."""
    folder = Path(_start(encoder))
    return ModelSettings.read(folder) if (folder / SETTINGS_FILE).is_file() else None


def _attention() -> str:
    """Plain attention trains faster on a CPU than torch's fused one, at windows this short."""
    return "sdpa" if torch.cuda.is_available() else "eager"


def _has_other_tags(settings: Any, head: Mapping[str, Any]) -> bool:
    """Whether an encoder has a tagging head already, for other tags than the wanted ones."""
    is_tagger = any("ForTokenClassification" in name for name in settings.architectures or ())
    return is_tagger and settings.id2label != head.get("id2label")


def _refresh_head(model: Any) -> None:
    """Draw the weights outside the encoder anew: of the right size, they stand for other tags."""
    for name, parameter in model.named_parameters():
        if not name.startswith(f"{model.base_model_prefix}."):
            with torch.no_grad():
                if name.endswith("bias"):
                    parameter.zero_()
                else:
                    parameter.normal_(0.0, model.config.initializer_range)


def _has_weights(folder: Path) -> bool:
    names = (WEIGHTS_FILE, "model.safetensors.index.json", "pytorch_model.bin")
    return any((folder / name).is_file() for name in names)


def is_folder(name: str) -> bool:
    """Return whether a name is an encoder's folder, not the hub's; ModelError for neither."""
    folder = Path(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(f"{name}: expected an encoder folder with config.json, found none")
        if not _has_weights(folder) and exported_file(folder) is None:
            raise ModelError(
                f"{name}: expected an encoder with weights ({WEIGHTS_FILE}), found none"
            )
        return True
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ModelError(f"{name}: expected an encoder folder, found no such folder")
    return False


def hub_answers() -> bool:
    """Return whether to ask the hub at all; its client would retry for minutes on a cut network."""
    if constants.HF_HUB_OFFLINE:
        return False
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")  # noqa: S310 (https)
    try:
        with urllib.request.urlopen(request, timeout=HUB_TIMEOUT_SECONDS):  # noqa: S310 (https)
            return True
    except urllib.error.HTTPError:
        return True  # whatever it answers, it is there
    except OSError:
        return False


def piece_tokenizer(name: str, tokenizer: Any) -> PieceTokenizer:
    """Return our tokenizer of a fast one of transformers; ModelError where a piece is missing."""
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(
            f"{name}: expected an encoder with a fast tokenizer (tokenizer.json), "
            f"found {type(tokenizer).__name__}, which has none"
        )
    ids = {
        "cls": tokenizer.cls_token_id
        if tokenizer.cls_token_id is not None
        else tokenizer.bos_token_id,
        "sep": tokenizer.sep_token_id
        if tokenizer.sep_token_id is not None
        else tokenizer.eos_token_id,
        "pad": tokenizer.pad_token_id,
        "unk": tokenizer.unk_token_id,
    }
    missing = [piece for piece, number in ids.items() if number is None]
    if missing:
        raise ModelError(
            f"{name}: expected a tokenizer with cls, sep, pad and unk pieces, "
            f"found none for {', '.join(missing)}"
        )
    return PieceTokenizer(tokenizer.backend_tokenizer, SpecialPieces(**ids))


def check_length(max_pieces: int, encoder: str, settings: Any) -> None:
    """Raise ConfigError where windows of `max_pieces` outgrow an encoder with these settings."""
    longest = getattr(settings, "max_position_embeddings", None)
    if longest is None or longest <= 0:
        return
    if settings.model_type in ("roberta", "xlm-roberta", "camembert"):
        longest -= SPECIAL_PIECES_PER_WINDOW  # their positions start after the padding id
    if max_pieces > longest:
        raise ConfigError(
            f"max_pieces: expected at most {longest}, which {encoder} can read, found {max_pieces}"
        )


def as_model_error(name: str, folder: bool, error: Exception) -> ModelError:
    """Return what to raise where transformers cannot load a folder, or a name of the hub."""
    if folder:
        return ModelError(
            f"{name}: expected an encoder folder that transformers loads, found one that it "
            f"refuses: {' '.join(str(error).split())[:200]}"
        )
    return HubError(
        f"{name}: expected a local folder or a model of the hub, found no such folder and could "
        "not fetch it; without network, point --encoder at a local folder, or set HF_HOME to a "
        "cache that holds it and HF_HUB_OFFLINE=1"
    )
