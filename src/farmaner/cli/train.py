"""`farmaner train`: fine-tune an encoder on annotated folders."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farmaner.cli.completion import choices

if TYPE_CHECKING:
    from rich.console import Console

    from farmaner.document import Document


@cache
def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def train(
    train: Annotated[
        list[Path],
        typer.Option(metavar="DIR", help="brat folder to fit on; may be given repeatedly"),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="model folder to write")
    ],
    dev: Annotated[
        Path | None, typer.Option(metavar="DIR", help="brat folder that picks the best epoch")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file of settings; flags go over it")
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="hub name or folder of the encoder, or bundled",
            show_default="the file's",
            autocompletion=choices("bundled"),
        ),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="tagging scheme: iob2, paper, io or bioes",
            show_default="iob2",
            autocompletion=choices("iob2", "paper", "io", "bioes"),
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="how often train is read", show_default="12")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="windows a step, of all processes", show_default="16")
    ] = None,
    accumulation: Annotated[
        int | None,
        typer.Option(help="batches whose gradients are summed in one step", show_default="1"),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="highest learning rate", show_default="0.0001")
    ] = None,
    max_pieces: Annotated[
        int | None, typer.Option(help="pieces a window, specials too", show_default="128")
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="auto, float32 or bfloat16 (auto: as the hardware has it)",
            show_default="auto",
            autocompletion=choices("auto", "float32", "bfloat16"),
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            help="epochs without a better dev F1 before stopping; 0: never", show_default="0"
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="seed of everything random", show_default="13")
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="what a window reads beside its own: none, sentences or document",
            show_default="none",
            autocompletion=choices("none", "sentences", "document"),
        ),
    ] = None,
    lexicon: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="terms that the model is told of: one a line, or name and kind in a .tsv; "
            "none: those of the encoder, if it has any",
            show_default="none",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="go on with an interrupted training")
    ] = False,
) -> None:
    r"""Fine-tune an encoder on annotated folders and write a model folder.

    The model folder is one that transformers loads as it is; farmaner.json, the settings, the
    figures of every epoch and a learning curve lie beside the weights. With --dev, the epoch
    with the best official F1 on whole documents (strict rules) is kept.

    Flags go over the file of --config; the defaults are of settings that neither names. Needs pip
    install "farmaner[train]".

    Examples:
      farmaner train --train notes/ --encoder bundled -o model
      farmaner train --train corpus/train --dev corpus/dev -o model \
        --encoder bert-base-multilingual-cased
      farmaner train --train corpus/train --train corpus/dev \
        --config settings.toml -o final

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (--resume goes on).
    """
    from farmaner.training.config import read_config
    from farmaner.training.quiet import is_first_process, quiet_libraries

    _console().quiet = not is_first_process()
    settings = read_config(
        config,
        encoder=encoder,
        scheme=scheme,
        epochs=epochs,
        batch_size=batch_size,
        accumulation=accumulation,
        learning_rate=learning_rate,
        max_pieces=max_pieces,
        precision=precision,
        patience=patience,
        context=context,
        lexicon=lexicon,
        seed=seed,
    )
    documents = [document for folder in train for document in _read(folder)]
    dev_documents = _read(dev) if dev else []
    quiet_libraries(shared=True)
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from farmaner.training.loop import train as run

    columns = (TextColumn("step"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    live = _console().is_terminal
    with Progress(*columns, console=_console(), transient=True, disable=not live) as progress:
        bar = progress.add_task("steps", total=None)
        try:
            result = run(
                settings,
                documents,
                dev_documents,
                output=output,
                resume=resume,
                show=lambda epoch: _console().print(epoch.summary()),
                show_step=lambda step, steps: progress.update(bar, completed=step, total=steps),
            )
        except KeyboardInterrupt:
            _console().print("farmaner: interrupted; the same command with --resume goes on")
            raise typer.Exit(130) from None
    _console().print(f"trained on {result.coverage.summary()}")
    for entity in (*result.coverage.widened, *result.coverage.dropped):
        _console().print("  {} {} {}-{}".format(*entity), style="dim")
    if result.dev:
        micro = result.dev.micro
        _console().print(
            f"dev, strict: P {100 * micro.precision:.2f} R {100 * micro.recall:.2f} "
            f"F1 {100 * micro.f1:.2f}"
        )
    _console().print(f"{result.seconds:.0f} s, peak memory {result.peak_memory_mb} MB")
    if is_first_process():
        print(result.folder)


def _read(folder: Path) -> list[Document]:
    from farmaner.formats.brat import read_alignments

    alignments = read_alignments(folder)
    realigned = [entity for alignment in alignments for entity in alignment.realigned]
    for entity in realigned:
        _console().print(str(entity), style="yellow")
    return [alignment.document for alignment in alignments]
