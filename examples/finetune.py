"""Fine-tune the bundled model on two thirds of the example notes and score it on the others.

Of the notes in the order of their names every third is held out: 14 of 42, the third, the sixth
and so on. Nothing is chosen on them; the settings below are fixed. Each step is a command that
works alike on a hospital's own notes, and is printed before it runs. No network is used.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from farmaner.cli import run
from farmaner.document import Document
from farmaner.formats.brat import read_brat, write_brat

NOTES = Path(__file__).parent / "notes"
SETTINGS = {"--epochs": "4", "--batch-size": "8", "--learning-rate": "1e-4", "--seed": "13"}


def main() -> int:
    """Split the notes, score, fine-tune, export, score again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_AsWritten)
    parser.add_argument("--output", type=Path, default=Path("runs/finetune"), metavar="FOLDER")
    parser.add_argument("--notes", type=Path, default=NOTES, metavar="FOLDER", help="brat folder")
    parser.add_argument("--epochs", default=SETTINGS["--epochs"])
    given = parser.parse_args()
    if given.output.exists():
        print(f"{given.output}: expected a new folder, found one; remove it first", file=sys.stderr)
        return 1
    os.environ["HF_HUB_OFFLINE"] = "1"
    began = time.perf_counter()
    fit, held_out = split(read_brat(given.notes))
    folders = {
        name: str(given.output / name) for name in ("fit", "held-out", "model", "before", "after")
    }
    write_brat(fit, Path(folders["fit"]))
    write_brat(held_out, Path(folders["held-out"]))
    print(f"{len(fit)} notes to fit on, {len(held_out)} held out", flush=True)
    settings = [part for pair in (SETTINGS | {"--epochs": given.epochs}).items() for part in pair]
    as_brat = ["--format", "brat", "--output"]
    fit_on = ["--encoder", "bundled", "--train", folders["fit"]]
    judged, model = folders["held-out"], folders["model"]
    commands = [
        ["annotate", judged, *as_brat, folders["before"]],
        ["train", *fit_on, "--output", model, *settings],
        ["export", model, "--texts", judged],
        ["annotate", judged, "--model", model, *as_brat, folders["after"]],
        ["evaluate", "ner", judged, folders["before"], folders["after"]],
    ]
    for command in commands:
        print(f"\n$ farmaner {shlex.join(command)}", flush=True)
        if code := run(command):
            return code
    print(f"\n{time.perf_counter() - began:.0f} s in all; the model is in {folders['model']}")
    return 0


def split(documents: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """Return the documents to fit on, and every third in the order of their ids, held out."""
    ordered = sorted(documents, key=lambda document: document.id)
    held_out = ordered[2::3]
    return [document for document in ordered if document not in held_out], held_out


class _AsWritten(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Keeps the lines of the description, and shows defaults."""


if __name__ == "__main__":
    sys.exit(main())
