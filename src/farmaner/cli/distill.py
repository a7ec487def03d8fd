"""`farmaner distill`: one model from what several say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from farmaner.cli.completion import choices


def distill(
    teacher: Annotated[
        list[Path],
        typer.Option(
            "--teacher", metavar="DIR", help="model folder of a teacher; may be given repeatedly"
        ),
    ],
    texts: Annotated[
        list[Path],
        typer.Option(
            "--texts",
            help="unlabelled text: .jsonl (also packed), .txt or folders of them; may be given "
            "repeatedly",
        ),
    ],
    train: Annotated[
        list[Path],
        typer.Option(metavar="DIR", help="brat folder to fit on; may be given repeatedly"),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="folder of the run")
    ],
    dev: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="brat folder that judges; texts like its own are not tagged"
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file of the student's settings")
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="hub name or folder of the student's encoder",
            show_default="the file's",
            autocompletion=choices("bundled"),
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="source of the texts to tag; may be given repeatedly",
            show_default="all",
        ),
    ] = None,
    max_texts: Annotated[int, typer.Option(min=0, help="texts to tag of each source; 0: all")] = 0,
    soft_weight: Annotated[
        float, typer.Option(min=0, help="the teachers' weight, gold's being 1")
    ] = 1.0,
    decisions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="table of name and kind, a label or O: what counts in the teachers' stead",
        ),
    ] = None,
) -> None:
    r"""Fit a student on gold and on what its teachers say of unlabelled text.

    Each teacher tags the texts word by word, with probabilities; the student learns from their
    average and from gold. Teachers may have any encoder and tokenizer, but the student's labels
    and scheme. With --dev each teacher, their plain ensemble and the student are scored on it.

    OUTPUT/model is the student's model folder; OUTPUT/answers-N hold what the teachers said,
    under the texts' hashes. The same command goes on with what was interrupted.

    A name of --decisions that the answers do not have, on just its words, with its label gets it;
    one of kind O stops being an entity. Inside a longer entity nothing is changed.

    Examples:
      farmaner distill --teacher m14 --teacher m15 --texts cases.jsonl.xz \
        --train corpus/train --dev corpus/dev --encoder encoder -o distilled

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (the same command goes on).
    """
    from farmaner.training.quiet import quiet_libraries

    quiet_libraries()
    from farmaner.training.config import read_config
    from farmaner.training.distill import REPORT_FILE, Distillation, DistillConfig
    from farmaner.training.distill import distill as run
    from farmaner.training.steps import open_steps

    settings = read_config(config, encoder=encoder)
    job = Distillation(
        DistillConfig(
            sources=tuple(source or ()),
            max_texts=max_texts,
            soft_weight=float(soft_weight),
            decisions=str(decisions or ""),
        ),
        (settings,),
        tuple(teacher),
        tuple(train),
        tuple(texts),
        kept_out=dev,
        dev=dev,
    )
    with open_steps(output) as steps:
        (student,) = run(job, steps, "", [settings.as_input()])
    if dev is not None:
        report = json.loads((output / "report" / REPORT_FILE).read_text(encoding="utf-8"))
        for name, score in report.items():
            micro = score["micro"]
            print(
                f"{name:12} P {100 * micro['precision']:6.2f} R {100 * micro['recall']:6.2f} "
                f"F1 {100 * micro['f1']:6.2f}"
            )
    print(student.folder)
