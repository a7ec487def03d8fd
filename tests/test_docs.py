"""What these pages of docs/ show runs, and prints what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {"formats": None, "spacy": "spacy", "huggingface": "transformers"}
"""Pages of docs/, and the library without which a page cannot run."""

Blocks = list[tuple[str, str]]


@pytest.fixture(params=PAGES)
def blocks(request: pytest.FixtureRequest) -> Blocks:
    """The blocks of a page: the language after the fence, and the text."""
    if library := PAGES[request.param]:
        pytest.importorskip(library, reason=f"needs the extra for {library}")
    page = (ROOT / "docs" / f"{request.param}.md").read_text(encoding="utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to run in: the examples are there, and what is written stays there."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def printed(command: list[str], folder: Path, declared: Path) -> str:
    """Run a command with this environment's programs first; return all it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    python_path = os.pathsep.join([str(declared), *sys.path])
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path, "PYTHONPATH": python_path, "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_page_has_something_to_run_and_shows_what_it_prints(blocks: Blocks) -> None:
    languages = [language for language, _ in blocks]
    assert set(languages) <= {"console", "python", "text", "bash"}
    assert languages.count("python") == languages.count("text") > 0


def test_all_that_a_page_runs_prints_what_is_shown(
    blocks: Blocks, folder: Path, declared: Path
) -> None:
    """From top to bottom, in one folder."""
    forks = "ignore:This process"  # Python 3.12 warns of every fork of a process with threads
    for (language, code), (after, shown) in pairwise([*blocks, ("", "")]):
        if language == "python":
            command = [sys.executable, "-W", "error", "-W", forks, "-c", code]
            assert (after, printed(command, folder, declared)) == ("text", shown)
        elif language == "console":
            for step in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
                step_command, _, step_shown = step.partition("\n")
                assert printed(["bash", "-c", step_command], folder, declared) == step_shown
