"""`farmaner analyze`: read a system's errors, class by class, in their sentences."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from farmaner.evaluation.analysis import SystemAnalysis
    from farmaner.evaluation.error_classes import ClassCounts
    from farmaner.evaluation.report import Report
    from farmaner.evaluation.scoring import Counts


def analyze(
    gold: Annotated[Path, typer.Argument(help="folder of gold .txt and .ann files")],
    system: Annotated[
        list[Path],
        typer.Argument(help="one system or two: folder of .ann files, or .jsonl file"),
    ],
    train: Annotated[
        Path | None, typer.Option(metavar="DIR", help="brat folder: its names count as seen")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="report to write: .html, or .json"),
    ] = None,
    as_json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="the same content as JSON"),
    ] = None,
) -> None:
    """Put every error in one class, and show it in its sentence.

    Classes: boundary (another start or end), label (chemical and protein confused), missed,
    spurious, duplicate, unclear (on an UNCLEAR entity). Their sums are the missed and spurious
    entities of `evaluate ner` under the strict rules. Also by label, by what was seen in train, by
    length and by abbreviation; with scores (JSON lines of `annotate`) by confidence. With two
    systems: what one gets and the other misses.

    Where gold and system have codes, these are classed too: wrong code, no code, unseen surface,
    wrong span, missed or spurious entity, unclear, and right code from wrong span. Their sums are
    those of `evaluate indexing`.

    The report and its JSON hold clinical text. The table on stdout holds none.

    Examples:
      farmaner analyze dev/ predicted/ --train train/ --output report.html
      farmaner analyze dev/ run1.jsonl run2.jsonl -o report.html --json report.json

    Exit codes: 0 done, 1 cannot be analyzed, 2 wrong usage, 130 interrupted.
    """
    if len(system) > 2:
        raise typer.BadParameter("name one system or two", param_hint="SYSTEM")
    if output is not None and output.suffix.lower() not in (".html", ".json"):
        said = f"expected a name that ends in .html or .json, found {str(output)!r}"
        raise typer.BadParameter(said, param_hint="--output")
    from farmaner.evaluation.analysis import analyze as analyze_system
    from farmaner.evaluation.inputs import read_gold, read_system
    from farmaner.evaluation.report import Report
    from farmaner.formats.brat import read_brat
    from farmaner.formats.files import write_text

    expected = read_gold(gold)
    seen = None if train is None else read_brat(train)
    by_id = {document.id: document for document in expected}
    systems = tuple(
        analyze_system(expected, read_system(path, by_id), name=str(path), train=seen)
        for path in system
    )
    report = Report(tuple(expected), systems, str(gold), None if train is None else str(train))
    _warn(systems)
    if output is not None:
        is_page = output.suffix.lower() == ".html"
        write_text(output, report.as_html() if is_page else _as_json(report))
    if as_json is not None:
        write_text(as_json, _as_json(report))
    from rich.console import Console

    console = Console(highlight=False)
    for analysis in systems:
        console.print(analysis.name, markup=False, overflow="fold")
        console.print(_table(analysis.classes, analysis.score.micro))
        if analysis.codes is not None:
            console.print(_table(analysis.codes.classes, analysis.codes.score.micro, "code class"))


def _as_json(report: Report) -> str:
    return json.dumps(report.as_dict(), indent=1, ensure_ascii=False) + "\n"


def _warn(systems: tuple[SystemAnalysis, ...]) -> None:
    from farmaner.evaluation.official import named

    for system in systems:
        missing = system.score.coverage.missing
        if missing:
            print(
                f"farmaner: warning: {system.name}: {named(missing)} of gold missing: all their "
                "gold counts as missed",
                file=sys.stderr,
            )


def _table(classes: Mapping[Any, ClassCounts], micro: Counts, heading: str = "class") -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    n_errors = sum(counts.n_errors for counts in classes.values())
    footers = (n_errors, micro.false_negatives, micro.false_positives)
    table.add_column(heading, footer="all")
    for name, total in zip(("errors", "FN", "FP"), footers, strict=True):
        table.add_column(name, justify="right", no_wrap=True, footer=str(total))
    for name, counts in classes.items():
        cells = (counts.n_errors, counts.false_negatives, counts.false_positives)
        table.add_row(name, *map(str, cells))
    return table
