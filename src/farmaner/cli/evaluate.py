"""`farmaner evaluate`: score systems against gold by the task's own rules."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from farmaner.cli.completion import choices
from farmaner.cli.manual import App

if TYPE_CHECKING:
    from rich.table import Table

    from farmaner.evaluation import Counts, IndexingScore, NerScore, Rules

    Score: TypeAlias = NerScore | IndexingScore

_TABLE_WIDTH = 66  # holds three figures in full precision

app = App()


class RulesName(str, Enum):
    """The values of --rules; each names a value of `farmaner.evaluation.RULES`."""

    strict = "strict"
    codalab = "codalab"
    standalone = "standalone"


RulesOption = Annotated[
    RulesName,
    typer.Option(
        "--rules",
        help="whose rules; see above",
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="print one JSON object with every figure in full"),
]


@app.callback()
def evaluate() -> None:
    """Score systems against gold by the PharmaCoNER task's own rules.

    Examples:
      farmaner evaluate ner dev/ predicted/
      farmaner evaluate indexing dev/ codes/

    Exit codes: 0 scored, 1 cannot be scored, 2 wrong usage, 130 interrupted.
    """


@app.command()
def ner(
    gold: Annotated[Path, typer.Argument(help="folder of gold .ann files")],
    system: Annotated[list[Path], typer.Argument(help="folders of .ann files")],
    rules: RulesOption = RulesName.strict,
    as_json: JsonOption = False,
) -> None:
    """Score entities: label, start and end must all agree (subtrack 1).

    An entity counts as found when gold has the same label over exactly the same characters of the
    same document. Ids, surface text and order play no part; a repeated line counts once.
    Discontinuous entities, which the task does not know, are refused.

    The rules codalab are those of the leaderboard's scorer, and standalone those of the
    organizers' other scorer, with UNCLEAR scored and four significant digits. Both leave documents
    that the system lacks out of the score. The rules strict are codalab's, but such documents count
    as missed, and documents that gold lacks are refused.

    Tables go to stdout, warnings (documents missing or unknown) to stderr.

    Examples:
      farmaner evaluate ner dev/ predicted/
      farmaner evaluate ner dev/ run1/ run2/ run3/ --rules codalab
      farmaner evaluate ner dev/ predicted/ --json > score.json

    Exit codes: 0 scored, 1 cannot be scored, 2 wrong usage, 130 interrupted.
    """
    from farmaner.evaluation import RULES, score_ner

    chosen = RULES[rules.value]
    _report("ner", gold, [(path, score_ner(gold, path, chosen)) for path in system], as_json)


@app.command()
def indexing(
    gold: Annotated[
        Path,
        typer.Argument(help="gold folder: .ann files with AnnotatorNotes, or .tsv files"),
    ],
    system: Annotated[list[Path], typer.Argument(help="folders of .tsv files")],
    rules: RulesOption = RulesName.strict,
    oracle: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            autocompletion=choices("bundled"),
            help="add a row: gold's own entities (.ann and .txt) linked by this terminology, or by "
            "the bundled one: bundled",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score each document's set of codes (subtrack 2).

    A system folder holds one DOC.tsv for every document and in it one line for every code: the
    document's id, a tab, the code. Where there is no code the file is empty.

    A gold folder that holds any .ann file is read as brat, the codes being those of its
    AnnotatorNotes; any other is read as .tsv. Gold in .tsv does not tell which codes only UNCLEAR
    entities carry: the rules strict and codalab drop those and so need brat. Rules are named as
    `evaluate ner` names them.

    With --oracle the row `gold spans` says what linking alone costs: the codes of the right
    entities of all gold documents, found by that terminology. What a system lacks beyond that, it
    lost in recognition.

    Tables go to stdout, warnings (documents missing or unknown) to stderr.

    Examples:
      farmaner evaluate indexing dev/ codes/
      farmaner evaluate indexing dev/ codes/ --oracle train.terms
      farmaner evaluate indexing gold-tsv/ run1/ run2/ --rules standalone

    Exit codes: 0 scored, 1 cannot be scored, 2 wrong usage, 130 interrupted.
    """
    from farmaner.evaluation import RULES, score_indexing

    chosen = RULES[rules.value]
    scores = [(path, score_indexing(gold, path, chosen)) for path in system]
    _report("indexing", gold, scores, as_json, _oracle(gold, oracle, chosen))


