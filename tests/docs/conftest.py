"""A stage for the pages: a folder that has what they name, made of the example notes."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from tests.docs.blocks import ROOT

from farmaner.formats.brat import read_brat, write_brat

TRAIN = ["epilepsia-focal", "fractura-cadera", "migrana-cronica", "pancreatitis-aguda"]
DEV = ["alergias-enfermeria", "bronquiolitis-lactante", "evolutivo-breve"]


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """Return a new folder: `PharmaCoNER` and `corpus` hold train and dev, `gold` both of them.

    `notes` and `notes.csv` are the texts of dev; `answer` and other names of systems are what
    somebody found in dev; `examples`, `configs` and `recipes` are the repository's own.
    """
    for name in ("benchmarks", "configs", "examples", "recipes"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "src/farmaner/models/terminology").mkdir(parents=True)
    notes = {note.id: note for note in read_brat(ROOT / "examples" / "notes")}
    train, dev = [notes[id_] for id_ in TRAIN], [notes[id_] for id_ in DEV]
    for corpus in ("PharmaCoNER", "corpus"):
        write_brat(train, tmp_path / corpus / "train")
        write_brat(dev, tmp_path / corpus / "dev")
    write_brat(train, tmp_path / "TRAIN")
    write_brat([*train, *dev], tmp_path / "gold")
    found = [note.with_entities(note.entities[1:]) for note in dev]
    for folder, documents in (("GOLD", dev), ("SYSTEM_A", found), ("SYSTEM_B", dev)):
        write_brat(documents, tmp_path / folder)
    for name in ("SYSTEM", "answer"):
        shutil.copytree(tmp_path / "SYSTEM_A", tmp_path / name)
    (tmp_path / "notes").mkdir()
    for note in dev:
        (tmp_path / "notes" / f"{note.id}.txt").write_bytes(note.text.encode())
    with (tmp_path / "notes.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text", "nhc", "nota"])
        rows.writerows([note.id, note.text, note.id, note.text] for note in dev)
    return tmp_path
