"""Fine-tuning: the Trainer of transformers over our windows, judged by official document F1."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_pt_utils import LengthGroupedSampler

from farmaner.document import Document
from farmaner.encoders.folder import LEXICON_FILE, ModelSettings
from farmaner.encoders.torch import TorchEncoder
from farmaner.errors import ConfigError, CorpusError
from farmaner.evaluation.official import STRICT, NerScore, score_ner
from farmaner.formats.files import write_text
from farmaner.recognizer import Recognizer
from farmaner.tagging import IGNORED
from farmaner.text import Lexicon, read_lexicon
from farmaner.training.config import TrainingConfig
from farmaner.training.curves import draw_curves
from farmaner.training.progress import METRICS_FILE, EpochLog, ShowEpoch, ShowStep
from farmaner.training.run import (
    CHECKPOINTS,
    CONFIG_FILE,
    Collator,
    find_checkpoint,
    peak_memory_mb,
    use_bfloat16,
)
from farmaner.training.soft import SoftText, soft_windows
from farmaner.training.source import load_source
from farmaner.training.windows import Coverage, TrainingWindow, training_windows

SUMMARY_FILE = "training-summary.json"
CURVES_FILE = "learning-curve.png"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training run came to; `dev` is the score of the kept epoch, or None without dev."""

    folder: Path
    coverage: Coverage
    dev: NerScore | None
    seconds: float
    peak_memory_mb: int


class _Windows(Dataset[dict[str, torch.Tensor]]):
    def __init__(self, windows: Sequence[TrainingWindow]) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        window = self.windows[index]
        row = {
            "input_ids": torch.from_numpy(window.piece_ids),
            "labels": torch.from_numpy(window.targets),
        }
        if window.features is not None:
            row["token_type_ids"] = torch.from_numpy(window.features)
        if window.soft is not None:
            row["soft"] = torch.from_numpy(window.soft)
        return row


class _Trainer(Trainer):
    """Judges an epoch by the official score of whole documents, not by tags of windows.

    Epochs are judged in the precision of the training, for speed.
    """

    def __init__(
        self,
        judge: Recognizer,
        dev: Sequence[Document],
        windows: Sequence[TrainingWindow],
        soft_weight: float | None,
        **settings: Any,
    ) -> None:
        super().__init__(train_dataset=_Windows(windows), **settings)
        self._soft_weight = soft_weight
        if soft_weight is not None:
            self.model_accepts_loss_kwargs = False  # the loss here is a mean over its own batch
        self._judge = judge
        self._dev = dev
        self._lengths = [len(window.piece_ids) for window in windows]

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedSampler:
        return LengthGroupedSampler(
            self.args.train_batch_size * self.args.gradient_accumulation_steps,
            lengths=self._lengths,
        )

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        if self._soft_weight is None:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        read = {key: given for key, given in inputs.items() if key not in ("labels", "soft")}
        logits = model(**read).logits
        loss = mixed_loss(logits, inputs["labels"], inputs.get("soft"), self._soft_weight)
        return (loss, {"logits": logits}) if return_outputs else loss

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        counts = _score(self._judge, self._dev).micro
        metrics = {
            f"{metric_key_prefix}_precision": counts.precision,
            f"{metric_key_prefix}_recall": counts.recall,
            f"{metric_key_prefix}_f1": counts.f1,
        }
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics


