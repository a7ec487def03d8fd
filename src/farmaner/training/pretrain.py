"""Domain-adaptive pretraining: an encoder reads the field's text and guesses masked words."""

from __future__ import annotations

import json
import math
import shutil
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import Dataset
from transformers import PrinterCallback, TrainerCallback, TrainingArguments, set_seed

from farmaner.errors import CorpusError
from farmaner.tagging import IGNORED
from farmaner.text import PieceTokenizer
from farmaner.training.config import PretrainConfig, write_settings
from farmaner.training.masking import PackedText, mask_window, pack_texts
from farmaner.training.processes import SharingTrainer, check_batch_size, from_first
from farmaner.training.run import (
    CHECKPOINTS,
    CONFIG_FILE,
    Collator,
    find_checkpoint,
    peak_memory_mb,
    use_bfloat16,
)
from farmaner.training.source import load_masked_source
from farmaner.training.texts import Overlap, SourceText

LOG_FILE = "pretraining.jsonl"
SUMMARY_FILE = "pretraining-summary.json"

_HELD_OUT_SEED = 1


@dataclass(frozen=True, slots=True)
class SourceCount:
    """What was read of one source: texts and pieces fitted once, texts held and left out."""

    n_texts: int = 0
    n_pieces: int = 0
    n_windows: int = 0
    n_held_out: int = 0
    n_overlapping: int = 0
    n_passed_over: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a pretraining stands: the loss of the newest steps, and held-out loss by source."""

    step: int
    steps: int
    loss: float | None
    held_out: Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class PretrainResult:
    """What a pretraining came to; losses are nats a masked piece, before and after."""

    folder: Path
    sources: Mapping[str, SourceCount]
    steps: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    seconds: float
    peak_memory_mb: int


Show = Callable[[Progress], None]


def pretrain(
    config: PretrainConfig,
    texts: Iterable[SourceText],
    *,
    output: Path,
    kept_out: Iterable[str] = (),
    resume: bool = False,
    show: Show | None = None,
) -> PretrainResult:
    """Pretrain an encoder on texts by masked words and write the encoder folder `output`.

    A text that overlaps with one of `kept_out` is not read (see `Overlap`). Which texts are held
    out, which windows a step sees and what is masked in them depends on the settings and the
    texts alone, so that a run resumed from its last checkpoint goes on as if unbroken.

    Several processes that torchrun started share each batch: each has to call this with the same
    arguments. The first alone writes and shows; the result is the same in all.

    Raises CorpusError where there is nothing to read, else what `load_masked_source` raises.
    """
    arguments = _arguments(config, output)
    check_batch_size(config.batch_size)
    checkpoint = from_first(lambda: find_checkpoint(config, output, resume))
    set_seed(config.seed)
    model, tokenizer, pieces = load_masked_source(config)
    fitted, held_out, counts = _read(config, texts, pieces, Overlap(kept_out))
    plan = _plan(config, fitted)
    if not len(plan):
        raise CorpusError("texts: expected at least one to pretrain on, found none to read")
    callbacks: list[Any] = []
    if arguments.should_save:
        output.mkdir(parents=True, exist_ok=True)
        write_settings(config, output / CONFIG_FILE)
        callbacks = [_Log(output / LOG_FILE, resumed=checkpoint is not None, show=show)]
    masks = _Masks(config, tokenizer, pieces)
    trainer = _Pretrainer(
        _HeldOut(held_out, masks, config),
        Collator(pieces.special.pad),
        len(plan),
        model=model,
        args=arguments,
        train_dataset=_Windows(list(fitted.values()), plan, masks, config.seed),
        eval_dataset=_Windows([], plan[:0], masks, 0),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    if checkpoint is None:
        trainer.evaluate()
    torch.manual_seed(config.seed + arguments.process_index)  # each drops out other values
    outcome = trainer.train(resume_from_checkpoint=checkpoint)
    after = trainer.held_out(model)
    log = output / LOG_FILE
    first = from_first(lambda: json.loads(log.read_text(encoding="utf-8").split("\n")[0]))
    result = PretrainResult(
        output,
        counts,
        trainer.state.max_steps,
        first["held_out"],
        after,
        outcome.metrics["train_runtime"],
        peak_memory_mb(),
    )
    if not arguments.should_save:
        return result
    trainer.save_model(str(output))
    tokenizer.save_pretrained(str(output))
    _write_summary(result)
    shutil.rmtree(output / CHECKPOINTS, ignore_errors=True)
    (output / "training_args.bin").unlink(missing_ok=True)
    return result


def _read(
    config: PretrainConfig,
    texts: Iterable[SourceText],
    pieces: PieceTokenizer,
    kept_out: Overlap,
) -> tuple[dict[str, PackedText], dict[str, PackedText], dict[str, SourceCount]]:
    """Return the fitted and the held-out text of every source, and what was counted."""
    fitted: dict[str, list[str]] = defaultdict(list)
    held_out: dict[str, list[str]] = defaultdict(list)
    counts: dict[str, SourceCount] = defaultdict(SourceCount)
    for source, text in ((item.source, item.text) for item in texts):
        count = counts[source]
        lot = zlib.crc32(text.encode("utf-8", "surrogatepass")) / 2**32
        passes = config.passes(source)
        if not passes or lot >= config.held_out + (1 - config.held_out) * min(1.0, passes):
            counts[source] = replace(count, n_passed_over=count.n_passed_over + 1)
        elif text in kept_out:
            counts[source] = replace(count, n_overlapping=count.n_overlapping + 1)
        elif lot < config.held_out:
            held_out[source].append(text)
            counts[source] = replace(count, n_held_out=count.n_held_out + 1)
        else:
            fitted[source].append(text)
            counts[source] = replace(count, n_texts=count.n_texts + 1)
    packed = {name: _pack(config, lot, pieces) for name, lot in sorted(fitted.items())}
    packed_out = {name: _pack(config, lot, pieces) for name, lot in sorted(held_out.items())}
    for name, whole in packed.items():
        counts[name] = replace(counts[name], n_pieces=len(whole.piece_ids), n_windows=len(whole))
    return packed, packed_out, dict(sorted(counts.items()))


def _pack(config: PretrainConfig, texts: list[str], pieces: PieceTokenizer) -> PackedText:
    return pack_texts(texts, pieces, max_pieces=config.max_pieces)


def _plan(config: PretrainConfig, fitted: Mapping[str, PackedText]) -> NDArray[np.int32]:
    """Return the windows of the whole run in order, (windows, 2): source number and window."""
    random = np.random.default_rng(config.seed)
    rows: list[NDArray[np.int32]] = []
    for number, (name, packed) in enumerate(fitted.items()):
        passes = max(1.0, config.passes(name))  # below 1 the texts themselves are fewer
        whole = [random.permutation(len(packed)) for _ in range(int(passes))]
        part = random.permutation(len(packed))[: round((passes % 1) * len(packed))]
        windows = np.concatenate([*whole, part])
        rows.append(np.stack([np.full_like(windows, number), windows], axis=1).astype(np.int32))
    plan = np.concatenate(rows) if rows else np.empty((0, 2), dtype=np.int32)
    shuffled: NDArray[np.int32] = plan[random.permutation(len(plan))]
    return shuffled


class _Masks:
    """Masks any window, by a random stream of its own."""

    def __init__(self, config: PretrainConfig, tokenizer: Any, pieces: PieceTokenizer) -> None:
        self._special = pieces.special
        self._mask = int(tokenizer.mask_token_id)
        self._share = config.mask_share
        self._vocabulary_size = len(tokenizer)

    def __call__(self, packed: PackedText, window: int, *seed: int) -> dict[str, torch.Tensor]:
        ids, targets = mask_window(
            packed,
            window,
            special=self._special,
            mask=self._mask,
            share=self._share,
            random=np.random.default_rng(seed),
            vocabulary_size=self._vocabulary_size,
        )
        return {"input_ids": torch.from_numpy(ids), "labels": torch.from_numpy(targets)}


class _Windows(Dataset[dict[str, torch.Tensor]]):
    """The planned windows by number; ~number is that window without anything to guess."""

    def __init__(
        self, texts: list[PackedText], plan: NDArray[np.int32], masks: _Masks, seed: int
    ) -> None:
        self._texts, self._plan, self._masks, self._seed = texts, plan, masks, seed

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        number = max(index, ~index)
        source, window = self._plan[number].tolist()
        row = self._masks(self._texts[source], window, self._seed, number)
        if index < 0:
            row["labels"] = torch.full_like(row["labels"], IGNORED)
        return row


class _HeldOut:
    """Measures the loss on held-out text, by source; the same windows and masks every time."""

    def __init__(
        self, held_out: Mapping[str, PackedText], masks: _Masks, config: PretrainConfig
    ) -> None:
        self._batch_size = config.batch_size
        self._windows = {
            name: [
                masks(packed, window, _HELD_OUT_SEED, window)
                for window in range(min(len(packed), config.held_out_windows))
            ]
            for name, packed in held_out.items()
            if len(packed)
        }

    def __call__(
        self, loss: Callable[[dict[str, torch.Tensor]], torch.Tensor], collate: Collator
    ) -> dict[str, float]:
        """Return nats a masked piece for every source."""
        losses: dict[str, float] = {}
        for name, windows in self._windows.items():
            total = n_masked = 0.0
            for start in range(0, len(windows), self._batch_size):
                batch = collate(windows[start : start + self._batch_size])
                n_here = int((batch["labels"] != IGNORED).sum())
                total += float(loss(batch)) * n_here
                n_masked += n_here
            losses[name] = round(total / n_masked, 4)
        return losses


class _Pretrainer(SharingTrainer):
    """Reads the windows in the order planned and predicts at masked pieces alone."""

    def __init__(
        self, held_out: _HeldOut, collate: Collator, n_windows: int, **settings: Any
    ) -> None:
        super().__init__(
            lambda _: range(n_windows), count_masked, data_collator=collate, **settings
        )
        self._held_out, self._collate = held_out, collate

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        with self.accelerator.autocast():  # the Trainer's own covers whole models' calls alone
            loss = masked_loss(model, inputs, count=num_items_in_batch)
        loss = loss * self.accelerator.num_processes
        return (loss, {}) if return_outputs else loss

    def held_out(self, model: Any) -> dict[str, float]:
        def loss(batch: dict[str, torch.Tensor]) -> torch.Tensor:
            batch = {key: value.to(model.device) for key, value in batch.items()}
            with torch.inference_mode(), self.accelerator.autocast():
                return masked_loss(model, batch)

        training = model.training
        model.eval()
        losses = self._held_out(loss, self._collate)
        model.train(training)
        return losses

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        losses = self.held_out(self.model)
        metrics = {f"{metric_key_prefix}_loss_{name}": loss for name, loss in losses.items()}
        return self.told(metrics)


def count_masked(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return how many pieces of a batch are masked."""
    return (batch["labels"] != IGNORED).sum()


