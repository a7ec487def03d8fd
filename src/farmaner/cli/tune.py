"""`farmaner tune`: search for the settings that do best on dev."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farmaner.cli.completion import choices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farmaner.training.search import Search
    from farmaner.training.trials import Trial


def tune(
    config: Annotated[
        Path, typer.Option(metavar="FILE", help="TOML file of settings with a table [search]")
    ],
    train: Annotated[
        list[Path],
        typer.Option(metavar="DIR", help="brat folder to fit on; may be given repeatedly"),
    ],
    dev: Annotated[Path, typer.Option(metavar="DIR", help="brat folder that judges the trials")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="folder of the search")
    ],
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="hub name or folder of the encoder",
            show_default="the file's",
            autocompletion=choices("bundled"),
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="how many trainings", show_default="the file's")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="trainings at once, sharing the cores")] = 1,
) -> None:
    """Search for the settings that do best on dev.

    The file's table [search] says what may vary, how it is drawn (grid, tpe or random) and
    whether trials that do badly are pruned. Every trial trains as `train` does and is judged by
    the F1 of its best epoch on dev (strict rules). best.toml, which `train --config` takes,
    trials.csv and trials.png are written at the end; the table goes to stdout as well.

    The same command goes on with a search that was interrupted, each trial from its last epoch,
    and may run several times at once on one output folder: with CUDA_VISIBLE_DEVICES=0, =1 and
    so on, one process a GPU. Needs Optuna: pip install "farmaner[tune]".

    Examples:
      farmaner tune --config grid.toml --train corpus/train --dev corpus/dev -o grid
      farmaner train --config grid/best.toml --train corpus/train -o model

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (the same command goes on).
    """
    from farmaner.training.quiet import quiet_libraries
    from farmaner.training.search import BEST_FILE, read_search

    search = read_search(config, trials=trials, encoder=encoder)
    quiet_libraries()
    from farmaner.training.tune import tune as run

    ranked = run(search, train, dev, output=output, jobs=jobs)
    _print(ranked, search)
    print(output / BEST_FILE)


def _print(trials: Sequence[Trial], search: Search) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("trial", *search.space, "P", "R", "F1", "best epoch", "s", ""):
        table.add_column(heading, justify="right")
    for trial in trials:
        figures = (trial.precision, trial.recall, trial.f1)
        table.add_row(
            str(trial.number),
            *(str(trial.settings.get(key, "")) for key in search.space),
            *("" if figure is None else f"{100 * figure:.2f}" for figure in figures),
            str(trial.best_epoch or ""),
            "" if trial.seconds is None else f"{trial.seconds:.0f}",
            "" if trial.state == "complete" else trial.state,
        )
    Console(highlight=False).print(table)
