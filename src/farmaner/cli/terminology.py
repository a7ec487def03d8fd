"""`farmaner terminology`: build a terminology, and look into one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farmaner.cli.completion import choices
from farmaner.cli.manual import App
from farmaner.errors import FarmanerError

if TYPE_CHECKING:
    from farmaner.linking.terms import Term

app = App()

TerminologyOption = Annotated[
    Path | None,
    typer.Option(
        "--terminology",
        "-t",
        metavar="FILE",
        help="terminology to look into",
        show_default="the bundled one",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON object")]


@app.callback()
def terminology() -> None:
    """Build a terminology (names with codes), and look into one.

    Examples:
      farmaner terminology build --brat corpus/train --output my.terms
      farmaner terminology search "amoxi clav" --terminology my.terms

    Exit codes: 0 done, 1 failed or nothing found, 2 wrong usage, 130 interrupted.
    """


@app.command(no_args_is_help=True)
def build(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="file to write")],
    brat: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="annotated brat folder; may be given repeatedly"),
    ] = None,
    rf2: Annotated[
        Path | None, typer.Option(metavar="DIR", help="SNOMED CT RF2 snapshot folder, your own")
    ] = None,
    table: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="CSV or TSV with named columns; may be given repeatedly"),
    ] = None,
    hierarchy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|ID",
            help="of RF2: substance, product, a concept's identifier, or all; with descendants; "
            "may be given repeatedly",
            show_default="substance and product",
            autocompletion=choices("substance", "product", "all"),
        ),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE",
            help="of RF2: language of descriptions; may be given repeatedly",
            show_default="es",
        ),
    ] = None,
    refset: Annotated[
        str | None, typer.Option(metavar="ID", help="of RF2: only terms of this language refset")
    ] = None,
    term_column: Annotated[
        str, typer.Option(metavar="NAME", help="of tables: where the names are")
    ] = "term",
    code_column: Annotated[
        str, typer.Option(metavar="NAME", help="of tables: where the codes are")
    ] = "code",
    label_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="of tables: where the entity labels are", show_default="none"
        ),
    ] = None,
    synonyms: Annotated[
        bool, typer.Option(help="add the package's own tables of synonyms and known names")
    ] = True,
) -> None:
    """Compile names with codes into one file that is mapped into memory.

    Sources may be combined. From a brat folder come the annotated names with their codes and
    counts, and what a linker may trust; a SNOMED CT release and other tables add names.

    Examples:
      farmaner terminology build --brat corpus/train --output my.terms
      farmaner terminology build --brat corpus/train --rf2 SnomedCT/ -o my.terms
      farmaner terminology build --table drugs.csv --code-column atc -o my.terms

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    if not (brat or rf2 or table):
        raise typer.BadParameter("name at least one source", param_hint="--brat, --rf2 or --table")
    from farmaner.formats.brat import read_brat_folders
    from farmaner.linking.build import build_terminology
    from farmaner.linking.rf2 import read_rf2
    from farmaner.linking.sources import read_table

    terms: list[Term] = []
    if rf2:
        chosen = hierarchy or ["substance", "product"]
        hierarchies = () if chosen == ["all"] else tuple(chosen)
        terms += read_rf2(rf2, hierarchies=hierarchies, languages=language or ["es"], refset=refset)
    for path in table or []:
        terms += read_table(
            path, term_column=term_column, code_column=code_column, label_column=label_column
        )
    documents = read_brat_folders(brat or [])
    built = build_terminology(documents, terms, synonyms=None if synonyms else (), output=output)
    print(
        f"{output}: {len(built):,} terms, {built.n_codes:,} codes, {output.stat().st_size:,} bytes"
    )


@app.command(no_args_is_help=True)
def search(
    query: Annotated[str, typer.Argument(metavar="TEXT", help="words, or beginnings of words")],
    terminology: TerminologyOption = None,
    limit: Annotated[int, typer.Option(min=1, help="most terms to show")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Find terms by their words or the beginnings of these.

    Examples:
      farmaner terminology search "amoxi clav"
      farmaner terminology search insulina --limit 3 --json

    Exit codes: 0 found, 1 nothing found or no terminology, 2 wrong usage, 130 interrupted.
    """
    from farmaner.linking.build import load_terminology
    from farmaner.linking.search import search as find

    hits = find(load_terminology(terminology), query, limit=limit)
    if as_json:
        rows = [
            {
                "term": hit.term.text,
                "code": hit.term.code,
                "label": hit.term.label or None,
                "count": hit.term.count,
                "source": hit.term.source,
                "score": round(hit.score, 4),
            }
            for hit in hits
        ]
        print(json.dumps({"query": query, "terms": rows}, ensure_ascii=False, indent=2))
    else:
        _print_table(
            ("term", "code", "label", "count", "source"),
            [
                (h.term.text, h.term.code, h.term.label, str(h.term.count), h.term.source)
                for h in hits
            ],
        )
    if not hits:
        raise FarmanerError("terminology: expected a term with these words, found none")


@app.command()
def info(terminology: TerminologyOption = None, as_json: JsonOption = False) -> None:
    """Say what a terminology holds: terms by source and label, codes, the linker's threshold.

    Examples:
      farmaner terminology info
      farmaner terminology info --terminology my.terms --json

    Exit codes: 0 done, 1 no terminology, 2 wrong usage, 130 interrupted.
    """
    from farmaner.linking.build import load_terminology
    from farmaner.linking.model import LinkingModel

    loaded = load_terminology(terminology)
    sources = Counter(term.source for term in loaded)
    labels = Counter(term.label or "none" for term in loaded)
    facts = {"terms": len(loaded), "codes": loaded.n_codes}
    if as_json:
        threshold = LinkingModel.of(loaded.meta).threshold
        report = {**facts, "sources": sources, "labels": labels, "threshold": threshold}
        print(json.dumps(report, ensure_ascii=False, indent=2))
        return
    rows = [(name, f"{count:,}") for name, count in facts.items()]
    rows += [(f"source {name}", f"{count:,}") for name, count in sources.most_common()]
    rows += [(f"label {name}", f"{count:,}") for name, count in labels.most_common()]
    _print_table(("", "number"), rows)


def _print_table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in ("count", "number") else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    Console(highlight=False).print(table)
