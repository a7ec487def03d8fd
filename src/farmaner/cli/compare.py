"""`farmaner compare`: whether one system is better than another, or chance would do as well."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from farmaner.evaluation.significance import Comparison, GroupComparison, Interval


def compare(
    gold: Annotated[Path, typer.Argument(help="folder of gold .ann files")],
    system_a: Annotated[Path, typer.Argument(help="folder of .ann files, or .jsonl file")],
    system_b: Annotated[Path, typer.Argument(help="another")],
    resamples: Annotated[
        int, typer.Option(min=1, help="how many exchanges and draws of documents")
    ] = 9999,
    seed: Annotated[int, typer.Option(min=0, help="seed of both")] = 0,
    confidence: Annotated[float, typer.Option(help="the intervals' confidence level")] = 0.95,
    as_json: Annotated[
        bool, typer.Option("--json", help="print one JSON object with every figure in full")
    ] = False,
) -> None:
    """Compare two systems: differences, p-values and intervals over documents.

    For P, R and F1, of all labels together (micro) and of each: paired approximate randomization,
    two-sided, and percentile bootstrap intervals, paired. Documents are what is exchanged and
    drawn. Entities count by the strict rules: a document that a system lacks is one where it found
    nothing, one that gold lacks is refused. The p-values are not corrected for their number.

    The table goes to stdout, warnings (documents missing) to stderr. Needs SciPy: pip install
    "farmaner[stats]".

    Examples:
      farmaner compare dev/ run1/ run2/
      farmaner compare dev/ run1.jsonl run2.jsonl --resamples 99999 --json

    Exit codes: 0 compared, 1 cannot be compared, 2 wrong usage, 130 interrupted.
    """
    from farmaner.evaluation.inputs import system_source
    from farmaner.evaluation.significance import compare as compare_systems

    comparison = compare_systems(
        gold,
        system_source(system_a),
        system_source(system_b),
        n_resamples=resamples,
        seed=seed,
        confidence_level=confidence,
    )
    _warn(comparison, system_a, system_b)
    if as_json:
        named = {"gold": str(gold), "system_a": str(system_a), "system_b": str(system_b)}
        print(json.dumps(named | comparison.as_dict(), indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(highlight=False)
    console.print(f"A  {system_a}\nB  {system_b}\n{_method(comparison)}", markup=False)
    console.print(_table(comparison))


def _warn(comparison: Comparison, system_a: Path, system_b: Path) -> None:
    from farmaner.evaluation.official import named

    for path, coverage in ((system_a, comparison.coverage_a), (system_b, comparison.coverage_b)):
        if coverage.missing:
            print(
                f"farmaner: warning: {path}: {named(coverage.missing)} of gold missing: "
                "all their gold counts as missed",
                file=sys.stderr,
            )


def _method(comparison: Comparison) -> str:
    exchanges = (
        f"all 2^{comparison.n_documents} exchanges"
        if comparison.exact
        else f"{comparison.n_resamples} random exchanges"
    )
    return (
        f"strict rules, {comparison.n_documents} documents; p: {exchanges}; "
        f"{comparison.confidence_level:.0%} intervals: {comparison.n_resamples} draws; "
        f"seed {comparison.seed}"
    )


def _table(comparison: Comparison) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("", no_wrap=True)
    for heading in ("", "A", "B", "A − B", "interval", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    for group in comparison.groups:
        for index, row in enumerate(_rows(group)):
            last = index == 2
            table.add_row(Text("" if index else group.group), *row, end_section=last)
    return table


def _rows(group: GroupComparison) -> list[tuple[str, ...]]:
    short = {"precision": "P", "recall": "R", "f1": "F1"}
    return [
        (
            short[name],
            f"{figure.a:.4f}",
            f"{figure.b:.4f}",
            f"{figure.difference:+.4f}",
            _interval(figure.difference_interval),
            f"{figure.p_value:.4f}",
        )
        for name, figure in group.figures.items()
    ]


def _interval(interval: Interval) -> str:
    return f"{interval.low:+.4f} to {interval.high:+.4f}"