def _oracle(gold: Path, terminology: str | None, rules: Rules) -> IndexingScore | None:
    """Return the score of gold's own entities linked by a terminology."""
    if terminology is None:
        return None
    from farmaner.evaluation import score_indexing
    from farmaner.evaluation.inputs import read_gold
    from farmaner.linking import Linker
    from farmaner.linking.build import load_terminology

    linker = Linker(load_terminology(None if terminology == "bundled" else terminology))
    documents = read_gold(gold)
    return score_indexing(documents, list(linker.link_documents(documents)), rules)


def _report(
    task: str,
    gold: Path,
    scores: Sequence[tuple[Path, Score]],
    as_json: bool,
    oracle: IndexingScore | None = None,
) -> None:
    for path, score in scores:
        for warning in _warnings(score):
            print(f"farmaner: warning: {path}: {warning}", file=sys.stderr)
    if as_json:
        systems = [{"system": str(path), **score.as_dict()} for path, score in scores]
        report: dict[str, Any] = {"task": task, "gold": str(gold), "systems": systems}
        if oracle is not None:
            report["gold_spans"] = oracle.as_dict()
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return
    from rich.columns import Columns
    from rich.console import Console

    titles = _titles([str(path) for path, _ in scores])
    tables = [
        _table(title, score, oracle) for title, (_, score) in zip(titles, scores, strict=True)
    ]
    Console(highlight=False).print(Columns(tables, padding=(0, 3)))


def _titles(names: Sequence[str]) -> list[str]:
    """Return the names folded to a table's width and all of one height, to stand side by side."""
    width = _TABLE_WIDTH
    folded = [[name[at : at + width] for at in range(0, len(name), width)] for name in names]
    height = max(map(len, folded))
    return ["\n".join([""] * (height - len(lines)) + lines) for lines in folded]


def _warnings(score: Score) -> Iterable[str]:
    from farmaner.evaluation.official import named

    coverage, counts = score.coverage, score.micro
    if coverage.missing:
        effect = {
            "missed": "all their gold counts as missed",
            "ignored": "left out of the score",
        }
        yield f"{named(coverage.missing)} of gold missing: {effect[score.rules.missing]}"
    if coverage.unknown:
        yield f"{named(coverage.unknown)} not in gold: left out of the score"
    if not counts.true_positives + counts.false_negatives:
        yield "gold holds nothing to find in the documents scored: recall and F1 are 0"


def _table(title: str, score: Score, oracle: IndexingScore | None) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from farmaner.evaluation import NerScore

    n_documents = len(score.coverage.scored)
    table = Table(
        box=box.SIMPLE_HEAD,
        title=Text(
            f"{title}\n{score.rules.name} rules, documents scored: {n_documents}", overflow="fold"
        ),
        caption=_as_printed(score.micro, score.rules),
        title_justify="left",
        caption_justify="left",
        min_width=_TABLE_WIDTH,
    )
    table.add_column("", overflow="fold")
    for heading in ("P", "R", "F1", "TP", "FP", "FN"):
        table.add_column(heading, justify="right", no_wrap=True)
    labels = score.by_label if isinstance(score, NerScore) else {}
    for label, counts in labels.items():
        table.add_row(Text(label), *_cells(counts))
    table.add_row("micro", *_cells(score.micro), style="bold")
    if oracle is not None:
        table.add_row("gold spans", *_cells(oracle.micro))
    return table


def _cells(counts: Counts) -> list[str]:
    figures = (counts.precision, counts.recall, counts.f1)
    numbers = (counts.true_positives, counts.false_positives, counts.false_negatives)
    return [f"{figure:.4f}" for figure in figures] + [str(number) for number in numbers]


def _as_printed(counts: Counts, rules: Rules) -> str:
    """Return micro figures as the rules print them, which the cells' four decimals are not."""
    precision, recall, f1 = map(rules.printed, (counts.precision, counts.recall, counts.f1))
    return f"P {precision}  R {recall}  F1 {f1}"
