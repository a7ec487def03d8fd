"""Every page of help reads like a manual's, and what it says of the command is so."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib import metadata
from itertools import pairwise
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from farmaner.cli import app, run
from farmaner.cli.manual import WIDEST
from farmaner.training.config import PretrainConfig, TrainingConfig


def walk(command: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield a command and all below it, each with the names that call it."""
    yield names, command
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from walk(below, (*names, name))


COMMANDS = {" ".join(names): command for names, command in walk(get_command(app))}
PAGES = list(COMMANDS)


def page(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what `farmaner NAME --help` prints."""
    assert run([*name.split(), "--help"]) == 0
    return capsys.readouterr().out


def section(text: str, heading: str) -> str:
    """Return what stands under a heading, without its indentation."""
    found = re.search(rf"^{heading}:\n((?:  .*\n|\n(?=  ))+)", text, re.MULTILINE)
    assert found is not None, heading
    return "\n".join(line[2:] for line in found[1].splitlines())


def note_call(called: list[str], name: str, **_: Any) -> None:
    """Stand in a command's place: what is called is noted, with whatever it was given."""
    called.append(name)


def examples(name: str) -> list[str]:
    """Return the examples of a page, continued lines joined, each once."""
    _, _, after = f"\n{COMMANDS[name].help}".partition("\nExamples:\n")
    block, _, _ = after.partition("\nExit codes:")
    lines = block.replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip()]


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_ends_with_its_examples_and_exit_codes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = page(name, capsys)
    assert section(text, "Examples").startswith(("farmaner ", "echo "))
    codes = section(text, "Exit codes").replace("\n", " ")
    assert re.fullmatch(r"0 \S.*, 1 \S.*, 2 wrong usage, 130 interrupted\b.*\.", codes)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fills_its_lines_and_keeps_to_the_width(
    name: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = page(name, capsys)
    assert [line for line in text.splitlines() if len(line) > columns] == []
    filled = min(columns, WIDEST) - 2
    told, _, _ = text.partition("\n\n")[2].partition(":\n  ")
    for paragraph in told.split("\n\n"):
        if not paragraph.startswith("    "):  # which stays as it is written
            for line, after in pairwise(paragraph.splitlines()):
                assert len(line) + 1 + len(after.split()[0]) > filled, (line, after)


@pytest.mark.parametrize("columns", [40, 200])
def test_lines_are_not_filled_past_what_reads_well_nor_below_what_can(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    paragraph = page("compare", capsys).split("\n\n")[2]
    assert max(map(len, paragraph.splitlines())) <= {40: 50, 200: WIDEST - 2}[columns]
    assert len(paragraph.splitlines()) == {40: 8, 200: 4}[columns]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_every_default_and_no_type_of_python(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = page(name, capsys)
    assert re.findall(r"<\w*\[?\w+\]?>|\bNone\b|\w\.\.\.\.", text) == []
    rows = " ".join(text.split())
    for param in COMMANDS[name].params:
        stated = param.show_default if isinstance(param.show_default, str) else None
        told = stated or getattr(param.default, "value", param.default)
        if isinstance(told, str | int | float) and not isinstance(told, bool):
            assert f"default: {told}" in rows, param.name
    assert "(default" not in text


@pytest.mark.parametrize(
    ("name", "config"), [("train", TrainingConfig), ("pretrain", PretrainConfig)]
)
def test_the_defaults_that_a_page_states_are_those_of_the_settings(
    name: str, config: type[Any]
) -> None:
    settings = {field.name: field.default for field in dataclasses.fields(config)}
    settings |= {name: "none" for name, value in settings.items() if value == ""}
    stated = {
        param.name: param.show_default
        for param in COMMANDS[name].params
        if isinstance(param.show_default, str) and param.name != "encoder"
    }
    assert len(stated) >= 5
    assert {name: float(text) for name, text in stated.items() if text[0].isdigit()} == {
        name: settings[name] for name, text in stated.items() if text[0].isdigit()
    }
    named = {name: text for name, text in stated.items() if not text[0].isdigit()}
    assert named == {name: settings[name] for name in named}


@pytest.mark.parametrize(
    ("name", "example"), [(name, example) for name in PAGES for example in examples(name)]
)
def test_an_example_is_a_command_line_that_its_command_takes(name: str, example: str) -> None:
    words = shlex.split(example)
    words = words[words.index("farmaner") + 1 :]
    words = words[: words.index(">")] if ">" in words else words
    called: list[str] = []
    root = get_command(app)
    for below, command in walk(root):
        if not isinstance(command, TyperGroup):
            command.callback = partial(note_call, called, " ".join(below))

    root.main(words, prog_name="farmaner", standalone_mode=False)

    assert len(called) == 1
    assert " ".join(words).startswith(called[0])


@pytest.mark.parametrize("name", PAGES)
def test_an_example_of_a_page_is_of_that_command(name: str) -> None:
    assert any(f"farmaner {name} ".strip() in f"{example} " for example in examples(name))


def test_the_first_page_groups_all_commands_by_what_they_are_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = page("", capsys)
    headings = re.findall(r"^(\S.*):$", text, re.MULTILINE)
    shown = [
        name
        for heading in headings[: headings.index("Options")]
        for name in re.findall(r"^([a-z-]+)  ", section(text, heading), re.MULTILINE)
    ]
    assert headings == [
        "Annotate texts",
        "Codes and terminologies",
        "Make a model",
        "Judge texts and systems",
        "Options",
        "Examples",
        "Exit codes",
    ]
    assert sorted(shown) == sorted(COMMANDS[""].commands)
    assert len(examples("")) == 3


def test_the_version_is_the_packages_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"farmaner {metadata.version('farmaner')}\n"


def test_colours_change_no_word_and_are_shown_only_where_they_may_be() -> None:
    def printed(**variables: str) -> str:
        command = [sys.executable, "-m", "farmaner", "index", "--help"]
        told = {name: text for name, text in os.environ.items() if name != "FORCE_COLOR"}
        return subprocess.run(
            command, env=told | variables, capture_output=True, encoding="utf-8", check=True
        ).stdout

    piped, coloured = printed(), printed(FORCE_COLOR="1")
    assert "\x1b[" not in piped
    assert "\x1b[1mOptions\x1b[0m:" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == piped
    assert printed(FORCE_COLOR="1", NO_COLOR="1") == piped
