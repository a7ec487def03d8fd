"""`farmaner import`: a tagger that others have trained, as a model folder."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class SchemeOfTags(str, Enum):
    """How a checkpoint's tags are to be read."""

    iob2 = "iob2"
    io = "io"
    bioes = "bioes"
    paper = "paper"


def import_model(
    checkpoint: Annotated[str, typer.Argument(help="folder of a tagger, or its name on the hub")],
    output: Annotated[Path, typer.Option("--output", "-o", help="model folder to write")],
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="THEIRS=OURS", help="a label, or a tag; repeatable"),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option("--drop", metavar="THEIRS", help="a label or tag to leave out; repeatable"),
    ] = None,
    scheme: Annotated[
        SchemeOfTags | None,
        typer.Option(help="how tags are read", show_default="as they are spelt"),
    ] = None,
    max_pieces: Annotated[int, typer.Option(min=8, help="pieces a window, specials too")] = 128,
) -> None:
    """Make a model folder of a tagger that was trained elsewhere.

    Takes any token-classification checkpoint of transformers with a fast tokenizer. Labels keep
    their names where --label gives no other. Tags are read as IOB, IO, BIOES or BILOU by their
    prefixes; others, such as LABEL_1, have to be told: --label LABEL_1=B-DRUG. Where a dropped
    tag would have been the best, the next best stands in. Needs pip install "farmaner[train]".

    Examples:
      farmaner import PlanTL-GOB-ES/bsc-bio-ehr-es-pharmaconer -o model
      farmaner import tagger/ -o model --label DRUG=NORMALIZABLES --drop DISEASE

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    names = dict(_pair(text) for text in label or [])
    from farmaner.training.quiet import quiet_libraries

    quiet_libraries()
    from farmaner.training.adopt import adopt

    adopted = adopt(
        checkpoint,
        output,
        names=names,
        dropped=drop or (),
        scheme=None if scheme is None else scheme.value,
        max_pieces=max_pieces,
    )
    for theirs, ours in zip(adopted.tags.tags, adopted.tags.ours):
        print(f"{theirs} -> {ours or '(dropped)'}", file=sys.stderr)
    print(adopted.folder)


def _pair(text: str) -> tuple[str, str]:
    theirs, sign, ours = text.partition("=")
    if not (theirs and sign and ours):
        raise typer.BadParameter(f"expected THEIRS=OURS, found {text!r}", param_hint="--label")
    return theirs, ours
