"""Every format of the table, written and read back: what it holds, and that it says what not.

The table in docs/formats.md is compared with what is measured here, row by row.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import ConfigError, MissingExtraError
from farmaner.formats.losses import describe
from farmaner.formats.table import FORMATS, Format, find_format, format_of

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
MODULES = {
    "bioc": "bioc",
    "fhir": "fhir.resources",
    "inception": "cassis",
    "spacy": "spacy",
    "tables": "pyarrow",
}

TEXT = "Toma oro y cobre."
ORO, COBRE = Span(5, 8), Span(11, 16)


def one(entity: Entity, text: str = TEXT) -> Document:
    return Document("nota 1", text, (entity,))


PLAIN = Entity(ORO, "NORMALIZABLES", "oro")
EMOJI = "💊 🧪 A\u0301cido fólico, 2 µg; Ñ oro"
PROBES = {
    "labels": Document("nota 1", TEXT, (PLAIN, Entity(COBRE, "UNCLEAR", "cobre"))),
    "emoji, accents": one(Entity(Span(len(EMOJI) - 3, len(EMOJI)), "X", "oro"), EMOJI),
    "scores": one(Entity(ORO, "X", "oro", 0.8125)),
    "codes": one(Entity(ORO, "X", "oro", None, Concept("<null>"))),
    "code scores": one(Entity(ORO, "X", "oro", None, Concept("CHEBI:30050", 0.75))),
    "discontinuous": one(
        Entity(Span(5, 16), "X", "oro cobre", None, None, (ORO, COBRE)),
    ),
    "overlapping": Document("nota 1", TEXT, (PLAIN, Entity(Span(5, 16), "X", "oro y cobre"))),
    "inside a word": one(Entity(Span(6, 8), "X", "ro")),
    "empty texts": Document("nota 1", ""),
    "white space": one(Entity(Span(7, 10), "X", "oro"), "Toma\r\n\toro\n\n  y  más\u2028agua.\r\n"),
    "control characters": one(PLAIN, "Toma oro\x00\x0b."),
    "brat lines": Document("nota 1", TEXT, (PLAIN,), ("R1\tDosis Arg1:T1 Arg2:T1",)),
}
READABLE = [one for one in FORMATS if one.read is not None]


def needed(one: Format) -> None:
    """Skip where the format's extra is not installed."""
    if one.extra is not None:
        pytest.importorskip(MODULES[one.extra], reason=f"needs the extra {one.extra}")


def there_and_back(one: Format, document: Document, folder: Path) -> tuple[bool, str]:
    """Write a document and read it; return whether it is the same, and the losses reported."""
    assert one.read is not None
    path = folder / "salida"
    losses = one.write([document], path)
    return list(one.read(path)) == [document], describe(losses)


def measured_row(one: Format, folder: Path) -> dict[str, bool]:
    row = {}
    for name, document in PROBES.items():
        place = folder / name
        place.mkdir()
        held, lost = there_and_back(one, document, place)
        assert bool(lost) is not held, f"{one.name}, {name}: {lost or 'nothing'} reported"
        row[name] = held
    return row


def documented_rows() -> dict[str, dict[str, bool]]:
    lines = re.findall(r"^\| *(.*) *\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    start = next(number for number, row in enumerate(cells) if row[0] == "holds")
    head, rows = cells[start][1:], cells[start + 2 :]
    words = {"yes": True, "no": False}
    return {
        row[0].strip("`"): dict(zip(head, (words[cell] for cell in row[1:]), strict=True))
        for row in rows
        if row[1] in words
    }


@pytest.mark.parametrize("one", READABLE, ids=lambda one: one.name)
def test_what_the_page_says_a_format_holds_is_what_comes_back(one: Format, tmp_path: Path) -> None:
    needed(one)
    assert documented_rows()[one.name] == measured_row(one, tmp_path)


def test_the_page_has_a_row_for_every_format_that_can_be_read() -> None:
    assert list(documented_rows()) == [one.name for one in READABLE]


def test_the_page_names_every_format_with_its_endings_and_its_extra() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for one in FORMATS:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{one.name}` |"))
        assert [ending for ending in one.endings if ending not in row] == []
        assert one.extra is None or f"`{one.extra}`" in row


AWKWARD = (
    "💊 <b>Ácido fólico</b> ]]> &amp; a\u0301rnica;\ttoma\r\n\r\nT4 libre | 2º\n# newdoc id = x\n"
)
AWKWARD_DOCUMENTS = [
    Document("a-b", AWKWARD).with_entities(
        [
            Entity(Span(5, 17), "NORMALIZABLES", "Ácido fólico", 0.5, Concept("63718003", 0.25)),
            Entity(Span(5, 10), "PROTEINAS", "Ácido"),
            Entity(Span(32, 39), "UNCLEAR", "a\u0301rnica", None, Concept("<null>")),
        ]
    ),
    Document("nota ñ", ""),
    Document("sin entidades", "Sin novedad."),
]


@pytest.mark.parametrize("one", READABLE, ids=lambda one: one.name)
def test_a_format_says_the_same_once_more_what_it_said_once(one: Format, tmp_path: Path) -> None:
    """What was lost the first time is all that is ever lost."""
    needed(one)
    assert one.read is not None
    one.write(AWKWARD_DOCUMENTS, tmp_path / "una")
    once = list(one.read(tmp_path / "una"))
    again = one.write(once, tmp_path / "otra")
    assert list(one.read(tmp_path / "otra")) == once
    assert describe(again) == ""


@pytest.mark.parametrize("one", READABLE, ids=lambda one: one.name)
def test_no_documents_are_no_documents(one: Format, tmp_path: Path) -> None:
    needed(one)
    assert one.read is not None
    assert describe(one.write([], tmp_path / "nada")) == ""
    if one.name in ("brat", "inception"):  # a folder without files is no corpus
        return
    assert list(one.read(tmp_path / "nada")) == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("corpus", "brat"),
        ("a.b/corpus", "brat"),
        ("notas.jsonl", "jsonl"),
        ("notas.doccano.jsonl", "doccano"),
        ("notas.bioc.xml", "bioc-xml"),
        ("notas.xmi", "inception"),
    ],
)
def test_a_format_goes_by_the_longest_ending_of_the_name(name: str, found: str) -> None:
    assert format_of(Path(name)) == find_format(found)


def test_a_name_that_says_no_format_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"^notas\.json: expected a format by its name, or one of"
    ):
        format_of(Path("notas.json"))
    with pytest.raises(
        ConfigError, match=r"^format: expected one of brat, jsonl, .* found 'word'$"
    ):
        find_format("word")


@pytest.mark.parametrize("one", [one for one in FORMATS if one.extra], ids=lambda one: one.name)
def test_a_missing_library_is_named_with_its_pip_line(
    one: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert one.read is not None
    assert one.extra is not None
    name = MODULES[one.extra]
    for loaded in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
        monkeypatch.delitem(sys.modules, loaded)
    for module in (name, "fhir.resources.R4B.bundle", "fhir.resources"):
        monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "x.xmi").touch()
    for use in (lambda: one.write([PROBES["labels"]], tmp_path / "x"), lambda: one.read(tmp_path)):
        with pytest.raises(MissingExtraError, match=rf'pip install "farmaner\[{one.extra}\]"$'):
            use()
