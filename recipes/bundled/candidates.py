"""Names for a reader to decide: what a model finds in texts that neither train nor its lexicon has.

    python recipes/bundled/candidates.py MODEL --train PharmaCoNER/train --dev PharmaCoNER/dev \
      --lexicon recipes/bundled/lexicon.tsv --texts text/cases.jsonl.xz --odds 2 > names.tsv

Printed are, most frequent first: how often a name was found, the name, its labels with how often
each (`+`: as the model answers; `?`: only with the odds of no entity lowered by e to the power of
--odds), and one place with a few characters around. Texts that share twelve words in a row with
train or dev are left out. The output holds clinical text.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from farmaner.document import Document, Entity
from farmaner.encoders import ModelSettings, load_cutter, load_encoder
from farmaner.formats.brat import read_brat
from farmaner.tagging import OUTSIDE
from farmaner.text import read_lexicon, split_words
from farmaner.text.lexicon import fold_name
from farmaner.training.config import TrainingConfig
from farmaner.training.distill import Distillation, DistillConfig, unlabelled_texts
from farmaner.training.soft import as_document, label_texts, read_answers, text_key


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--dev", type=Path, required=True)
    parser.add_argument("--lexicon", type=Path, required=True)
    parser.add_argument("--texts", type=Path, nargs="+", required=True)
    parser.add_argument("--odds", type=float, default=2.0)
    given = parser.parse_args()
    known = {fold_name(entity.text) for one in read_brat(given.train) for entity in one.entities}
    lexicon = read_lexicon(given.lexicon)
    scheme = ModelSettings.read(given.model).tagging_scheme()
    labels: defaultdict[str, Counter[str]] = defaultdict(Counter)
    names: dict[str, str] = {}
    places: dict[str, str] = {}
    for text, answer in answers(given):
        words = split_words(text)
        listed = {int(words.starts[first]) for first, _, _ in lexicon.find(text, words)}
        sure = {entity.key for entity in as_document(Document("", text), answer, scheme).entities}
        nearer = answer.astype(np.float32)
        nearer[:, scheme.number(OUTSIDE)] *= np.exp(-given.odds)
        for entity in as_document(Document("", text), nearer.astype(np.float16), scheme).entities:
            name = fold_name(entity.text)
            if name in known or entity.start in listed:
                continue
            labels[name][entity.label + ("+" if entity.key in sure else "?")] += 1
            names.setdefault(name, entity.text)
            places.setdefault(name, around(text, entity))
    for name, counts in sorted(labels.items(), key=lambda item: (-item[1].total(), item[0])):
        said = " ".join(f"{label}{n}" for label, n in counts.most_common())
        print(counts.total(), names[name], said, places[name], sep="\t")
    return 0


def answers(given: argparse.Namespace) -> list[tuple[str, np.ndarray]]:
    """Return the texts with the model's probabilities of their words' tags."""
    job = Distillation(
        DistillConfig(),
        (TrainingConfig(encoder=str(given.model)),),
        (),
        (given.train,),
        tuple(given.texts),
        kept_out=given.dev,
    )
    texts = list(dict.fromkeys(unlabelled_texts(job)))
    settings = ModelSettings.read(given.model)
    encoder, cutter = load_encoder(given.model)[0], load_cutter(given.model, settings)
    with tempfile.TemporaryDirectory() as folder:
        label_texts(texts, encoder, cutter, Path(folder), max_batch_pieces=16_384)
        said = read_answers(Path(folder))
    return [(text, said[text_key(text)]) for text in texts if len(said[text_key(text)])]


def around(text: str, entity: Entity) -> str:
    before, after = text[max(0, entity.start - 25) : entity.start], text[entity.end :][:20]
    return " ".join(f"{before}«{entity.text}»{after}".split())


if __name__ == "__main__":
    sys.exit(main())
