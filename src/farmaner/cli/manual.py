"""How the help of a command reads: like a page of a manual.

The docstring of a command is its page. Paragraphs are filled to the terminal's width, an indented
block stays as it is written. The blocks `Examples:` and `Exit codes:` end the page, after the
arguments and options.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from textwrap import dedent, indent
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

WIDEST = 100
"""Columns past which lines are no longer filled, however wide the terminal."""

_WIDEST_NAME = 26
_TYPE = re.compile(r"<(?:list\[)?([^<>\]]+)\]?>$")
_STATED_DEFAULT = re.compile(r"(?<=default: )\(([^()]+)\)")
_TYPERS_OWN = {
    "help": "show this page",
    "install_completion": "install completion for the shell in use",
    "show_completion": "print what completes in this shell, to be installed by hand",
}
_METAVARS = {"path": "PATH", "str": "TEXT", "int": "N", "float": "X"}

F = TypeVar("F", bound=Callable[..., Any])


class App(typer.Typer):
    """A typer app whose pages of help are those of a manual."""

    def __init__(self, **settings: Any) -> None:
        defaults: dict[str, Any] = {
            "cls": Group,
            "context_settings": {
                "help_option_names": ["-h", "--help"],
                "max_content_width": WIDEST,
            },
            "no_args_is_help": True,
            "pretty_exceptions_enable": False,
            "rich_markup_mode": None,
        }
        super().__init__(**defaults | settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[F], F]:
        """Return a decorator that makes a command of a function."""
        return super().command(name, **{"cls": Command} | settings)


class _Page:
    """The page of a command or a group; what it overrides is click's, which typer keeps inside."""

    help: str | None
    get_params: Callable[[Any], list[Any]]
    options_metavar: str | None

    def get_help(self, ctx: Any) -> str:
        """Return the page, and settle whether colours are shown where the terminal is asked."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        elif os.environ.get("FORCE_COLOR"):
            ctx.color = True
        return super().get_help(ctx)  # type: ignore[misc, no-any-return]

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002
        """Return the first sentence, whole."""
        return " ".join((self.help or "").partition("\n\n")[0].split())

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what the usage line names: options, then arguments."""
        arguments = [_argument(param) for param in self.get_params(ctx) if _is_argument(param)]
        pieces = [self.options_metavar or "", *arguments, getattr(self, "subcommand_metavar", "")]
        return [piece for piece in pieces if piece]

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the paragraphs that come before the options."""
        body, _, _ = _parts(self.help)
        for block in filter(None, body.split("\n\n")):
            formatter.write_paragraph()
            with formatter.indentation():
                _write_block(block, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands of a group, and what arguments and options mean."""
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)
        arguments, options = [], []
        for param in self.get_params(ctx):
            name, text = param.get_help_record(ctx) or ("", "")
            text = text.replace("\\[", "[")  # which the oldest typer escapes for rich
            text = _STATED_DEFAULT.sub(r"\1", _TYPERS_OWN.get(param.name, text))
            if name and _is_argument(param):
                arguments.append((_argument(param).replace("[", "").replace("]", ""), text))
            elif name:
                options.append((_TYPE.sub(_metavar, name), text))
        _write_rows("Arguments", arguments, formatter)
        _write_rows("Options", options, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the examples and the exit codes."""
        _, examples, codes = _parts(self.help)
        if examples:
            with formatter.section(_heading("Examples")):
                formatter.write(indent(f"{examples}\n", " " * formatter.current_indent))
        if codes:
            with formatter.section(_heading("Exit codes")):
                formatter.write_text(codes)


class Command(_Page, TyperCommand):
    """A command with a page."""


class Group(_Page, TyperGroup):
    """A group of commands with a page, where they stand under the headings of their panels."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each command with its first sentence."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                panel = getattr(command, "rich_help_panel", None) or "Commands"
                panels.setdefault(panel, []).append((name, command.get_short_help_str()))
        widest = max(len(name) for rows in panels.values() for name, _ in rows)
        for panel, rows in panels.items():
            _write_rows(panel, [(name.ljust(widest), text) for name, text in rows], formatter)


def _parts(text: str | None) -> tuple[str, str, str]:
    """Return a docstring's paragraphs, its examples and its exit codes."""
    page, _, codes = (text or "").partition("\nExit codes:")
    body, _, examples = page.partition("\nExamples:\n")
    return body.strip(), dedent(examples).strip(), " ".join(codes.split())


def _write_block(block: str, formatter: Any) -> None:
    """Write a paragraph, filled; a block that is indented, as it is."""
    if block.startswith(" "):
        formatter.write(indent(f"{block}\n", " " * formatter.current_indent))
    else:
        formatter.write_text(" ".join(block.split()))


def _write_rows(heading: str, rows: list[tuple[str, str]], formatter: Any) -> None:
    if rows:
        with formatter.section(_heading(heading)):
            styled = [(typer.style(name, fg=typer.colors.CYAN), text) for name, text in rows]
            formatter.write_dl(styled, col_max=_WIDEST_NAME)


def _heading(text: str) -> str:
    return typer.style(text, bold=True)


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _argument(param: Any) -> str:
    name = param.metavar or param.name.upper()
    shown = name if param.required else f"[{name}]"
    return shown if param.nargs == 1 else f"{shown}..."


def _metavar(match: re.Match[str]) -> str:
    """Return the name of a value whose type typer shows in angle brackets."""
    kind = match[1].removesuffix(" range").lower()
    return _METAVARS.get(kind, match[1])