def masked_loss(
    model: Any, inputs: dict[str, torch.Tensor], *, count: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the mean cross-entropy, in nats, over the masked pieces of a batch.

    With `count`, the masked pieces of a whole step, it is this batch's share of the step's. Where
    the model's head can be called by itself, only masked pieces pass through it: scores over a
    whole vocabulary for every piece would cost as much as half the encoder. Among several
    processes it cannot: only a call of the whole model adds up their gradients.
    """
    inner = getattr(model, "module", model)
    head = getattr(inner, "cls", None) or getattr(inner, "lm_head", None)
    whole = inner.config.model_type.startswith("deberta")
    labels = inputs["labels"]
    masked = labels != IGNORED
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    if head is None or whole or isinstance(model, DistributedDataParallel):
        scores = model(input_ids=ids, attention_mask=mask).logits[masked]
    else:
        hidden = inner.base_model(input_ids=ids, attention_mask=mask).last_hidden_state
        scores = head(hidden[masked])
    total = torch.nn.functional.cross_entropy(scores.float(), labels[masked], reduction="sum")
    return total / (masked.sum() if count is None else count)


class _Log(TrainerCallback):
    """Writes a line per measurement, and hands it on to be shown."""

    def __init__(self, path: Path, *, resumed: bool, show: Show | None) -> None:
        self._path, self._resumed, self._show = path, resumed, show
        if not resumed:
            path.write_text("", encoding="utf-8")

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Take out what is newer than the checkpoint."""
        lines = self._path.read_text(encoding="utf-8").splitlines(True)
        kept = [line for line in lines if json.loads(line)["step"] <= state.global_step]
        self._path.write_text("".join(kept), encoding="utf-8")

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Write and show a loss, or the held-out losses."""
        logs = kwargs["logs"]
        prefix = "eval_loss_"
        held_out = {key.removeprefix(prefix): value for key, value in logs.items() if prefix in key}
        if not held_out and "loss" not in logs:
            return
        progress = Progress(state.global_step, state.max_steps, logs.get("loss"), held_out or None)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(progress)) + "\n")
        if self._show is not None:
            self._show(progress)


def _arguments(config: PretrainConfig, output: Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(output / CHECKPOINTS),
        num_train_epochs=1,  # the plan holds every pass over every source
        per_device_train_batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_gradient_norm,
        adam_beta2=0.98,  # as RoBERTa, for short runs
        bf16=use_bfloat16(config.precision),
        use_cpu=not torch.cuda.is_available(),
        seed=config.seed,
        data_seed=config.seed,
        eval_strategy="steps",
        eval_steps=config.evaluate_steps,
        save_strategy="steps",
        save_steps=config.save_steps,
        save_total_limit=1,
        logging_steps=min(50, config.evaluate_steps),
        ddp_find_unused_parameters=False,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        report_to="none",
        disable_tqdm=True,
    )


def perplexity(loss: float) -> float:
    """Return the perplexity of a loss in nats."""
    return math.exp(loss)


def _write_summary(result: PretrainResult) -> None:
    content = asdict(result) | {"folder": result.folder.name}
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    (result.folder / SUMMARY_FILE).write_text(text, encoding="utf-8")
