"""`farmaner pretrain`: teach an encoder the field's language from unlabelled text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farmaner.cli.completion import choices

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from farmaner.training.pretrain import PretrainResult, Progress


@cache
def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def pretrain(
    texts: Annotated[
        list[Path],
        typer.Argument(
            metavar="TEXT", help=".jsonl (also packed) or .txt files, or folders of them"
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="encoder folder to write")
    ],
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML file of settings, with weights of sources"),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="hub name or folder of the encoder",
            show_default="the file's",
            autocompletion=choices("bundled"),
        ),
    ] = None,
    exclude: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="brat folder whose texts, found anywhere, are left out; may be given repeatedly",
        ),
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="how often texts of weight 1 are read", show_default="1")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="windows a step, of all processes", show_default="32")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="highest learning rate", show_default="0.0004")
    ] = None,
    max_pieces: Annotated[
        int | None, typer.Option(help="pieces a window, specials too", show_default="128")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="seed of everything random", show_default="13")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="go on with an interrupted pretraining")
    ] = False,
) -> None:
    r"""Pretrain an encoder on unlabelled text by guessing masked words.

    Each text belongs to a source (the key "source" of its JSON line, else the name of its file or
    folder), and the settings may weight sources, so that few clinical cases do not drown in much
    other prose. A share of each source is held out; its loss is shown as the training goes. A
    text that shares twelve words in a row with one of --exclude is not read: name the documents
    that will judge the model. The output is an encoder folder for `farmaner train --encoder`.

    Flags go over the file of --config; the defaults are of settings that neither names. Packed
    texts end in .gz, .xz, .bz2 or .zst. Needs pip install "farmaner[train]".

    Examples:
      farmaner pretrain notes/ --encoder bundled --exclude corpus/dev -o encoder
      farmaner pretrain texts/*.jsonl.xz --config pretrain.toml -o encoder --resume

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (--resume goes on).
    """
    from farmaner.training.config import PretrainConfig, read_settings
    from farmaner.training.quiet import is_first_process, quiet_libraries

    _console().quiet = not is_first_process()
    settings = read_settings(
        PretrainConfig,
        config,
        encoder=encoder,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_pieces=max_pieces,
        seed=seed,
    )
    quiet_libraries(shared=True)
    from farmaner.formats.brat import read_brat_folders
    from farmaner.training.pretrain import pretrain as run
    from farmaner.training.texts import read_source_texts

    known = read_brat_folders(exclude or (), missing_ann_ok=True)
    kept_out = [document.text for document in known]
    try:
        result = run(
            settings,
            read_source_texts(texts),
            output=output,
            kept_out=kept_out,
            resume=resume,
            show=_show,
        )
    except KeyboardInterrupt:
        _console().print("farmaner: interrupted; the same command with --resume goes on")
        raise typer.Exit(130) from None
    _console().print(_table(result))
    _console().print(
        f"{result.steps} steps, {result.seconds:.0f} s, peak memory {result.peak_memory_mb} MB"
    )
    if is_first_process():
        print(result.folder)


def _show(progress: Progress) -> None:
    parts = [f"step {progress.step:>6}/{progress.steps}"]
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3f}")
    if progress.held_out is not None:
        parts.append("held out:")
        parts += [f"{name} {loss:.3f}" for name, loss in progress.held_out.items()]
    _console().print("  ".join(parts), soft_wrap=True)


def _table(result: PretrainResult) -> Table:
    from rich.table import Table

    from farmaner.training.pretrain import perplexity

    table = Table(title="Held-out perplexity of masked pieces, by source")
    table.add_column("source")
    for name in ("texts", "pieces", "held out", "overlapping", "not read", "before", "after"):
        table.add_column(name, justify="right")
    for name, count in result.sources.items():
        losses = (result.before.get(name), result.after.get(name))
        table.add_row(
            name,
            str(count.n_texts),
            str(count.n_pieces),
            str(count.n_held_out),
            str(count.n_overlapping),
            str(count.n_passed_over),
            *("" if loss is None else f"{perplexity(loss):.1f}" for loss in losses),
        )
    return table
