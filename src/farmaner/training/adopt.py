"""Taggers that others have trained, made into model folders of ours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer
from transformers.utils import logging as transformers_logging

from farmaner.encoders.folder import LEXICON_FILE, ModelSettings
from farmaner.errors import ModelError
from farmaner.formats.files import write_text
from farmaner.tagging import ForeignTags, SchemeName, read_foreign_tags
from farmaner.training.run import refuse_taken
from farmaner.training.source import (
    as_model_error,
    check_length,
    hub_answers,
    is_folder,
    piece_tokenizer,
)

ADOPTED_FILE = "adopted.json"
"""Beside the model: the checkpoint, and which of our tags each of its tags became."""

NEVER = -1e4
"""The logit of a tag that the checkpoint does not have."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A model folder made of a checkpoint, and what became of the checkpoint's tags."""

    folder: Path
    tags: ForeignTags


def adopt(
    checkpoint: str,
    output: Path,
    *,
    names: Mapping[str, str] | None = None,
    dropped: Collection[str] = (),
    scheme: SchemeName | None = None,
    max_pieces: int = 128,
) -> Adopted:
    """Write a model folder from a tagger of `transformers`, a folder or a name on the hub.

    The rows of its classifier are put into the order of our tags, so that all else takes the
    folder as one that was trained here. `names`, `dropped` and `scheme` are those of
    `read_foreign_tags`. Where a tag is dropped the next best one stands in; a tag of ours that
    the checkpoint lacks is never chosen. The `lexicon.txt` of a folder comes along.

    Raises ModelError where the checkpoint is no tagger that can be loaded, HubError where it
    cannot be fetched, ConfigError where a tag has no place or `output` is taken.
    """
    refuse_taken(output)
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    folder = is_folder(checkpoint)
    local = folder or not hub_answers()
    try:
        config = AutoConfig.from_pretrained(checkpoint, local_files_only=local)
        _check_is_tagger(checkpoint, config)
        tags = read_foreign_tags(
            [config.id2label[number] for number in range(config.num_labels)],
            names=names,
            dropped=dropped,
            scheme=scheme,
        )
        tokenizer = AutoTokenizer.from_pretrained(checkpoint, local_files_only=local)
        pieces = piece_tokenizer(checkpoint, tokenizer)
        check_length(max_pieces, checkpoint, config)
        model, report = AutoModelForTokenClassification.from_pretrained(
            checkpoint, local_files_only=local, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        raise as_model_error(checkpoint, folder, error) from error
    if missing := sorted(report["missing_keys"]):
        raise ModelError(f"{checkpoint}: expected the weights of a tagger, found no {missing[0]}")
    _reorder(checkpoint, model, tags)
    output.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(str(output))
    tokenizer.save_pretrained(str(output))
    content = {"checkpoint": checkpoint, "tags": dict(zip(tags.tags, tags.ours))}
    write_text(output / ADOPTED_FILE, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    lexicon = Path(checkpoint) / LEXICON_FILE
    has_lexicon = folder and lexicon.is_file()
    if has_lexicon:
        shutil.copyfile(lexicon, output / LEXICON_FILE)
    settings = ModelSettings(
        output.name,
        tags.scheme.labels,
        tags.scheme.name,
        max_pieces,
        pieces.special,
        lexicon=has_lexicon,
    )
    settings.write(output)  # last of all: where it stands, the folder is whole
    return Adopted(output, tags)


def _check_is_tagger(checkpoint: str, config: Any) -> None:
    names = config.architectures or []
    if not any("ForTokenClassification" in name for name in names):
        found = ", ".join(names) or "no architecture"
        raise ModelError(
            f"{checkpoint}: expected a tagger (…ForTokenClassification), found {found}; "
            f"an encoder is made one by: farmaner train --encoder {checkpoint}"
        )


def _reorder(checkpoint: str, model: Any, tags: ForeignTags) -> None:
    """Give a tagger the classifier of our tags."""
    heads = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
        and module.out_features == len(tags.tags)
        and not name.startswith(f"{model.base_model_prefix}.")
    ]
    if len(heads) != 1:
        raise ModelError(
            f"{checkpoint}: expected one linear classifier over its {len(tags.tags)} tags, "
            f"found {len(heads)}"
        )
    name, head = heads[0]
    rows = tags.rows()
    ours = torch.nn.Linear(head.in_features, len(rows))
    with torch.no_grad():
        for place, row in enumerate(rows):
            ours.weight[place] = 0.0 if row is None else head.weight[row]
            bias = 0.0 if head.bias is None or row is None else float(head.bias[row])
            ours.bias[place] = NEVER if row is None else bias
    model.set_submodule(name, ours)
    model.num_labels = len(rows)
    model.config.id2label = dict(enumerate(tags.scheme.tags))
    model.config.label2id = {tag: number for number, tag in enumerate(tags.scheme.tags)}
