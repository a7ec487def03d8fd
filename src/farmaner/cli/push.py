"""`farmaner push`: a model folder to the hub."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def push(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="model folder")],
    repository: Annotated[str, typer.Argument(metavar="REPO", help="OWNER/NAME on the hub")],
    private: Annotated[
        bool, typer.Option("--private", help="for the owner alone, if the repository is new")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="only list what would be uploaded")
    ] = False,
    license_name: Annotated[
        str | None, typer.Option("--license", help="for a card made now, such as apache-2.0")
    ] = None,
) -> None:
    """Upload a model with its card to the hub.

    Only what belongs to the model goes: weights, ONNX files, tokenizer, settings and README.md,
    which is made as by `farmaner card` where there is none. Checkpoints, figures and settings of
    the training stay. Needs pip install "farmaner[train]".

    Examples:
      farmaner push model me/my-model --private --dry-run

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    from farmaner.training.quiet import quiet_libraries

    quiet_libraries()
    from farmaner.training.push import plan_upload
    from farmaner.training.push import push as run

    upload = plan_upload(model, license=license_name)
    for name, size in upload.sizes().items():
        print(f"{size:>13,} {name}", file=sys.stderr)
    if dry_run:
        print("farmaner: nothing was uploaded (--dry-run)", file=sys.stderr)
        return
    print(run(upload, repository, private=private))
