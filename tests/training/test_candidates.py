"""The list of names from which a reader decides: only what is new, with how often and where."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from farmaner.document import Document
from farmaner.formats.brat import write_brat
from farmaner.recognizer import bundled_model, load

pytestmark = [pytest.mark.train, pytest.mark.slow]

SCRIPT = Path(__file__).parents[2] / "recipes" / "bundled" / "candidates.py"


def test_names_that_neither_train_nor_the_lexicon_has_are_listed_with_their_places(
    notes: list[Document], tmp_path: Path
) -> None:
    read = notes[:6]
    found = list(load().recognize_documents(read))
    every = [entity for document in found for entity in document.entities]
    in_train, listed = every[0], every[1]
    assert in_train.text.casefold() != listed.text.casefold()
    text = f"Sin alergias. Toma {in_train.text} desde ayer."
    one = Document("t", text)
    start = text.index(in_train.text)
    entity = one.entity(in_train.label, start, start + len(in_train.text))
    write_brat([replace(one, entities=(entity,))], tmp_path / "train")
    write_brat([notes[8]], tmp_path / "dev")
    (tmp_path / "terms.txt").write_text(listed.text + "\n", encoding="utf-8")
    lines = [{"id": note.id, "source": "altas", "text": note.text} for note in [*read, notes[8]]]
    cases = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (tmp_path / "cases.jsonl").write_text(cases, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", str(SCRIPT), str(bundled_model())]
    command += ["--train", str(tmp_path / "train"), "--dev", str(tmp_path / "dev")]
    command += ["--lexicon", str(tmp_path / "terms.txt"), "--texts", str(tmp_path / "cases.jsonl")]
    done = subprocess.run(command, capture_output=True, check=True)
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    names = {name.casefold() for _, name, _, _ in rows}
    assert not names & {in_train.text.casefold(), listed.text.casefold()}
    others = {one.text.casefold() for one in every}
    assert len(names & others) > 0.6 * len(others)
    counts = [int(count) for count, *_ in rows]
    assert counts == sorted(counts, reverse=True)
    for count, name, said, place in rows:
        assert f"«{' '.join(name.split())}»" in place
        numbers = [
            part.translate({ord("+"): " ", ord("?"): " "}).split()[1] for part in said.split()
        ]
        assert sum(map(int, numbers)) == int(count)
