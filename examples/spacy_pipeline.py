"""Put farmaner into a spaCy pipeline, beside a rule of spaCy's own, and read the example notes.

The ruler marks amounts; farmaner leaves its entities alone. Printed are the substances that most
often stand before an amount, with their codes.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import spacy

NOTES = Path(__file__).parent / "notes"
AMOUNT = [{"LIKE_NUM": True}, {"LOWER": {"IN": ["mg", "mcg", "g", "ui"]}}]


def main() -> None:
    """Read the notes in batches and count substances with an amount."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--notes", type=Path, default=NOTES, metavar="FOLDER", help="of .txt")
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    nlp = spacy.blank("es")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "CANTIDAD", "pattern": AMOUNT}])
    nlp.add_pipe("farmaner", config={"link": True, "threads": 1})
    texts = (path.read_bytes().decode("utf-8") for path in sorted(given.notes.glob("*.txt")))
    measured: Counter[tuple[str, str]] = Counter()
    widened = 0
    for doc in nlp.pipe(texts, batch_size=16, n_process=given.processes):
        widened += doc._.farmaner_counts["n_widened"]
        for entity, amount in zip(doc.ents, doc.ents[1:]):
            if entity.kb_id_ and amount.label_ == "CANTIDAD" and amount.start == entity.end:
                measured[entity.text.casefold(), entity.kb_id_] += 1
    for (name, code), n in sorted(measured.items(), key=lambda item: (-item[1], item[0]))[:5]:
        print(f"{n:3} {name:<16} {code}")
    print(f"{widened} entities begin or end inside a token of spaCy")


if __name__ == "__main__":
    main()