def train(
    config: TrainingConfig,
    documents: Sequence[Document],
    dev: Sequence[Document] = (),
    *,
    output: Path,
    resume: bool = False,
    soft: Sequence[SoftText] = (),
    soft_weight: float = 1.0,
    show: ShowEpoch | None = None,
    show_step: ShowStep | None = None,
) -> TrainingResult:
    """Fine-tune an encoder and write the model folder `output`.

    With `dev` documents the epoch with the best official F1 (strict rules) is kept, else the
    last. Every epoch leaves a checkpoint under `output/checkpoints`, gone once training is done;
    `resume` goes on from the last one and ends with the same model as an unbroken run. `show`
    is called with each epoch's figures, `show_step` with the number of each step and of all.
    With `soft` texts the model learns from teachers too; see `mixed_loss`.

    Raises CorpusError where there is nothing to train on, ConfigError where the settings cannot
    be met or `output` is taken, ModelError where the encoder cannot be loaded, and what
    `read_lexicon` raises.
    """
    _check_job(config, documents, dev)
    checkpoint = find_checkpoint(config, output, resume)
    lexicon = read_lexicon(Path(config.lexicon)) if config.lexicon else None
    set_seed(config.seed)
    model, tokenizer, pieces = load_source(config)
    output.mkdir(parents=True, exist_ok=True)
    if lexicon is not None:
        _keep_lexicon(lexicon, output / LEXICON_FILE, resumed=checkpoint is not None)
    config.write(output / CONFIG_FILE)
    scheme = config.tagging_scheme()
    settings = ModelSettings(
        output.name,
        config.labels,
        config.scheme,
        config.max_pieces,
        pieces.special,
        context=config.context,
        lexicon=lexicon is not None,
    )
    cutter = settings.cutter(pieces, lexicon)
    windows, coverage = training_windows(documents, cutter, scheme)
    windows += soft_windows(soft, cutter, scheme)
    log = EpochLog(
        output / METRICS_FILE, resumed=checkpoint is not None, show=show, show_step=show_step
    )
    callbacks: list[Any] = [log]
    if dev and config.patience:
        callbacks.append(EarlyStoppingCallback(config.patience))
    bfloat16, budget = use_bfloat16(config.precision), config.eval_batch_pieces
    trainer = _Trainer(
        Recognizer(
            TorchEncoder(model, bfloat16=bfloat16),
            pieces,
            settings,
            lexicon=lexicon,
            max_batch_pieces=budget,
        ),
        dev,
        windows,
        soft_weight if soft else None,
        model=model,
        args=_arguments(config, output, judged=bool(dev), bfloat16=bfloat16),
        eval_dataset=_Windows([]) if dev else None,  # asked for, but judged in `evaluate`
        data_collator=Collator(pieces.special.pad),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    outcome = trainer.train(resume_from_checkpoint=checkpoint)
    trainer.save_model(str(output))
    tokenizer.save_pretrained(str(output))
    settings.write(output)
    judge = Recognizer(
        TorchEncoder(model), pieces, settings, lexicon=lexicon, max_batch_pieces=budget
    )
    score = _score(judge, dev) if dev else None
    result = TrainingResult(
        output, coverage, score, outcome.metrics["train_runtime"], peak_memory_mb()
    )
    draw_curves(output / METRICS_FILE, output / CURVES_FILE)
    _write_summary(result)  # last of all: where it stands, the training is done
    shutil.rmtree(output / CHECKPOINTS, ignore_errors=True)
    (output / "training_args.bin").unlink(missing_ok=True)
    return result


def mixed_loss(
    logits: torch.Tensor, targets: torch.Tensor, soft: torch.Tensor | None, weight: float
) -> torch.Tensor:
    """Return the cross-entropy on gold plus `weight` times the divergence from the teachers.

    `logits` and `soft` are (windows, pieces, tags), `targets` (windows, pieces). Each part is a
    mean over the pieces that have a target of its kind, and 0 where none has: cross-entropy over
    those with a tag, Kullback and Leibler's divergence over those that teachers spoke about.
    """
    logits = logits.float()
    total = logits.sum() * 0.0
    hard = targets != IGNORED
    if hard.any():
        total = total + torch.nn.functional.cross_entropy(logits[hard], targets[hard])
    if soft is not None and (spoken := soft.sum(-1) > 0).any():
        mine = torch.log_softmax(logits[spoken], dim=-1)
        theirs = soft[spoken].float()
        divergence = torch.nn.functional.kl_div(mine, theirs, reduction="batchmean")
        total = total + weight * divergence
    return total


def _score(recognizer: Recognizer, documents: Sequence[Document]) -> NerScore:
    return score_ner(documents, list(recognizer.recognize_documents(documents)), STRICT)


def _check_job(
    config: TrainingConfig, documents: Sequence[Document], dev: Sequence[Document]
) -> None:
    labels = set(config.labels)
    if not any(entity.label in labels for document in documents for entity in document.entities):
        raise CorpusError(
            f"training documents: expected entities of {', '.join(config.labels)}, found none in "
            f"{len(documents)} documents"
        )
    if config.patience and not dev:
        raise ConfigError("patience: expected dev documents to stop early on, found none")


def _keep_lexicon(lexicon: Lexicon, path: Path, *, resumed: bool) -> None:
    """Write the lexicon into the model folder; ConfigError where one of other terms is resumed."""
    if resumed and path.is_file() and Lexicon.read(path) != lexicon:
        raise ConfigError(
            f"{path}: expected the terms that the interrupted training began with, found others"
        )
    lexicon.write(path)


def _arguments(
    config: TrainingConfig, output: Path, *, judged: bool, bfloat16: bool
) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(output / CHECKPOINTS),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.accumulation,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup,  # below 1 it is a share of all steps
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_gradient_norm,
        bf16=bfloat16,
        use_cpu=not torch.cuda.is_available(),
        seed=config.seed,
        data_seed=config.seed,
        eval_strategy="epoch" if judged else "no",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=judged,
        metric_for_best_model="eval_f1" if judged else None,
        greater_is_better=True if judged else None,
        logging_strategy="epoch",
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        report_to="none",
        disable_tqdm=True,
    )


def _write_summary(result: TrainingResult) -> None:
    content = {
        "coverage": asdict(result.coverage),
        "dev": result.dev.as_dict() if result.dev else None,
        "seconds": round(result.seconds, 1),
        "peak_memory_mb": result.peak_memory_mb,
    }
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    write_text(result.folder / SUMMARY_FILE, text)
