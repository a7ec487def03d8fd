"""Annotate the example notes with the bundled model and compare its answer with their gold."""

from __future__ import annotations

import argparse
import io
import sys
import time
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

import farmaner
from farmaner.evaluation.official import NerScore, score_ner
from farmaner.formats.brat import read_brat

NOTES = Path(__file__).parent / "notes"
SHOWN_FIRST = (
    "alta-cardiologia",
    "linfoma-inmunohistoquimia",
    "enfermeria-turno-noche",
    "urocultivo-antibiograma",
    "mensaje-teleconsulta",
    "tac-sin-hallazgos",
)
LABELS = {  # label: colour, and a letter for where there are no colours
    "NORMALIZABLES": ("cyan", "N"),
    "NO_NORMALIZABLES": ("magenta", "X"),
    "PROTEINAS": ("green", "P"),
    "UNCLEAR": ("yellow", "U"),
}
VERDICTS = {  # verdict: what stands before and after the entity, and a style
    "found": ("‹", "›", "bold"),
    "missed": ("[-", "-]", "underline"),
    "spurious": ("{+", "+}", "reverse"),
}


def main() -> None:
    """Read the notes, annotate them, show some of them, score all of them."""
    n_shown = parse_arguments().notes
    gold = read_brat(NOTES)
    recognizer = farmaner.load()

    started = time.perf_counter()
    found = list(recognizer.recognize_documents(gold))
    seconds = time.perf_counter() - started

    console = Console(highlight=False)
    console.print(legend(console))
    pairs = {document.id: (document, answer) for document, answer in zip(gold, found, strict=True)}
    others = [id_ for id_ in pairs if id_ not in SHOWN_FIRST]
    for id_ in [*SHOWN_FIRST, *others][:n_shown]:
        note = highlight(*pairs[id_], console=console)
        console.print(Rule(f"[bold]{id_}", align="left", style="dim"), Padding(note, (0, 0, 1, 2)))

    console.print(table(score_ner(gold, found)))
    speed = len(gold) / seconds
    console.print(f"{len(gold)} documents in {seconds:.2f} s: {speed:.1f} documents/second")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--notes",
        type=int,
        default=len(SHOWN_FIRST),
        metavar="N",
        help="how many notes to show in full, all of them being scored (default: %(default)s)",
    )
    arguments = parser.parse_args()
    if arguments.notes < 0:
        parser.error(f"--notes: expected 0 or more, found {arguments.notes}")
    return arguments


def highlight(gold: farmaner.Document, found: farmaner.Document, *, console: Console) -> Text:
    """Return the text with each entity of either side marked as found, missed or spurious.

    Where the two overlap without agreeing, both stand there, one after the other.
    """
    wanted = {entity.key for entity in gold.entities}
    right = wanted & {entity.key for entity in found.entities}
    spurious = [entity for entity in found.entities if entity.key not in wanted]
    text, position = Text(), 0
    for entity in sorted([*gold.entities, *spurious], key=lambda entity: entity.start):
        at_fault = "missed" if entity.key in wanted else "spurious"
        verdict = "found" if entity.key in right else at_fault
        text.append(gold.text[position : entity.start])
        text.append_text(mark(entity.text, entity.label, verdict, console=console))
        position = max(position, entity.end)
    return text.append(gold.text[position:].rstrip())


def mark(words: str, label: str, verdict: str, *, console: Console) -> Text:
    """Return words between the verdict's marks, in the label's colour or with its letter."""
    before, after, style = VERDICTS[verdict]
    colour, letter = LABELS[label]
    without_colour = console.no_color or console.color_system is None
    return Text(
        f"{before}{words}{'·' + letter if without_colour else ''}{after}", f"{style} {colour}"
    )


def legend(console: Console) -> Text:
    """Return what the colours, letters and marks mean."""
    labels = [mark(label, label, "found", console=console) for label in LABELS]
    verdicts = [mark(name, "NORMALIZABLES", name, console=console) for name in VERDICTS]
    return Text("\n").join([Text("  ").join(labels), Text("  ").join(verdicts), Text()])


def table(score: NerScore) -> Table:
    """Return precision, recall and F1 with their counts, a row for each label and one for all."""
    result = Table(box=SIMPLE_HEAD, title="Exact match, the task's rules (UNCLEAR is not scored)")
    result.add_column("label")
    for heading in ("gold", "found", "missed", "spurious", "P", "R", "F1"):
        result.add_column(heading, justify="right")
    rows = [*score.by_label.items(), ("all", score.micro)]
    for label, counts in rows:
        n_found, n_missed = counts.true_positives, counts.false_negatives
        figures = (counts.precision, counts.recall, counts.f1)
        result.add_row(
            Text(label, LABELS[label][0] if label in LABELS else "bold"),
            *(str(n) for n in (n_found + n_missed, n_found, n_missed, counts.false_positives)),
            *(f"{100 * figure:.1f}" for figure in figures),
        )
    return result


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may lack Greek letters and emoji
    try:
        main()
    except farmaner.FarmanerError as error:
        sys.exit(f"demo: {error}")
