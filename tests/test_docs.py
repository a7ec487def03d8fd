"""What docs/formats.md shows runs, and prints what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to run in: the examples are there, and what is written stays there."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def printed(command: list[str], folder: Path) -> str:
    """Run a command with this environment's programs first; return all it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path, "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_page_has_something_to_run() -> None:
    assert [language for language, _ in BLOCKS] == ["console", "python", "text"]


def test_a_session_of_the_page_prints_what_is_shown(folder: Path) -> None:
    for session in (text for language, text in BLOCKS if language == "console"):
        for step in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
            command, _, shown = step.partition("\n")
            assert printed(["bash", "-c", command], folder) == shown
    assert (folder / "notes.jsonl").exists()


def test_python_of_the_page_prints_what_is_shown(folder: Path) -> None:
    for (language, code), (_, shown) in pairwise(BLOCKS):
        if language == "python":
            assert printed([sys.executable, "-W", "error", "-c", code], folder) == shown
