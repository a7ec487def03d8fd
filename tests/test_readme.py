"""What the README shows runs, and prints what the README says."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from farmaner.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """A fenced block: the language after its fence, its text, the line of its fence."""

    language: str
    text: str
    line: int


BLOCKS = [
    Block(match[1], match[2], README.count("\n", 0, match.start()) + 1)
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
]
PYTHON = [
    pytest.param(block.text, after.text if after.language == "text" else None, id=f"{block.line}")
    for block, after in zip(BLOCKS, [*BLOCKS[1:], Block("", "", 0)])
    if block.language == "python"
]
CONSOLE = [
    pytest.param(block.text, id=f"{block.line}") for block in BLOCKS if block.language == "console"
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to run in: the examples are there, and what is written stays there."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def output_of(command: list[str], folder: Path) -> str:
    """Run a command with this environment's programs first; return its stdout."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_printed(printed: str, shown: str) -> None:
    """Compare whole outputs; `...` in what is shown stands for anything."""
    same = doctest.OutputChecker().check_output(shown, printed, doctest.ELLIPSIS)
    assert same, f"shown:\n{shown}\nprinted:\n{printed}"


def test_the_readme_has_blocks_of_both_kinds_to_run() -> None:
    assert len(PYTHON) >= 2
    assert len(CONSOLE) >= 2


@pytest.mark.parametrize(("code", "shown"), PYTHON)
def test_python_in_the_readme_prints_what_is_shown(
    code: str, shown: str | None, folder: Path
) -> None:
    printed = output_of([sys.executable, "-W", "error", "-c", code], folder)
    if shown is not None:
        assert_printed(printed, shown)
    assert printed


@pytest.mark.parametrize("session", CONSOLE)
def test_a_console_session_in_the_readme_prints_what_is_shown(session: str, folder: Path) -> None:
    for step in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        assert_printed(output_of(["bash", "-c", f"set -o pipefail; {command}"], folder), shown)


def commands() -> list[str]:
    """Return every `farmaner` command line of the README, continued lines joined."""
    text = "\n".join(block.text for block in BLOCKS).replace("\\\n", " ")
    return re.findall(r"(?:^|\| )\$? ?(farmaner [^\n|]+)", text, re.MULTILINE)


def test_the_readme_shows_every_command() -> None:
    shown = {command.split()[1] for command in commands()}
    assert shown == set(getattr(get_command(app), "commands"))  # noqa: B009  no type has it


@pytest.mark.parametrize("command", commands())
def test_every_option_in_a_command_of_the_readme_exists(command: str) -> None:
    words = command.split()[1:]
    groups = {"corpus", "evaluate"}
    named = words[:2] if words[0] in groups else words[:1]

    help_text = CliRunner().invoke(app, [*named, "--help"], env={"COLUMNS": "200"}).output

    assert [word for word in words if word.startswith("--") and word not in help_text] == []


def test_every_relative_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
