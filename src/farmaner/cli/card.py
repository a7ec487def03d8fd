"""`farmaner card`: a model's card for the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def card(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="model folder")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="where to write", show_default="stdout"
        ),
    ] = None,
    license_name: Annotated[
        str | None, typer.Option("--license", help="an identifier of the hub's, such as apache-2.0")
    ] = None,
    base_model: Annotated[
        str | None, typer.Option(help="the encoder's name on the hub", show_default="as trained")
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="output of `evaluate ner --json`  [default: those of dev]"
        ),
    ] = None,
    dataset: Annotated[
        str, typer.Option(help="what the figures were measured on")
    ] = "Development documents",
) -> None:
    """Write a model card: Markdown, with what the hub reads at its head.

    Language, task, licence, base model, tags and figures go into the head; how the model was made,
    its scores by label and its limits into the text. No document is named, and no path. Needs
    pip install "farmaner[train]".

    Examples:
      farmaner card model --license apache-2.0 --output model/README.md
      farmaner card model --scores score.json --dataset "PharmaCoNER dev"

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    from farmaner.formats.files import write_text
    from farmaner.training.quiet import quiet_libraries

    quiet_libraries()
    from farmaner.training.card import model_card

    text = model_card(
        model, license=license_name, base_model=base_model, scores=scores, dataset=dataset
    )
    if output is None:
        print(text, end="")
    else:
        write_text(output, text)
