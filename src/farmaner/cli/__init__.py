"""The command line: one module a command; each parses, calls the library and prints.

Exit codes: 0 done, 1 failed or incomplete, 2 usage, 130 interrupted. Results go to stdout,
everything else to stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Annotated, Any

import typer

from farmaner.cli import corpus, evaluate, terminology
from farmaner.cli.analyze import analyze
from farmaner.cli.annotate import annotate
from farmaner.cli.average import average
from farmaner.cli.build_model import build_model
from farmaner.cli.calibrate import calibrate
from farmaner.cli.card import card
from farmaner.cli.compare import compare
from farmaner.cli.convert import convert
from farmaner.cli.distill import distill
from farmaner.cli.experiment import experiment
from farmaner.cli.export import export
from farmaner.cli.import_model import import_model
from farmaner.cli.index import index
from farmaner.cli.manual import App, Group
from farmaner.cli.pretrain import pretrain
from farmaner.cli.push import push
from farmaner.cli.serve import serve
from farmaner.cli.train import train
from farmaner.cli.tune import tune
from farmaner.errors import FarmanerError

_INTERRUPTED = 130

_COMMANDS: dict[str, dict[str, Callable[..., None] | App]] = {
    "Annotate texts": {"annotate": annotate, "serve": serve, "convert": convert},
    "Codes and terminologies": {"index": index, "terminology": terminology.app},
    "Make a model": {
        "train": train,
        "export": export,
        "import": import_model,
        "calibrate": calibrate,
        "pretrain": pretrain,
        "tune": tune,
        "distill": distill,
        "average": average,
        "build-model": build_model,
        "card": card,
        "push": push,
    },
    "Judge texts and systems": {
        "corpus": corpus.app,
        "evaluate": evaluate.app,
        "analyze": analyze,
        "compare": compare,
        "experiment": experiment,
    },
}
"""The commands by what they are for, in the order in which the help shows them."""


class _Farmaner(Group):
    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return [name for members in _COMMANDS.values() for name in members]


app = App(name="farmaner", cls=_Farmaner)
for _panel, _members in _COMMANDS.items():
    for _name, _member in _members.items():
        if isinstance(_member, App):
            app.add_typer(_member, name=_name, rich_help_panel=_panel)
        else:
            app.command(_name, rich_help_panel=_panel)(_member)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"farmaner {metadata.version('farmaner')}")
        raise typer.Exit


@app.callback()
def farmaner(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="show which version this is"
        ),
    ] = False,
) -> None:
    """Find drugs, chemicals and proteins in Spanish clinical text.

    Results go to stdout or to --output, everything else to stderr. `farmaner COMMAND --help`
    tells what a command does, with its options and examples.

    Examples:
      echo "Niega alergia a penicilina." | farmaner annotate -
      farmaner annotate notes/ --format brat --output annotated/
      farmaner evaluate ner gold/ annotated/

    Exit codes: 0 done, 1 failed or incomplete, 2 wrong usage, 130 interrupted.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    code = run(arguments)
    if code == _INTERRUPTED:  # at once: a thread may be deep in an encoder
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; every failure is one line on stderr."""
    try:
        app(arguments, prog_name="farmaner")
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)
    except FarmanerError as error:
        return _fail(str(error), 1)
    return 0


def _fail(message: str, code: int) -> int:
    print(f"farmaner: {message}", file=sys.stderr)
    return code
