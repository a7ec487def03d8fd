"""The command line: one module a command; each parses, calls the library and prints.

Exit codes: 0 done, 1 failed or incomplete, 2 usage, 130 interrupted. Results go to stdout,
everything else to stderr.
"""

from __future__ import annotations

import os
import sys

import typer

from farmaner.cli import corpus, evaluate, terminology
from farmaner.cli.analyze import analyze
from farmaner.cli.annotate import annotate
from farmaner.cli.build_model import build_model
from farmaner.cli.calibrate import calibrate
from farmaner.cli.compare import compare
from farmaner.cli.convert import convert
from farmaner.cli.distill import distill
from farmaner.cli.experiment import experiment
from farmaner.cli.export import export
from farmaner.cli.index import index
from farmaner.cli.pretrain import pretrain
from farmaner.cli.serve import serve
from farmaner.cli.train import train
from farmaner.cli.tune import tune
from farmaner.errors import FarmanerError

_INTERRUPTED = 130

app = typer.Typer(
    name="farmaner",
    help="Find drugs, chemicals and proteins in Spanish clinical text.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(corpus.app, name="corpus")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(terminology.app, name="terminology")
app.command("pretrain")(pretrain)
app.command("train")(train)
app.command("tune")(tune)
app.command("distill")(distill)
app.command("calibrate")(calibrate)
app.command("build-model")(build_model)
app.command("experiment")(experiment)
app.command("export")(export)
app.command("annotate")(annotate)
app.command("convert")(convert)
app.command("analyze")(analyze)
app.command("compare")(compare)
app.command("index")(index)
app.command("serve")(serve)


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
        app(arguments)
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
