"""How much of what gold has a lexicon knows before any model reads: of labels, by kinds of terms.

    python benchmarks/lexicon.py LEXICON GOLD_FOLDER [GOLD_FOLDER ...]

For every folder and kind: how many terms begin in the texts, and how many of these begin an entity
of each label; for every label, the share of its entities at which a term begins.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from farmaner.document import Document
from farmaner.formats.brat import read_brat
from farmaner.text import Lexicon, read_lexicon, split_words

Terms = Counter[tuple[str, str | None]]
"""How many terms, by their kind and the label of the entity that begins where they do, or None."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lexicon", type=Path)
    parser.add_argument("gold", type=Path, nargs="+")
    given = parser.parse_args()
    lexicon = read_lexicon(given.lexicon)
    print(f"{given.lexicon}: {len(lexicon)} terms")
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
        words = split_words(document.text)
        for span, said in zip(words, lexicon.features(document.text, words).tolist(), strict=True):
            if said % 2:
                n_terms[lexicon.kinds[said // 2] or "term", labels.get(span.start)] += 1
    return n_entities, n_terms


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


if __name__ == "__main__":
    sys.exit(main())
