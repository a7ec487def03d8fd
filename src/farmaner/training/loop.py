"""Fine-tuning: the Trainer of transformers over our windows, judged by official document F1."""

from __future__ import annotations

import json
import resource
import shutil
import sys
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
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_pt_utils import LengthGroupedSampler

from farmaner.document import Document
from farmaner.encoders.folder import ModelSettings
from farmaner.encoders.torch import TorchEncoder
from farmaner.errors import ConfigError, CorpusError
from farmaner.evaluation.official import STRICT, NerScore, score_ner
from farmaner.formats.files import write_text
from farmaner.recognizer import Recognizer
from farmaner.tagging import IGNORED
from farmaner.text import PieceTokenizer
from farmaner.training.config import TrainingConfig
from farmaner.training.curves import draw_curves
from farmaner.training.progress import METRICS_FILE, EpochLog, ShowEpoch, ShowStep
from farmaner.training.source import load_source
from farmaner.training.windows import Coverage, TrainingWindow, training_windows

CONFIG_FILE = "training.json"
SUMMARY_FILE = "training-summary.json"
CURVES_FILE = "learning-curve.png"
CHECKPOINTS = "checkpoints"


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
        return {
            "input_ids": torch.from_numpy(window.piece_ids),
            "labels": torch.from_numpy(window.targets),
        }


class _Trainer(Trainer):
    """Judges an epoch by the official score of whole documents, not by tags of windows.

    Epochs are judged in the precision of the training, for speed.
    """

    def __init__(
        self,
        judge: Recognizer,
        dev: Sequence[Document],
        windows: Sequence[TrainingWindow],
        **settings: Any,
    ) -> None:
        super().__init__(train_dataset=_Windows(windows), **settings)
        self._judge = judge
        self._dev = dev
        self._lengths = [len(window.piece_ids) for window in windows]

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedSampler:
        return LengthGroupedSampler(
            self.args.train_batch_size * self.args.gradient_accumulation_steps,
            lengths=self._lengths,
        )

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
    show: ShowEpoch | None = None,
    show_step: ShowStep | None = None,
) -> TrainingResult:
    """Fine-tune an encoder and write the model folder `output`.

    With `dev` documents the epoch with the best official F1 (strict rules) is kept, else the
    last. Every epoch leaves a checkpoint under `output/checkpoints`, gone once training is done;
    `resume` goes on from the last one and ends with the same model as an unbroken run. `show`
    is called with each epoch's figures, `show_step` with the number of each step and of all.

    Raises CorpusError where there is nothing to train on, ConfigError where the settings cannot
    be met or `output` is taken, ModelError where the encoder cannot be loaded.
    """
    _check_job(config, documents, dev)
    checkpoint = _checkpoint_of(config, output, resume)
    set_seed(config.seed)
    model, tokenizer, pieces = load_source(config)
    output.mkdir(parents=True, exist_ok=True)
    config.write(output / CONFIG_FILE)
    scheme = config.tagging_scheme()
    windows, coverage = training_windows(documents, pieces, scheme, max_pieces=config.max_pieces)
    settings = ModelSettings(
        output.name, config.labels, config.scheme, config.max_pieces, pieces.special
    )
    log = EpochLog(
        output / METRICS_FILE, resumed=checkpoint is not None, show=show, show_step=show_step
    )
    callbacks: list[Any] = [log]
    if dev and config.patience:
        callbacks.append(EarlyStoppingCallback(config.patience))
    bfloat16, budget = _use_bfloat16(config), config.eval_batch_pieces
    trainer = _Trainer(
        Recognizer(
            TorchEncoder(model, bfloat16=bfloat16), pieces, settings, max_batch_pieces=budget
        ),
        dev,
        windows,
        model=model,
        args=_arguments(config, output, judged=bool(dev), bfloat16=bfloat16),
        eval_dataset=_Windows([]) if dev else None,  # asked for, but judged in `evaluate`
        data_collator=_Collator(pieces),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    outcome = trainer.train(resume_from_checkpoint=checkpoint)
    trainer.save_model(str(output))
    tokenizer.save_pretrained(str(output))
    settings.write(output)
    judge = Recognizer(TorchEncoder(model), pieces, settings, max_batch_pieces=budget)
    score = _score(judge, dev) if dev else None
    result = TrainingResult(
        output, coverage, score, outcome.metrics["train_runtime"], _peak_memory_mb()
    )
    draw_curves(output / METRICS_FILE, output / CURVES_FILE)
    _write_summary(result)  # last of all: where it stands, the training is done
    shutil.rmtree(output / CHECKPOINTS, ignore_errors=True)
    (output / "training_args.bin").unlink(missing_ok=True)
    return result


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


def _checkpoint_of(config: TrainingConfig, output: Path, resume: bool) -> str | None:
    """Return the checkpoint to go on from, None for a fresh start; ConfigError if neither fits."""
    checkpoints = sorted(
        filter(_is_whole, (output / CHECKPOINTS).glob("checkpoint-*")),
        key=lambda path: int(path.name.split("-")[1]),
    )
    if output.exists() and any(output.iterdir()) and not resume:
        hint = "; --resume goes on with it" if checkpoints else ""
        raise ConfigError(f"{output}: expected a new or empty folder, found files in it{hint}")
    record = output / CONFIG_FILE
    if resume and checkpoints:
        begun = json.loads(record.read_text(encoding="utf-8"))
        if begun != json.loads(json.dumps(asdict(config))):
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


def _use_bfloat16(config: TrainingConfig) -> bool:
    """Whether to compute in bfloat16: where asked, or where the hardware multiplies in it."""
    if config.precision != "auto":
        return config.precision == "bfloat16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return any(
        getattr(torch.cpu, probe, lambda: False)()
        for probe in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )


class _Collator:
    """Pads windows to the longest of their batch."""

    def __init__(self, pieces: PieceTokenizer) -> None:
        self._pad = pieces.special.pad

    def __call__(self, rows: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        pad = torch.nn.utils.rnn.pad_sequence
        ids = [row["input_ids"] for row in rows]
        targets = [row["labels"] for row in rows]
        return {
            "input_ids": pad(ids, batch_first=True, padding_value=self._pad),
            "attention_mask": pad([torch.ones_like(row) for row in ids], batch_first=True),
            "labels": pad(targets, batch_first=True, padding_value=IGNORED),
        }


def _peak_memory_mb() -> int:
    """Return the most memory that this process has held, on the GPU where there is one."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated() // 2**20)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 2**20 if sys.platform == "darwin" else peak // 2**10


def _write_summary(result: TrainingResult) -> None:
    content = {
        "coverage": asdict(result.coverage),
        "dev": result.dev.as_dict() if result.dev else None,
        "seconds": round(result.seconds, 1),
        "peak_memory_mb": result.peak_memory_mb,
    }
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    write_text(result.folder / SUMMARY_FILE, text)
