"""What the documentation shows runs, and prints what it says; what is not run says why."""

from __future__ import annotations

import doctest
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.docs.blocks import BLOCKS, OWN_TESTS, PAGES, ROOT, SHELLS, Block
from typer.main import get_command

from farmaner.cli import app

NOT_RUN = {  # page: how many of its blocks are not run; each says why in a comment before it
    "CONTRIBUTING.md": 1,
    "docs/annotate.md": 1,
    "docs/benchmarks.md": 1,
    "docs/command-line.md": 2,
    "docs/distributed.md": 4,
    "docs/error-classes.md": 0,
    "docs/experiment.md": 7,
    "docs/finetune.md": 1,
    "docs/formats.md": 0,
    "docs/huggingface.md": 1,
    "docs/index.md": 1,
    "docs/linking.md": 1,
    "docs/model.md": 6,
    "docs/page.md": 1,
    "docs/privacy.md": 1,
    "docs/service.md": 5,
    "examples/README.md": 1,
    "docs/spacy.md": 0,
}
NEEDS = {
    "docs/huggingface.md": "transformers",
    "docs/spacy.md": "spacy",
}  # page: a library without which it is not run
FORKS = "ignore:This process"  # Python 3.12 warns of every fork of a process with threads
# of others; their options are not ours
PROGRAMS = {
    "cat",
    "curl",
    "cut",
    "docker",
    "echo",
    "head",
    "nohup",
    "tail",
}
RUN = [block for block in BLOCKS if not block.not_run]
RUN_PAGES = sorted(
    {block.page for block in RUN if block.language in (*SHELLS, "python")} & set(NOT_RUN)
)
"""A page that is not named above is not run: somebody looks first what its blocks would do."""


