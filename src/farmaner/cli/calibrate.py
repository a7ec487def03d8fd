"""`farmaner calibrate`: scores that say how often they are right."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def calibrate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="model folder")],
    gold: Annotated[
        list[Path],
        typer.Argument(metavar="GOLD", help="brat folders that the model was not fitted on"),
    ],
) -> None:
    """Fit the temperature of a model's scores, and store it in its farmaner.json.

    The temperature is one number that logits are divided by before they become scores. Which
    entities are found does not change, only what their scores say. It is fitted on documents
    that the model has not seen, to the least log loss of the scores of what it finds there.
    The table is of these documents too, but cross-fitted: each half of them is judged at the
    temperature of the other half. Needs SciPy: pip install "farmaner[stats]".

    Examples:
      farmaner calibrate model held-out/

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    from farmaner.formats.brat import read_brat_folders
    from farmaner.training.calibration import calibrate as run
    from farmaner.training.calibration import reliability_table, write_temperature

    result = run(model, read_brat_folders(gold))
    write_temperature(model, result.temperature)
    print(reliability_table(result.before, result.after))
    print(
        f"temperature {result.temperature:g} from {result.n_documents} documents, "
        f"stored in {model}",
        file=sys.stderr,
    )
