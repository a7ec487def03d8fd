"""What the model card says of the bundled model, measured: dev scores, drift, speed, memory.

    python benchmarks/bundled_model.py [--model DIR] [--backend auto] [DEV_FOLDER]

DEV_FOLDER is the dev split of PharmaCoNER in brat format (default: pharmaconer/dev under
FARMANER_SHARED, or under ../shared). Only scores of a model that never saw dev mean anything.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path

import farmaner
from farmaner.document import Document
from farmaner.evaluation.official import score_ner
from farmaner.formats.brat import read_brat

SHARED = Path(os.environ.get("FARMANER_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dev", nargs="?", type=Path, default=SHARED / "pharmaconer" / "dev")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--backend", default="auto")
    given = parser.parse_args()
    if not given.dev.is_dir():
        print(f"{given.dev}: expected the dev split of PharmaCoNER, found no such folder")
        return 1
    gold = read_brat(given.dev)
    recognizer = farmaner.load(given.model, backend=given.backend)
    recognizer.recognize("Niega alergia a penicilina.")  # warm

    began = time.perf_counter()
    found = list(recognizer.recognize_documents(gold))
    seconds = time.perf_counter() - began
    report_scores(recognizer, gold, found)
    n_characters = sum(len(document.text) for document in gold)
    print(
        f"speed: {len(gold) / seconds:.1f} documents/s, {n_characters / seconds:.0f} characters/s "
        f"on {os.cpu_count()} cores; peak memory "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
    )
    report_drift(recognizer, gold, found)
    return 0


def report_scores(
    recognizer: farmaner.Recognizer, gold: list[Document], found: list[Document]
) -> None:
    score = score_ner(gold, found)
    print(f"model {recognizer.settings.name}, backend {recognizer.backend}, strict rules")
    rows = {**score.by_label, "all": score.micro}
    for label, counts in rows.items():
        print(
            f"{label:18} P {100 * counts.precision:6.2f} R {100 * counts.recall:6.2f} "
            f"F1 {100 * counts.f1:6.2f}  TP {counts.true_positives} "
            f"FP {counts.false_positives} FN {counts.false_negatives}"
        )


def report_drift(
    recognizer: farmaner.Recognizer, gold: list[Document], found: list[Document]
) -> None:
    """Count the entities that depend on which documents share a batch."""
    alone = [next(recognizer.recognize_documents([document])) for document in gold]
    differing = [
        {entity.key for entity in a.entities} ^ {entity.key for entity in b.entities}
        for a, b in zip(alone, found, strict=True)
    ]
    print(
        f"batch drift: {sum(map(len, differing))} entities of "
        f"{sum(len(document.entities) for document in found)} differ in "
        f"{sum(map(bool, differing))} documents between alone and batched"
    )


if __name__ == "__main__":
    sys.exit(main())
