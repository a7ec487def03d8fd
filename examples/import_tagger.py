"""Take over a tagger that was trained elsewhere: give its tags our names and annotate with it.

There being no network, the tagger is made here: the bundled model's, under other names, with the
rows of its classifier in another order. What was imported finds what the bundled model finds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from farmaner.cli import run
from farmaner.formats.brat import read_brat
from farmaner.recognizer import load

NOTES = Path(__file__).parent / "notes"
THEIRS = {"NORMALIZABLES": "DRUG", "NO_NORMALIZABLES": "OTHER", "PROTEINAS": "GENE"}


def main() -> int:
    """Make a tagger of others, import it, and compare what it finds with the bundled model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("runs/import"), metavar="FOLDER")
    parser.add_argument("--notes", type=int, default=6, metavar="N")
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    checkpoint, model = given.output / "theirs", given.output / "ours"
    write_tagger(checkpoint)
    names = [f"--label={theirs}={ours}" for ours, theirs in THEIRS.items()]
    windows = ["--max-pieces", str(load().settings.max_pieces)]
    if code := run(["import", str(checkpoint), "--output", str(model), *windows, *names]):
        return code
    imported, bundled = load(model), load()
    n_found = n_same = 0
    for note in read_brat(NOTES)[: given.notes]:
        found, expected = (
            {entity.key for entity in recognizer.recognize(note.text).entities}
            for recognizer in (imported, bundled)
        )
        n_found += len(expected)
        n_same += len(found & expected)
    print(f"{n_same} of {n_found} entities of the bundled model are found by the imported one")
    return 0


def write_tagger(folder: Path) -> None:
    """Write the bundled model as somebody else would have it: torch weights, other tags."""
    import torch
    from transformers import AutoConfig, AutoModelForTokenClassification

    from farmaner.recognizer import bundled_model
    from farmaner.training.readback import read_model, read_tokenizer

    source = bundled_model()
    config = AutoConfig.from_pretrained(source)
    tagger = read_model(AutoModelForTokenClassification, source, config)
    with torch.no_grad():
        for parameter in tagger.classifier.parameters():
            parameter.copy_(parameter.flip(0))
    tags = [config.id2label[number] for number in reversed(range(config.num_labels))]
    renamed = [f"{tag[:2]}{THEIRS[tag[2:]]}" if len(tag) > 1 else tag for tag in tags]
    tagger.config.id2label = dict(enumerate(renamed))
    tagger.config.label2id = {tag: number for number, tag in enumerate(renamed)}
    tagger.save_pretrained(folder)
    shutil.copy(source / "lexicon.txt", folder)
    read_tokenizer(source).save_pretrained(folder)


if __name__ == "__main__":
    sys.exit(main())
