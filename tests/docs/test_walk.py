"""The notebook runs from its first cell to its last, and shows what it printed when it ran."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from typing import Any

import pytest
from tests.docs.blocks import ROOT

NOTEBOOK = ROOT / "examples" / "walk.ipynb"


def shown(notebook: Any) -> list[str]:
    """Return the lines that the cells of code show below them."""
    lines: list[str] = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {"text/plain": output.get("text")})
            lines += "".join(data.get("text/html", data["text/plain"])).splitlines()
    return lines


def test_every_cell_of_code_was_run_in_order() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    counts = [cell["execution_count"] for cell in notebook["cells"] if "outputs" in cell]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the kernel's libraries, not of ours
def test_the_notebook_runs_and_prints_what_it_shows() -> None:
    """Another processor may round an entity away: nine in ten lines have to be the same."""
    nbformat = pytest.importorskip("nbformat", reason="needs the extra `notebook`")
    nbclient = pytest.importorskip("nbclient", reason="needs the extra `notebook`")
    pytest.importorskip("ipykernel", reason="needs the extra `notebook`")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    before = shown(notebook)
    place = {"metadata": {"path": str(NOTEBOOK.parent)}}
    nbclient.NotebookClient(notebook, timeout=300, coalesce_streams=True, resources=place).execute()
    assert SequenceMatcher(None, before, shown(notebook), autojunk=False).ratio() > 0.9
