"""What every run has in common: its folder, its checkpoints, its batches, its precision."""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

import torch
from transformers.trainer import TRAINER_STATE_NAME

from farmaner.errors import ConfigError
from farmaner.tagging import IGNORED
from farmaner.training.config import Precision

CONFIG_FILE = "training.json"
CHECKPOINTS = "checkpoints"


def refuse_taken(output: Path, hint: str = "") -> None:
    """Raise ConfigError where a folder to write holds files; `hint` stands at the line's end."""
    if output.exists() and any(output.iterdir()):
        raise ConfigError(f"{output}: expected a new or empty folder, found files in it{hint}")


def find_checkpoint(config: Any, output: Path, resume: bool) -> str | None:
    """Return the checkpoint to go on from, None for a fresh start.

    ConfigError where `output` holds files and is not resumed, or was begun with other settings.
    """
    checkpoints = sorted(
        filter(_is_whole, (output / CHECKPOINTS).glob("checkpoint-*")),
        key=lambda path: int(path.name.split("-")[1]),
    )
    if not resume:
        refuse_taken(output, "; --resume goes on with it" if checkpoints else "")
    record = output / CONFIG_FILE
    if resume and checkpoints:
        defaults = {one.name: one.default for one in fields(config) if one.default is not MISSING}
        begun = defaults | json.loads(record.read_text(encoding="utf-8"))
        if json.loads(json.dumps(begun)) != json.loads(json.dumps(asdict(config))):
            raise ConfigError(
                f"{record}: expected the settings that the interrupted training began with, "
                "found others"
            )
    return str(checkpoints[-1]) if resume and checkpoints else None


def _is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint was written to its end; the Trainer writes its own state last."""
    try:
        json.loads((checkpoint / TRAINER_STATE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def use_bfloat16(precision: Precision) -> bool:
    """Whether to compute in bfloat16: where asked, or where the hardware multiplies in it."""
    if precision != "auto":
        return precision == "bfloat16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return any(
        getattr(torch.cpu, probe, lambda: False)()
        for probe in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )


class Collator:
    """Pads windows to the longest of their batch."""

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, rows: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """Return one batch, arrays (windows, pieces), and (windows, pieces, tags) of soft tags."""
        pad = torch.nn.utils.rnn.pad_sequence
        ids = [row["input_ids"] for row in rows]
        targets = [row["labels"] for row in rows]
        batch = {
            "input_ids": pad(ids, batch_first=True, padding_value=self._pad),
            "attention_mask": pad([torch.ones_like(row) for row in ids], batch_first=True),
            "labels": pad(targets, batch_first=True, padding_value=IGNORED),
        }
        if all("token_type_ids" in row for row in rows):
            features = [row["token_type_ids"] for row in rows]
            batch["token_type_ids"] = pad(features, batch_first=True)
        soft = [row["soft"] for row in rows if "soft" in row]
        if soft:
            n_tags = soft[0].shape[1]
            blank = [torch.zeros(len(row), n_tags, dtype=soft[0].dtype) for row in ids]
            batch["soft"] = pad(
                [row.get("soft", none) for row, none in zip(rows, blank)], batch_first=True
            )
        return batch


def peak_memory_mb() -> int:
    """Return the most memory that this process has held, on the GPU where there is one."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated() // 2**20)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 2**20 if sys.platform == "darwin" else peak // 2**10
