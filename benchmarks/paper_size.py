"""Whether the paper's presets run at full size, how long a step takes, and what memory it wants.

    python benchmarks/paper_size.py [--config configs/paper-mbert.toml] [--precision auto]

A randomly initialised BERT of the paper's size (12 layers, hidden size 768, 119,547 pieces, as
bert-base-multilingual-cased) stands in for the preset's encoder; its tokenizer is trained on the
example notes. It is trained on them at the preset's batch size, judged on some, exported
and set to annotate. Its answers mean nothing. Uses a GPU where there is one; wants 12 GB
of memory and 3 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

import farmaner
from farmaner.document import Document
from farmaner.formats.brat import read_brat
from farmaner.training.config import TrainingConfig, read_config
from farmaner.training.export import export
from farmaner.training.loop import _use_bfloat16, train

ROOT = Path(__file__).resolve().parents[1]
VOCABULARY_SIZE = 119_547
N_DEV = 4
N_TIMES = 3  # how often the notes are seen, for enough steps to time
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "paper-mbert.toml")
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"])
    given = parser.parse_args()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    notes = read_brat(ROOT / "examples" / "notes")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_encoder(folder / "encoder", notes)
        config = read_config(
            given.config, encoder=str(folder / "encoder"), precision=given.precision
        )
        report_training(replace(config, epochs=1), notes, folder / "model")
        report_export(folder / "model", notes[:N_DEV])
        report_annotating(folder / "model", notes)
    return 0


def write_encoder(folder: Path, notes: list[Document]) -> None:
    """Write a random encoder of the paper's size, with a tokenizer of the notes' words."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=SPECIAL[1]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=2_000, special_tokens=SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator([note.text for note in notes], trainer)
    pad, unk, cls, sep, mask = SPECIAL
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=pad,
        unk_token=unk,
        cls_token=cls,
        sep_token=sep,
        mask_token=mask,
    ).save_pretrained(folder)
    torch.manual_seed(5)
    model = BertModel(BertConfig(vocab_size=VOCABULARY_SIZE))
    model.save_pretrained(folder)
    print(
        f"encoder: {sum(part.numel() for part in model.parameters()) / 1e6:.1f} M parameters, "
        f"{model.config.num_hidden_layers} x {model.config.hidden_size}"
    )


def report_training(config: TrainingConfig, notes: list[Document], output: Path) -> None:
    ends = [(time.perf_counter(), time.process_time())]
    result = train(
        config,
        notes * N_TIMES,
        notes[:N_DEV],
        output=output,
        show_step=lambda *_: ends.append((time.perf_counter(), time.process_time())),
    )
    # The first step warms up. Of wall clock and of all cores' work, by the process alone:
    walls, works = (
        [end[clock] - start[clock] for start, end in pairwise(ends[1:])] for clock in (0, 1)
    )
    device = (
        torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    )
    precision = "bfloat16" if _use_bfloat16(config) else "float32"
    print(
        f"training: batches of {config.batch_size} windows of up to {config.max_pieces} pieces, "
        f"{precision}, {device}: median {statistics.median(walls):.2f} s a step over "
        f"{len(walls)} steps ({min(walls):.2f} to {max(walls):.2f}), "
        f"{statistics.median(works):.2f} s of CPU time; peak memory {result.peak_memory_mb} MB"
    )
    print(f"evaluation: {N_DEV} documents judged, F1 {100 * result.dev.micro.f1:.2f}")


def report_export(model: Path, notes: list[Document]) -> None:
    began = time.perf_counter()
    result = export(model, notes)
    print(
        f"export: {time.perf_counter() - began:.0f} s; float32 logits differ from torch's by at "
        f"most {result.largest_difference:.1e}"
    )
    for comparison in result.comparisons:
        print(
            f"  {comparison.backend}: {comparison.size_mb:.1f} MB, {comparison.n_different} "
            f"entities differ from torch's in {comparison.n_documents} documents"
        )


def report_annotating(model: Path, notes: list[Document]) -> None:
    recognizer = farmaner.load(model)
    began = time.perf_counter()
    found = list(recognizer.recognize_documents(notes))
    seconds = time.perf_counter() - began
    print(
        f"annotating: {len(found)} documents by {recognizer.backend} in {seconds:.1f} s, "
        f"{len(found) / seconds:.1f} documents/s"
    )


if __name__ == "__main__":
    sys.exit(main())
