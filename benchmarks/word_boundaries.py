"""How many entities can be expressed at all, by what is taken for a word.

    python benchmarks/word_boundaries.py [FOLDER...]

Prints the table behind the words of `farmaner.text.words`: for each folder (default: the train
and dev folders of the task's material) and each way to cut words, the entity boundaries that do
not fall on a word boundary, and the entities with such a boundary. Offsets that disagree with
their surface column are realigned first, as training does; entities of every label count.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from farmaner import Document, FarmanerError
from farmaner.formats.brat import read_alignments
from farmaner.text import split_words

Bounds = list[tuple[int, int]]

SPLITTERS: dict[str, Callable[[str], Bounds]] = {
    "white space": lambda text: _matches(r"\S+", text),
    "signs split off at the ends": lambda text: _matches(r"\w(?:\S*\w)?|[^\w\s]", text),
    "every sign alone": lambda text: _matches(r"\w+|[^\w\s]", text),
    "farmaner": lambda text: split_words(text).pairs(),
}


def _matches(pattern: str, text: str) -> Bounds:
    return [match.span() for match in re.finditer(pattern, text)]


def lost(documents: Iterable[Document], split: Callable[[str], Bounds]) -> tuple[int, int]:
    """Return how many entity boundaries, and how many entities, miss the word boundaries."""
    n_boundaries = n_entities = 0
    for document in documents:
        words = split(document.text)
        starts, ends = {start for start, _ in words}, {end for _, end in words}
        for entity in document.entities:
            missed = (entity.start not in starts) + (entity.end not in ends)
            n_boundaries += missed
            n_entities += missed > 0
    return n_boundaries, n_entities


def report(folder: Path) -> None:
    """Print one folder's rows."""
    alignments = read_alignments(folder)
    documents = [alignment.document for alignment in alignments]
    n_realigned = sum(len(alignment.realigned) for alignment in alignments)
    n_entities = sum(len(document.entities) for document in documents)
    print(f"{folder.name}: {n_entities} entities in {len(documents)} documents", end="")
    print(f", {n_realigned} realigned" if n_realigned else "")
    for name, split in SPLITTERS.items():
        boundaries, entities = lost(documents, split)
        print(
            f"  {name:27} boundaries lost {boundaries:5} ({boundaries / (2 * n_entities):6.2%})"
            f"   entities lost {entities:5} ({entities / n_entities:6.2%})"
        )


def main() -> int:
    """Report on every folder; 1 where there is none."""
    beside_the_repository = Path(__file__).resolve().parents[2] / "shared"
    shared = Path(os.environ.get("FARMANER_SHARED", beside_the_repository)) / "pharmaconer"
    folders = [Path(name) for name in sys.argv[1:]] or [shared / "train", shared / "dev"]
    try:
        for folder in folders:
            report(folder)
    except FarmanerError as error:
        print(f"{error}; set FARMANER_SHARED to the task's material", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
