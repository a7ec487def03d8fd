"""`farmaner experiment`: systems, seeds and a table of their scores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def experiment(
    config: Annotated[
        Path, typer.Argument(metavar="FILE.toml", help="the systems, seeds and folders")
    ],
    train: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="brat folder to fit on; may be given repeatedly",
            show_default="the file's",
        ),
    ] = None,
    dev: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="brat folder to choose on", show_default="the file's"),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="folder of test texts; .ann beside them is gold",
            show_default="the file's",
        ),
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SYSTEM=ENCODER",
            help="a system's encoder: hub name or folder; may be given repeatedly",
            show_default="the file's",
        ),
    ] = None,
    lexicon: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SYSTEM=FILE",
            help="a system's lexicon: its terms; may be given repeatedly",
            show_default="the file's",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="folder of the run",
            show_default="runs/, and in it the file's name",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="trainings at once in a search")] = 1,
) -> None:
    r"""Fit several systems with several seeds, and write the table of their scores.

    For each system and seed: search its settings or take those given, fit on train with the best
    epoch on dev, annotate dev; where there are test texts, fit on train and dev and annotate
    them. Submissions are folders subtask1/ of .ann files. results/results.json and
    results/table.md hold the scores on test where it has gold, else on dev: mean and deviation
    over seeds, and every difference with an interval. The table goes to stdout, what happens to
    stderr. Flags go over the file.

    Everything is done once: the same command goes on with what was interrupted, passes over what
    is done, and does anew what hangs on inputs that changed. Needs SciPy, and Optuna for a
    search: pip install "farmaner[stats,tune]".

    Examples:
      farmaner experiment configs/table2.toml
      farmaner experiment configs/table2-small.toml \
        --train corpus/train --dev corpus/dev \
        --encoder small-english=encoders/all-MiniLM-L6-v2

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (the same command goes on).
    """
    from farmaner.training.plan import read_experiment
    from farmaner.training.quiet import quiet_libraries

    plan = read_experiment(
        config,
        train=train or (),
        dev=dev,
        test=test,
        encoders=_by_system(encoder or [], "--encoder", "SYSTEM=ENCODER"),
        lexicons=_by_system(lexicon or [], "--lexicon", "SYSTEM=FILE"),
    )
    quiet_libraries()
    from farmaner.training.experiment import run_experiment
    from farmaner.training.results import TABLE_FILE

    folder = run_experiment(plan, output=output or Path("runs") / config.stem, jobs=jobs)
    print((folder / TABLE_FILE).read_text(encoding="utf-8"))
    print(folder)


def _by_system(given: list[str], option: str, form: str) -> dict[str, str]:
    by_system = {}
    for one in given:
        system, equals, value = one.partition("=")
        if not (system and equals and value):
            raise typer.BadParameter(f"expected {form}, found {one!r}", param_hint=option)
        by_system[system] = value
    return by_system
