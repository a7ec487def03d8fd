"""How much of what gold has a lexicon knows before any model reads: of labels, by kinds of terms.

    python benchmarks/lexicon.py LEXICON GOLD_FOLDER [GOLD_FOLDER ...]
    python benchmarks/lexicon.py LEXICON GOLD_FOLDER --train TRAIN_FOLDER --system ANSWER_FOLDER

For every folder and kind: how many terms begin in the texts, and how many of these begin an entity
of each label; for every label, the share of its entities at which a term begins.

With a system's answers: the F1 of each label over names that train has or does not have, and at
whose first word a term of their own kind, of another, or none begins.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from farmaner.document import Document, Entity
from farmaner.evaluation.scoring import Counts
from farmaner.formats.brat import read_brat
from farmaner.text import Lexicon, read_lexicon, split_words
from farmaner.text.lexicon import fold_name

KIND_OF = {"PROTEINAS": "protein"}
"""Kinds of labels; that of all others is `chemical`."""

Terms = Counter[tuple[str, str | None]]
"""How many terms, by their kind and the label of the entity that begins where they do, or None."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lexicon", type=Path)
    parser.add_argument("gold", type=Path, nargs="+")
    parser.add_argument("--train", type=Path)
    parser.add_argument("--system", type=Path, help="answers to the one folder of gold")
    given = parser.parse_args()
    lexicon = read_lexicon(given.lexicon)
    print(f"{given.lexicon}: {len(lexicon)} terms")
    if given.system is not None:
        if given.train is None or len(given.gold) != 1:
            parser.error("--system: expected --train and one folder of gold")
        report_answers(lexicon, given.train, given.gold[0], given.system)
        return 0
    for folder in given.gold:
        report(folder, *count(lexicon, read_brat(folder)))
    return 0


def count(lexicon: Lexicon, documents: Iterable[Document]) -> tuple[Counter[str], Terms]:
    """Return how many entities each label has, and how many terms of each kind begin there."""
    n_entities: Counter[str] = Counter()
    n_terms: Terms = Counter()
    for document in documents:
        labels = {entity.start: entity.label for entity in document.entities}
        n_entities.update(labels.values())
        for start, kind in beginnings(lexicon, document.text).items():
            n_terms[kind or "term", labels.get(start)] += 1
    return n_entities, n_terms


def beginnings(lexicon: Lexicon, text: str) -> dict[int, str]:
    """Return the kind of each term in a text, by where it begins."""
    words = split_words(text)
    return {int(words.starts[first]): kind for first, _, kind in lexicon.find(text, words)}


def report(folder: Path, n_entities: Counter[str], n_terms: Terms) -> None:
    print(f"\n{folder}")
    for kind in sorted({kind for kind, _ in n_terms}):
        total = sum(n for (own, _), n in n_terms.items() if own == kind)
        print(f"  {kind}: begins {total} times")
        for label, n_of_label in sorted(n_entities.items()):
            n = n_terms[kind, label]
            print(
                f"    {label:18} {n:5}: {100 * n / total:5.1f} % of the terms, "
                f"{100 * n / n_of_label:5.1f} % of its {n_of_label} entities"
            )


def report_answers(lexicon: Lexicon, train: Path, gold: Path, system: Path) -> None:
    seen = {fold_name(entity.text) for one in read_brat(train) for entity in one.entities}
    answers = {document.id: document for document in read_brat(system)}
    wanted: Counter[tuple[str, str, str]] = Counter()
    answered: Counter[tuple[str, str, str]] = Counter()
    right: Counter[tuple[str, str, str]] = Counter()
    for document in read_brat(gold):
        known = group_by(lexicon, document.text, seen)
        keys = {entity.key for entity in document.entities}
        wanted.update(known(entity) for entity in document.entities if entity.label != "UNCLEAR")
        for entity in answers[document.id].entities:
            answered[known(entity)] += 1
            right[known(entity)] += entity.key in keys
    print(f"{'label':17} {'train':6} {'term':6} {'gold':>5} {'answers':>7} {'right':>5}     F1")
    for group in sorted({*wanted, *answered}):
        n = right[group]
        counts = Counts(n, answered[group] - n, wanted[group] - n)
        label, in_train, term = group
        print(
            f"{label:17} {in_train:6} {term:6} {wanted[group]:5} {answered[group]:7} {n:5} "
            f"{100 * counts.f1:6.2f}"
        )


def group_by(
    lexicon: Lexicon, text: str, seen: set[str]
) -> Callable[[Entity], tuple[str, str, str]]:
    """Return what says of an entity its label, whether train has it, and what term begins it."""
    begins = beginnings(lexicon, text)

    def group(entity: Entity) -> tuple[str, str, str]:
        kind = begins.get(entity.start)
        own = kind == KIND_OF.get(entity.label, "chemical")
        term = "none" if kind is None else "own" if own else "other"
        return entity.label, "seen" if fold_name(entity.text) in seen else "unseen", term

    return group


if __name__ == "__main__":
    sys.exit(main())
