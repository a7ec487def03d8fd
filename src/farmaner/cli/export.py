"""`farmaner export`: a trained model to ONNX."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console


@cache
def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="model folder of a training")],
    texts: Annotated[
        Path | None,
        typer.Option("--texts", metavar="DIR", help="folder of .txt to compare entities on"),
    ] = None,
) -> None:
    """Write a model as ONNX, in float32 and int8, and check both against torch.

    `annotate` uses the int8 file from then on. The float32 logits must lie within 1e-4 of
    torch's; with --texts, the entities of every text are compared as well and the differences
    counted. Needs pip install "farmaner[train]".

    Examples:
      farmaner export model --texts corpus/dev

    Exit codes: 0 done, 1 failed or logits too far apart, 2 wrong usage, 130 interrupted.
    """
    from farmaner.formats.brat import read_brat
    from farmaner.training.export import TOLERANCE
    from farmaner.training.export import export as run

    documents = read_brat(texts, missing_ann_ok=True) if texts else []
    result = run(model, documents)
    _console().print(
        f"float32 logits: largest difference {result.largest_difference:.1e} "
        f"(allowed {TOLERANCE:g})"
    )
    if not documents:
        _console().print("entities were not compared; --texts names a folder to do so")
    for comparison in result.comparisons:
        counts = comparison.counts
        _console().print(
            f"{comparison.backend}: {comparison.size_mb:.1f} MB, {comparison.n_documents} "
            f"documents, {counts.true_positives} entities as torch finds them, "
            f"{counts.false_negatives} lost, {counts.false_positives} new"
        )
