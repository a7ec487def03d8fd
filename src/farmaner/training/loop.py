"""Fine-tuning: the Trainer of transformers over our windows, judged by official document F1."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import EarlyStoppingCallback, PrinterCallback, TrainingArguments, set_seed

from farmaner.document import Document
from farmaner.encoders.folder import LEXICON_FILE, ModelSettings
from farmaner.encoders.torch import TorchEncoder
from farmaner.errors import ConfigError, CorpusError
from farmaner.evaluation.official import NerScore
from farmaner.formats.files import write_text
from farmaner.recognizer import Recognizer
from farmaner.text import Lexicon
from farmaner.training.config import TrainingConfig
from farmaner.training.curves import draw_curves
from farmaner.training.processes import check_batch_size, from_first
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
from farmaner.training.source import load_own_lexicon, load_source
from farmaner.training.trainer import TaggerTrainer, Windows, score_shared
from farmaner.training.windows import Coverage, training_windows

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

    Several processes that torchrun started share the work of one: each has to call this with the
    same arguments. The first alone writes and shows; the result is the same in all.

    Raises CorpusError where there is nothing to train on, ConfigError where the settings cannot
    be met or `output` is taken, ModelError where the encoder cannot be loaded, and what
    `load_own_lexicon` raises.
    """
    _check_job(config, documents, dev)
    bfloat16, budget = use_bfloat16(config.precision), config.eval_batch_pieces
    arguments = _arguments(config, output, judged=bool(dev), bfloat16=bfloat16)
    check_batch_size(config.batch_size)
    checkpoint = from_first(lambda: find_checkpoint(config, output, resume))
    resumed = checkpoint is not None
    lexicon = load_own_lexicon(config)
    set_seed(config.seed)
    model, tokenizer, pieces = load_source(config)
    from_first(lambda: _begin_folder(config, lexicon, output, resumed=resumed))
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
    log = EpochLog(output / METRICS_FILE, resumed=resumed, show=show, show_step=show_step)
    callbacks: list[Any] = [log] if arguments.should_save else []
    if dev and config.patience:
        callbacks.append(EarlyStoppingCallback(config.patience))
    mask = tokenizer.mask_token_id
    trainer = TaggerTrainer(
        Recognizer(
            TorchEncoder(model, bfloat16=bfloat16),
            pieces,
            settings,
            lexicon=lexicon,
            max_batch_pieces=budget,
        ),
        dev,
        windows,
        soft_weight,
        (pieces.special.unk if mask is None else mask, config.mask_share),
        arguments,
        model=model,
        eval_dataset=Windows([]) if dev else None,  # asked for, but judged in `evaluate`
        data_collator=Collator(pieces.special.pad),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    torch.manual_seed(config.seed + arguments.process_index)  # each drops out other values
    outcome = trainer.train(resume_from_checkpoint=checkpoint)
    judge = Recognizer(
        TorchEncoder(model), pieces, settings, lexicon=lexicon, max_batch_pieces=budget
    )
    score = score_shared(judge, dev) if dev else None
    result = TrainingResult(
        output, coverage, score, outcome.metrics["train_runtime"], peak_memory_mb()
    )
    if not arguments.should_save:
        return result
    trainer.save_model(str(output))
    tokenizer.save_pretrained(str(output))
    settings.write(output)
    draw_curves(output / METRICS_FILE, output / CURVES_FILE)
    _write_summary(result)  # last of all: where it stands, the training is done
    shutil.rmtree(output / CHECKPOINTS, ignore_errors=True)
    (output / "training_args.bin").unlink(missing_ok=True)
    return result


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


def _begin_folder(
    config: TrainingConfig, lexicon: Lexicon | None, output: Path, *, resumed: bool
) -> None:
    """Write settings and lexicon into the model folder; ConfigError for other terms if resumed."""
    output.mkdir(parents=True, exist_ok=True)
    kept = output / LEXICON_FILE
    if resumed and lexicon is not None and kept.is_file() and Lexicon.read(kept) != lexicon:
        raise ConfigError(
            f"{kept}: expected the terms that the interrupted training began with, found others"
        )
    if lexicon is not None:
        lexicon.write(kept)
    config.write(output / CONFIG_FILE)


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
        ddp_find_unused_parameters=False,
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
