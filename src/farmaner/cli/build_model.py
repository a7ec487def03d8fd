"""`farmaner build-model`: a model from its recipe, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def build_model(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="what to do, with what")],
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="hub name or folder of the encoder")
    ] = None,
    train: Annotated[
        list[Path] | None,
        typer.Option("--train", help="brat folder to fit on; may be given repeatedly"),
    ] = None,
    dev: Annotated[
        Path | None, typer.Option("--dev", help="brat folder that judges the twin")
    ] = None,
    texts: Annotated[
        list[Path] | None,
        typer.Option(
            "--texts",
            help="unlabelled text: .jsonl (also .xz, .gz, .bz2), .txt or folders of them; may be "
            "given repeatedly",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="folder of the run  [default: runs/NAME]"),
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
    pip install "farmaner\[train,stats]".

    Example:

      farmaner build-model recipes/bundled/recipe.toml --encoder encoders/multilingual-e5-small \
        --train PharmaCoNER/train --dev PharmaCoNER/dev --texts text/

    Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted (the same command goes on).
    """
    from farmaner.training.quiet import quiet_libraries

    quiet_libraries()
    from farmaner.training.build import CARD_FILE, build_model
    from farmaner.training.recipe import read_recipe

    plan = read_recipe(recipe, encoder=encoder, train=train or (), dev=dev, texts=texts or ())
    built = build_model(plan, output=output or Path("runs") / plan.name)
    print((built.score / CARD_FILE).read_text(encoding="utf-8"))
    print(built.final)
