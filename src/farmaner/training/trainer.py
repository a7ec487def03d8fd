"""The Trainer of transformers over our windows: its batches, its loss, its judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import Dataset
from transformers import TrainingArguments

from farmaner.document import Document
from farmaner.evaluation.official import STRICT, NerScore, score_ner
from farmaner.recognizer import Recognizer
from farmaner.tagging import IGNORED
from farmaner.training.processes import SharingTrainer, by_length, from_all, share
from farmaner.training.windows import TrainingWindow


class Windows(Dataset[dict[str, torch.Tensor]]):
    """Windows by number; ~number is that window without anything to learn."""

    def __init__(self, windows: Sequence[TrainingWindow]) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        window = self.windows[max(index, ~index)]
        row = {
            "input_ids": torch.from_numpy(window.piece_ids),
            "labels": torch.from_numpy(window.targets),
        }
        if window.features is not None:
            row["token_type_ids"] = torch.from_numpy(window.features)
        if index < 0:
            return row | {"labels": torch.full_like(row["labels"], IGNORED)}
        if window.soft is not None:
            row["soft"] = torch.from_numpy(window.soft)
        return row


class TaggerTrainer(SharingTrainer):
    """Judges an epoch by the official score of whole documents, not by tags of windows.

    Epochs are judged in the precision of the training, for speed; processes share the documents.
    `mask` is the piece that stands for a share of pieces at each step, and the share.
    """

    def __init__(
        self,
        judge: Recognizer,
        dev: Sequence[Document],
        windows: Sequence[TrainingWindow],
        soft_weight: float,
        mask: tuple[int, float],
        args: TrainingArguments,
        **settings: Any,
    ) -> None:
        lengths = [len(window.piece_ids) for window in windows]
        group_size = args.per_device_train_batch_size * args.gradient_accumulation_steps
        order = by_length(lengths, group_size, args.seed)
        super().__init__(
            order, count_targets, train_dataset=Windows(windows), args=args, **settings
        )
        self._soft_weight = soft_weight
        self._mask = mask
        self._judge = judge
        self._dev = dev

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the share that this batch has in its step's loss."""
        read = {key: given for key, given in inputs.items() if key not in ("labels", "soft")}
        if model.training:
            read["input_ids"] = masked(read["input_ids"], read["attention_mask"], *self._mask)
        logits = model(**read).logits
        targets, soft = inputs["labels"], inputs.get("soft")
        loss = mixed_loss(logits, targets, soft, self._soft_weight, counts=num_items_in_batch)
        loss = loss * self.accelerator.num_processes
        return (loss, {"logits": logits}) if return_outputs else loss

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Return the figures of dev, the same in every process."""
        counts = score_shared(self._judge, self._dev).micro
        metrics = {
            f"{metric_key_prefix}_precision": counts.precision,
            f"{metric_key_prefix}_recall": counts.recall,
            f"{metric_key_prefix}_f1": counts.f1,
        }
        return self.told(metrics)


def masked(
    piece_ids: torch.Tensor, attended: torch.Tensor, mask_piece: int, share: float
) -> torch.Tensor:
    """Return piece ids (windows, pieces) of which about a share has become the mask piece.

    The two special pieces of a window and its padding stay.
    """
    if not share:
        return piece_ids
    inner = attended > 0
    inner[:, 0] = False
    inner[torch.arange(len(inner)), attended.sum(1) - 1] = False
    hidden = inner & (torch.rand(piece_ids.shape, device=piece_ids.device) < share)
    return piece_ids.masked_fill(hidden, mask_piece)


def score_shared(recognizer: Recognizer, documents: Sequence[Document]) -> NerScore:
    """Return the score of documents, of which every process annotates its share."""
    found = list(recognizer.recognize_documents(share(documents)))
    return score_ner(documents, from_all(found), STRICT)


def count_targets(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return how many pieces of a batch have a tag, and about how many teachers spoke: (2,)."""
    soft = batch.get("soft")
    n_soft = torch.tensor(0) if soft is None else (soft.sum(-1) > 0).sum()
    return torch.stack([(batch["labels"] != IGNORED).sum(), n_soft])


def mixed_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    soft: torch.Tensor | None,
    weight: float,
    *,
    counts: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the cross-entropy on gold plus `weight` times the divergence from the teachers.

    `logits` and `soft` are (windows, pieces, tags), `targets` (windows, pieces). Each part is a
    mean over the pieces that have a target of its kind, and 0 where none has: cross-entropy over
    those with a tag, Kullback and Leibler's divergence over those that teachers spoke about. With
    `counts`, what `count_targets` says of a whole step, it is this batch's share of the step's.
    """
    logits = logits.float()
    total = logits.sum() * 0.0
    hard = targets != IGNORED
    n_hard, n_soft = (None, None) if counts is None else counts
    if hard.any():
        entropy = torch.nn.functional.cross_entropy(logits[hard], targets[hard], reduction="sum")
        total = total + entropy / (hard.sum() if n_hard is None else n_hard)
    if soft is not None and (spoken := soft.sum(-1) > 0).any():
        mine = torch.log_softmax(logits[spoken], dim=-1)
        theirs = soft[spoken].float()
        divergence = torch.nn.functional.kl_div(mine, theirs, reduction="sum")
        total = total + weight * divergence / (spoken.sum() if n_soft is None else n_soft)
    return total