def printed(command: list[str], folder: Path, declared: Path) -> str:
    """Run a command with this environment's programs first; return all it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    python_path = os.pathsep.join([str(declared), *sys.path])
    environment = {
        "PATH": path,
        "PYTHONPATH": python_path,
        "PYTHONIOENCODING": "utf-8",
        "COLUMNS": "100",
        "HOME": str(folder),
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment | {"HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}"
    return done.stdout


def assert_printed(shown: str, output: str, place: str) -> None:
    """Compare whole outputs; `...` in what is shown stands for anything."""
    same = doctest.OutputChecker().check_output(shown, output, doctest.ELLIPSIS)
    assert same, f"{place}\nshown:\n{shown}\nprinted:\n{output}"


def write_tiny_encoder(folder: Path) -> None:
    """Write an encoder that fits in seconds; skip where training is not installed."""
    pytest.importorskip("scipy", reason="needs the extra `stats` (scipy)")
    training = pytest.importorskip("tests.training.conftest", reason="needs the extra `train`")
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "examples/notes").glob("*.txt")]
    training._write_encoder(folder, "bert", sorted(texts))


@pytest.mark.parametrize(("page", "tests"), OWN_TESTS.items())
def test_a_page_with_tests_of_its_own_is_run_by_them(page: str, tests: str) -> None:
    if not (ROOT / "docs" / page).exists():
        pytest.skip(f"there is no docs/{page}")
    assert f'"{page}"' in (ROOT / tests).read_text(encoding="utf-8")


def test_every_block_is_of_a_language_that_is_run_or_says_why_not() -> None:
    known = {*SHELLS, "json", "python", "text", "toml"}
    assert [(block.place, block.language) for block in BLOCKS if block.language not in known] == []


def test_blocks_that_are_not_run_say_why_and_are_counted() -> None:
    untouched = [f"{block.place} {block.not_run}" for block in BLOCKS if block.not_run]
    listing = "\n".join(untouched)
    print(listing)  # pytest -rP shows them
    counted = dict.fromkeys(sorted({block.page for block in BLOCKS}), 0)
    for block in BLOCKS:
        counted[block.page] += bool(block.not_run)
    assert counted == NOT_RUN, listing
    named = {name for line in untouched for name in re.findall(r"\b[\w/]+/[\w/]+\.\w+", line)}
    assert [name for name in sorted(named) if not (ROOT / name.split(":")[0]).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN_PAGES)
def test_what_a_page_shows_runs_and_prints_what_is_shown(
    page: str, stage: Path, declared: Path
) -> None:
    if library := NEEDS.get(page):
        pytest.importorskip(library, reason=f"needs {library}")
    blocks = [block for block in BLOCKS if block.page == page]
    if any("--encoder tiny" in block.as_run for block in blocks):
        write_tiny_encoder(stage / "tiny")
    for block, after in zip(blocks, [*blocks[1:], None]):
        if block.not_run:
            continue
        if block.language == "bash":
            printed(["bash", "-ec", f"set -o pipefail\n{block.as_run}wait"], stage, declared)
        elif block.language == "console":
            for step in re.split(r"^\$ ", block.as_run, flags=re.MULTILINE)[1:]:
                command, _, shown = step.partition("\n")
                output = printed(["bash", "-c", command], stage, declared)
                assert_printed(shown, output, block.place)
        elif block.language == "python":
            python = [sys.executable, "-W", "error", "-W", FORKS, "-c", block.as_run]
            output = printed(python, stage, declared)
            shown = after.text if after and after.language == "text" else ""
            assert_printed(shown, output, block.place)


def test_text_that_is_shown_is_what_the_python_before_it_prints() -> None:
    for block, after in pairwise(BLOCKS):
        if after.language == "text" and not after.not_run:
            assert (block.page, block.language) == (after.page, "python"), after.place


@pytest.mark.parametrize(
    ("block", "words"),
    [
        pytest.param(block, words, id=f"{block.place} {' '.join(words)}"[:80])
        for block in BLOCKS
        if block.language in SHELLS
        for words in block.commands()
        if words
    ],
)
def test_every_command_shown_exists_with_its_options(block: Block, words: list[str]) -> None:
    while words[0] == "nohup" or re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if words[0] in ("torchrun", "accelerate"):
        words = words[words.index("farmaner") :]
    if words[0] == "farmaner":
        parse(words)
    elif words[0] in ("python", "pytest"):
        script = (ROOT / words[1]).read_text(encoding="utf-8")
        options = [word for word in words[2:] if word.startswith("--") and word != "--"]
        own = options[: len(options) - words[2:].count("--")]  # after `--` they are the service's
        assert [option for option in own if f'"{option}"' not in script] == []
    elif words[0] == "make":
        assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    elif words[0] == "pip":
        extras = {name for word in words for name in re.findall(r"\[(.+)\]", word)}
        settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        asked = [extra for names in extras for extra in names.split(",")]
        assert [extra for extra in asked if f"\n{extra} = [" not in settings] == []
    else:
        assert words[0] in PROGRAMS or (ROOT / words[0]).exists(), block.place


def parse(words: list[str]) -> None:
    """Have the command line read a command and its options, and go no further."""
    command: Any = get_command(app)
    while hasattr(command, "commands"):
        if words[1].startswith("-"):
            assert words[1] in {name for option in command.params for name in option.opts}
            return
        command, words = command.commands[words[1]], words[1:]
    command.make_context(words[0], words[1:])


def test_every_command_in_a_sentence_exists_with_its_options() -> None:
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
        for line in re.findall(r"`farmaner ([^`]+)`", text):
            words = line.split()
            command: Any = get_command(app)
            while hasattr(command, "commands") and words and words[0] in command.commands:
                command, words = command.commands[words[0]], words[1:]
            if words and words[0] in ("COMMAND", "build|search|info"):
                continue
            known = {name for option in command.params for name in option.opts} | {"--help"}
            unknown = [word for word in words if word.startswith("-") and word not in known]
            assert unknown == [], f"{page.name}: farmaner {line}"


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.language in ("json", "toml")], ids=lambda block: block.place
)
def test_settings_shown_are_valid(block: Block, stage: Path) -> None:
    from farmaner.training.config import read_config
    from farmaner.training.plan import read_experiment
    from farmaner.training.search import read_search

    if block.language == "json":
        assert json.loads(block.text)
        return
    folder = stage / "settings"
    shutil.copytree(ROOT / "configs", folder)
    file = folder / "shown.toml"
    file.write_text(block.text, encoding="utf-8")
    read: Callable[..., object] = read_config
    if "[search]" in block.text:
        read = read_search
    elif "[[system]]" in block.text:
        read = read_experiment
    assert read(file)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!\w+:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
