"""How well codes are found, step by step, with a terminology of the train split alone.

    python benchmarks/linking.py --train TRAIN --dev DEV [--system BRAT] [--json FILE]
    python benchmarks/linking.py --train TRAIN --cross-validate

Prints P, R and F1 of subtrack 2 (strict rules) on gold spans after each step and for each table
of synonyms left out, the ceiling that the terminology's codes set, the abstention curve, the
classes of errors, and the time a document takes; with --system, the same linker on the entities
of a brat folder of predictions; with --annotate N, what linking adds to the processor time of
annotating N documents with what comes with farmaner. Cross-validation links each train document
by the others alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import farmaner
from farmaner.document import Document
from farmaner.evaluation import STRICT, Counts, score_indexing, sum_counts
from farmaner.evaluation.code_analysis import analyze_codes
from farmaner.formats.brat import read_brat
from farmaner.linking import STEPS, Linker, Terminology
from farmaner.linking.build import build_terminology, load_terminology
from farmaner.linking.linker import UNSCORED_LABELS
from farmaner.linking.synonyms import bundled_synonyms

THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9, 0.95)

Split = tuple[Terminology, list[Document]]


def linked_counts(splits: Sequence[Split], **options: Any) -> Counts:
    return sum_counts(
        score_indexing(documents, list(Linker(terms, **options).link_documents(documents))).micro
        for terms, documents in splits
    )


def ceiling(splits: Sequence[Split]) -> Counts:
    """Return the score of a linker that gives every gold code that the terminology holds."""
    counts = []
    for terms, documents in splits:
        codes = {terms.code(index) for index in range(len(terms))}
        best = [
            document.with_entities(
                replace(entity, concept=None)
                if entity.concept is None
                or entity.concept.code not in codes
                or entity.label in UNSCORED_LABELS
                else entity
                for entity in document.entities
            )
            for document in documents
        ]
        counts.append(score_indexing(documents, best, STRICT).micro)
    return sum_counts(counts)


def show(name: str, counts: Counts) -> dict[str, Any]:
    figures = [100 * value for value in (counts.precision, counts.recall, counts.f1)]
    numbers = (counts.true_positives, counts.false_positives, counts.false_negatives)
    print(
        f"{name:34} P {figures[0]:6.2f}  R {figures[1]:6.2f}  F1 {figures[2]:6.2f}"
        f"   TP {numbers[0]:5d}  FP {numbers[1]:4d}  FN {numbers[2]:5d}",
        flush=True,
    )
    return {"name": name, "p_r_f1": figures, "tp_fp_fn": numbers}


def seconds_per_document(terms: Terminology, documents: Sequence[Document]) -> float:
    linker = Linker(terms)
    start = time.perf_counter()
    for document in documents:
        linker.link(document)
    return (time.perf_counter() - start) / len(documents)


def share_of_annotating(documents: Sequence[Document], n_rounds: int = 3) -> list[float]:
    """Print the processor time of linking after that of annotating, round by round, in percent."""
    recognizer, linker = farmaner.load(), Linker(load_terminology())
    shares = []
    for _ in range(n_rounds):
        start = time.process_time()
        annotated = list(recognizer.recognize_documents(documents))
        between = time.process_time()
        linked = list(linker.link_documents(annotated))
        end = time.process_time()
        annotating, linking = (1000 * t / len(linked) for t in (between - start, end - between))
        shares.append(100 * linking / annotating)
        cost = f"annotating {annotating:.0f} ms, linking {linking:.2f} ms"
        print(f"processor time a document: {cost}, {shares[-1]:.2f} %", flush=True)
    return shares


def splits_of(train: list[Document], dev: list[Document] | None, n_folds: int = 10) -> list[Split]:
    if dev is not None:
        return [(build_terminology(train), dev)]
    return [
        (
            build_terminology([d for i, d in enumerate(train) if i % n_folds != fold]),
            train[fold::n_folds],
        )
        for fold in range(n_folds)
    ]


def tables_left_out(train: list[Document], dev: list[Document]) -> list[dict[str, Any]]:
    groups = bundled_synonyms()
    rows = []
    for table in sorted({group.table for group in groups}):
        kept = [group for group in groups if group.table != table]
        rows.append(
            show(
                f"  without table {table}",
                linked_counts([(build_terminology(train, synonyms=kept), dev)]),
            )
        )
    rows.append(
        show("  without any table", linked_counts([(build_terminology(train, synonyms=()), dev)]))
    )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--dev", type=Path)
    parser.add_argument("--system", type=Path, help="brat folder of predictions on dev")
    parser.add_argument("--cross-validate", action="store_true")
    parser.add_argument("--annotate", type=int, metavar="N")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if (options.dev is None) != options.cross_validate:
        parser.error("give --dev DIR or --cross-validate")
    train = read_brat(options.train)
    dev = read_brat(options.dev) if options.dev else None
    report: dict[str, Any] = {}
    if options.annotate:
        report["share"] = share_of_annotating((dev or train)[: options.annotate])
    splits = splits_of(train, dev)
    print("Gold spans, steps added one by one")
    report["steps"] = [
        show(STEPS[n - 1], linked_counts(splits, steps=STEPS[:n])) for n in range(1, len(STEPS) + 1)
    ]
    report["ceiling"] = show("ceiling of the codes known", ceiling(splits))
    print("Gold spans, abstention: codes below the threshold are withheld")
    report["curve"] = [
        show(f"threshold {threshold:.2f}", linked_counts(splits, threshold=threshold))
        for threshold in THRESHOLDS
    ]
    thresholds = sorted({Linker(terms).threshold for terms, _ in splits})
    print(f"thresholds tuned on train: {', '.join(map(str, thresholds))}")
    if dev is not None:
        report |= on_dev(splits[0][0], train, dev, options.system)
    if options.json:
        options.json.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n")


def on_dev(
    terms: Terminology, train: list[Document], dev: list[Document], system: Path | None
) -> dict[str, Any]:
    report: dict[str, Any] = {}
    print("Gold spans, tables of synonyms left out one by one")
    report["tables"] = tables_left_out(train, dev)
    linker = Linker(terms)
    report["errors on gold spans"] = errors(dev, linker.link_documents(dev), train)
    report["ms_per_document"] = 1000 * seconds_per_document(terms, dev)
    print(f"linking takes {report['ms_per_document']:.3f} ms a document")
    if system is not None:
        found = read_brat(system)
        linked = list(linker.link_documents(found))
        report["end to end"] = show("end to end", score_indexing(dev, linked, STRICT).micro)
        report["errors end to end"] = errors(dev, linked, train)
    return report


def errors(
    dev: list[Document], linked: Iterable[Document], train: list[Document]
) -> dict[str, Any]:
    """Print the classes of errors, and what train knew of the names; see docs/error-classes.md."""
    found = analyze_codes(dev, linked, train=train)
    report: dict[str, Any] = {"classes": {}, "surface": {}}
    for name, counts in found.classes.items():
        report["classes"][name] = asdict(counts)
        cost = f"FN {counts.false_negatives:4d}  FP {counts.false_positives:4d}"
        print(f"  {name:28} errors {counts.n_errors:4d}  {cost}")
    for group, of in found.splits["surface"].items():
        report["surface"][group] = show(f"  {group}", of)
    return report


if __name__ == "__main__":
    main()
