"""`farmaner corpus`: look at a corpus folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farmaner.cli.manual import App

if TYPE_CHECKING:
    from farmaner.corpus import ChecksumReport, CorpusReport, Finding

app = App()


@app.callback()
def corpus() -> None:
    """Look at a corpus folder.

    Examples:
      farmaner corpus check corpus/train

    Exit codes: 0 no problem, 1 otherwise, 2 wrong usage, 130 interrupted.
    """


@app.command(no_args_is_help=True)
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="folder of DOC.txt and DOC.ann")],
    checksums: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="list of SHA-256 sums to compare the files with"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Verify a brat folder: offsets, surfaces, lines, pairs of files, and counts by label.

    Problems are what no other command would read: malformed lines, entities that are neither at
    their offsets nor near them, files without a partner or not in UTF-8. Warnings are what is read
    all the same: offsets that had to be realigned, overlaps, duplicates, fragments.

    Examples:
      farmaner corpus check corpus/train
      farmaner corpus check corpus/train --checksums corpus/SHA256SUMS
      farmaner corpus check corpus/train --json

    Exit codes: 0 no problem and all files as in the list, 1 otherwise, 2 wrong usage, 130
    interrupted.
    """
    from farmaner.corpus import check_corpus, verify_checksums

    report = check_corpus(folder)
    sums = None if checksums is None else verify_checksums(checksums, folder)
    if as_json:
        typer.echo(json.dumps(_to_json(report, sums), ensure_ascii=False, indent=2))
    else:
        _print(report, sums)
    if report.problems or (sums is not None and not sums.ok):
        raise typer.Exit(1)


def _to_json(report: CorpusReport, sums: ChecksumReport | None) -> dict[str, Any]:
    values = asdict(report) | {"n_entities": report.n_entities}
    if sums is not None:
        values["checksums"] = asdict(sums)
    return values


def _print(report: CorpusReport, sums: ChecksumReport | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in _counts(report, sums):
        table.add_row(Text(name), f"{count:,}")
    console.print(report.folder, style="bold", markup=False, highlight=False, soft_wrap=True)
    console.print(table)
    for title, style, lines in _lists(report, sums):
        console.print(f"\n{title}", style=style, markup=False, highlight=False)
        for line in lines:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    verdict = "1 problem" if len(report.problems) == 1 else f"{len(report.problems):,} problems"
    warned = "1 warning" if len(report.warnings) == 1 else f"{len(report.warnings):,} warnings"
    console.print(f"\n{verdict}, {warned}", style="bold", highlight=False)


def _counts(report: CorpusReport, sums: ChecksumReport | None) -> list[tuple[str, int]]:
    counts = [
        ("documents", report.n_documents),
        ("without entities", report.n_documents_without_entities),
        ("characters", report.n_characters),
        ("entities", report.n_entities),
        *((f"  {label}", count) for label, count in report.n_entities_by_label.items()),
        ("entities with a code", report.n_coded_entities),
        ("different codes", report.n_codes),
        ("offsets realigned", report.n_of("realigned")),
        ("entities out of place", report.n_of("mismatch")),
        ("malformed lines", report.n_of("malformed line")),
        ("unreadable files", report.n_of("unreadable file")),
        (".txt without .ann", report.n_of("text without ann")),
        (".ann without .txt", report.n_of("ann without text")),
        ("overlaps", report.n_of("overlap")),
        ("duplicates", report.n_of("duplicate")),
        ("discontinuous", report.n_of("discontinuous")),
    ]
    if sums is not None:
        counts += [
            ("files as in the list", sums.n_equal),
            ("files changed", len(sums.changed)),
            ("files missing", len(sums.missing)),
            ("files not in the list", len(sums.unlisted)),
        ]
    return counts


def _lists(report: CorpusReport, sums: ChecksumReport | None) -> list[tuple[str, str, list[str]]]:
    lists = [
        ("Problems", "red", _messages(report.problems)),
        ("Warnings", "yellow", _messages(report.warnings)),
    ]
    if sums is not None:
        lists += [
            ("Files changed", "red", list(sums.changed)),
            ("Files missing", "red", list(sums.missing)),
            ("Files not in the list", "red", list(sums.unlisted)),
        ]
    return [(title, style, lines) for title, style, lines in lists if lines]


def _messages(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.message for finding in findings]
