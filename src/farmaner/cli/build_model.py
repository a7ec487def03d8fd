"""`farmaner build-model`: a model from its recipe, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from farmaner.cli.completion import choices


def build_model(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="what to do, with what")],
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="hub name or folder of the encoder",
            show_default="the recipe's",
            autocompletion=choices("bundled"),
        ),
    ] = None,
    train: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="brat folder to fit on; may be given repeatedly",
            show_default="the recipe's",
        ),
    ] = None,
    dev: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="brat folder that judges the twin", show_default="the recipe's"
        ),
    ] = None,
    texts: Annotated[
        list[Path] | None,
        typer.Option(
            help="unlabelled text: .jsonl (also packed), .txt or folders of them; may be given "
            "repeatedly",
            show_default="the recipe's",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="folder of the run",
            show_default="runs/, and in it the recipe's name",
        ),
    ] = None,
) -> None:
    r"""Build a model by its recipe, ready to be put into the package.

    The steps: pretrain the encoder on unlabelled text; fit a twin on train alone, for all its
    epochs; with distillation, fit teachers first, and the model on their answers too; export to
    8 bits; fit the temperature of the scores on a tenth of train that its model has not seen;
    score the twin on dev; fit the final model on train and dev in the same way. Flags go over
    the recipe.

    Everything is done once: the same command goes on with what was interrupted, passes over what
    is done, and does anew what hangs on inputs that changed. The twin's scores go to stdout with
    the folder of the final model, what happens to stderr. Calibration needs SciPy:
    pip install "farmaner[train,stats]".

    Examples:
      farmaner build-model recipes/bundled/recipe.toml
      farmaner build-model recipes/bundled/recipe.toml --texts text/ \
        --train corpus/train --dev corpus/dev

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (the same command goes on).
    """
    from farmaner.training.quiet import quiet_libraries

    quiet_libraries()
    from farmaner.training.build import CARD_FILE, build_model
    from farmaner.training.recipe import read_recipe

    plan = read_recipe(recipe, encoder=encoder, train=train or (), dev=dev, texts=texts or ())
    built = build_model(plan, output=output or Path("runs") / plan.name)
    print((built.score / CARD_FILE).read_text(encoding="utf-8"))
    print(built.final)
