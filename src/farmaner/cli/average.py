"""`farmaner average`: one model of several that were fitted from the same start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def average(
    models: Annotated[list[Path], typer.Argument(metavar="MODEL", help="model folders")],
    output: Annotated[Path, typer.Option("--output", "-o", help="model folder to write")],
) -> None:
    """Average the weights of models that were fitted from one and the same start.

    The mean is one model, as large and as fast as each, and often better than each: measure it
    on documents that none has seen. Models of different starts, a freshly drawn head among
    them, have no mean worth anything. Needs pip install "farmaner[train]".

    Examples:
      farmaner train --encoder bundled --train notes/ --seed 13 -o m13
      farmaner train --encoder bundled --train notes/ --seed 14 -o m14
      farmaner average m13 m14 -o model

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    from farmaner.training.average import average_weights
    from farmaner.training.run import refuse_taken

    refuse_taken(output)
    average_weights(models, output)
    print(output)
