"""Whatever stands around and inside entities, they keep their places through every format."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from farmaner import Concept, Document, Entity, Span
from farmaner.corpus import check_corpus
from farmaner.errors import FarmanerError, FormatError
from farmaner.formats.ann import format_ann, parse_ann, try_parse_ann
from farmaner.formats.brat import AnnFile, align, read_brat, write_brat
from farmaner.formats.jsonl import read_jsonl, write_jsonl

LINE_OF_20_000 = "Refiere dolor. " * 1333 + "Fin. "
AWKWARD = [
    "💊",
    "👩🏽‍⚕️",
    "e\u0301",
    "\u0303",
    "\r\n",
    "\n",
    "\r",
    "\t",
    "\ufeff",
    "\u2028",
    "\x85",
    "\xa0",
    "ñ",
]
JUNK = st.one_of(
    st.sampled_from([*AWKWARD, " ", " toma ", "0,5 mg/", LINE_OF_20_000]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
SURFACES = st.one_of(
    st.sampled_from(["ibuprofeno", "ácido\r\nfólico", "α-fetoproteína", "💊", "Ca\tK"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
)
LABELS = st.sampled_from(["NORMALIZABLES", "PROTEINAS"])
CODES = st.sampled_from([None, "387207008", "CHEBI:3815", "<null>"])
OTHER_LINES = st.lists(
    st.sampled_from(["R1\tJunto Arg1:T1 Arg2:T2", "A1\tNegado T1", "#5\tAnnotatorNotes R1\tver"]),
    unique=True,
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Draw a document of junk and entities, some of them discontinuous."""
    text, entities = draw(JUNK), list[Entity]()
    for number in range(1, draw(st.integers(0, 4)) + 1):
        start, surface = len(text), draw(SURFACES)
        text += surface
        fragments: tuple[Span, ...] = ()
        if draw(st.integers(0, 4)) == 0:
            second = len(text) + len(gap := draw(JUNK))
            more = draw(SURFACES)
            text += gap + more
            fragments = Span(start, start + len(surface)), Span(second, len(text))
            surface += " " + more
        code = draw(CODES)
        concept = None if code is None else Concept(code)
        span = Span(start, len(text))
        entities.append(Entity(span, draw(LABELS), surface, None, concept, fragments, f"T{number}"))
        text += "".join(draw(st.lists(JUNK, max_size=3)))
    return Document("nota", text, tuple(entities), tuple(draw(OTHER_LINES)))


@given(documents())
@settings(max_examples=200, deadline=None)
def test_every_document_survives_brat(document: Document) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_brat([document], folder)
        assert read_brat(folder) == [document]
        assert read_brat(folder, realign=False) == [document]
        assert Path(folder, "nota.txt").read_bytes() == document.text.encode()


@given(documents(), st.sampled_from(["farmaner", "hf"]))
@settings(max_examples=100, deadline=None)
def test_every_document_survives_json_lines(document: Document, keys: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "notas.jsonl")
        write_jsonl([document, document], path, keys="hf" if keys == "hf" else "farmaner")
        again = read_jsonl(path, keys="hf" if keys == "hf" else "farmaner")
    bare = [
        Entity(e.span, e.label, e.text, e.score, e.concept, e.fragments) for e in document.entities
    ]
    assert again == [Document(document.id, document.text, tuple(bare))] * 2


def count_as(text: str, *, line_end: bool, bom: bool, utf16: bool) -> int:
    """Return how long an annotator's tool takes a text from a document's beginning to be."""
    if line_end:
        text = text.replace("\r\n", "\n")
    if bom:
        text = text.removeprefix("\ufeff")
    return len(text.encode("utf-16-le")) // 2 if utf16 else len(text)


@given(
    st.booleans(),
    st.lists(
        st.tuples(JUNK, st.sampled_from(["fármaco{}x", "ácido{}x\r\nfólico", "💊{}x", "é{}x"]))
    ),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@example(False, [("Dolor.\r\n", "é{}x"), (LINE_OF_20_000 + "\r\n", "é{}x")], True, False, False)
@settings(max_examples=300, deadline=None)
def test_however_the_annotator_counted_each_entity_is_found(
    marked: bool, parts: list[tuple[str, str]], line_end: bool, bom: bool, utf16: bool
) -> None:
    text, entities, written = "\ufeff" if marked else "", list[Entity](), list[Entity]()
    for number, (junk, pattern) in enumerate(parts):
        text += junk + "\n"
        surface = pattern.format(number)
        place = Span(len(text), len(text) + len(surface))
        start, end = (
            count_as(before, line_end=line_end, bom=bom, utf16=utf16)
            for before in (text, text + surface)
        )
        entities.append(Entity(place, "NORMALIZABLES", surface))
        column = surface.replace("\r\n", " " if line_end else "  ")
        written.append(Entity(Span(start, end), "NORMALIZABLES", column))
        text += surface + "\n"
    ann = AnnFile("nota.ann", tuple(written), tuple(range(1, len(written) + 1)))
    alignment = align("nota", text, ann)
    assert alignment.document == Document("nota", text, tuple(entities))
    moved = [
        (old.span, new.span)
        for old, new in zip(written, entities, strict=True)
        if old.span != new.span
    ]
    assert [(m.written.span, m.entity.span) for m in alignment.realigned] == moved


ANN_LINES = st.sampled_from(
    [
        "T1\tNORMALIZABLES 5 8\toro",
        "T2\tPROTEINAS 0 4\tToma",
        "T3\tPROTEINAS 0 4;5 8\tToma oro",
        "T4\tPROTEINAS 6 9\toro",
        "T5\tPROTEINAS 40 44\tToma",
        "#1\tAnnotatorNotes T1\t2309006",
        "#2\tAnnotatorNotes T2\t<null>",
        "#1\tAnnotatorNotes T3\t 1 ",
        "#3\tAnnotatorNotes T1\trevisar",
        "#4\tAnnotatorNotes T9\t2309006",
        "#2\tAnnotatorNotes T2\t",
        "#1\tAviso T1\tdudoso",
        "R1\tJunto Arg1:T1 Arg2:T2",
        "*\tEquiv T1 T2",
        "",
        "  ",
        "\ufeff",
        "sin tabuladores",
        "T1 NORMALIZABLES 5 8 oro",
        "T1\tNORMALIZABLES 8 5\toro",
        "X1\tOtro",
    ]
)


@given(
    st.lists(st.one_of(ANN_LINES, st.text(max_size=10)), max_size=12),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=500)
def test_every_line_of_an_ann_file_is_read_or_reported(lines: list[str], line_end: str) -> None:
    text = line_end.join(lines)
    ann, errors = try_parse_ann(text, "nota.ann")
    n_lines = sum(bool(line.strip()) for line in text.removeprefix("\ufeff").split("\n"))
    attached = sum(entity.concept is not None for entity in ann.entities)
    n_read = len(ann.entities) + len(ann.other_lines) + len(errors)
    assert n_lines in (n_read, n_read + attached)
    assert all(isinstance(error, FormatError) and error.line for error in errors)


@given(
    st.lists(
        ANN_LINES.filter(
            lambda line: (
                line[:2] in {"T1", "T2", "T3", "#1", "#2", "#3", "#4", "R1"}
                and not line.startswith("T1 ")
                and "8 5" not in line
            )
        ),
        unique=True,
    )
)
@settings(max_examples=500)
def test_writing_gives_back_every_line_that_was_read(lines: list[str]) -> None:
    ann = parse_ann("\n".join(lines))
    document = Document("nota", "Toma oro y nada.", ann.entities, ann.other_lines)
    written = format_ann(document)
    assert sorted(written.splitlines()) == sorted(lines)
    assert format_ann(align("nota", document.text, parse_ann(written)).document) == written


@given(
    st.binary(max_size=4)
    | st.sampled_from([b"Toma oro y nada.", b"\xef\xbb\xbfToma oro", b"Toma\r\noro"]),
    st.binary(max_size=4)
    | st.lists(ANN_LINES, max_size=6).map(lambda lines: "\n".join(lines).encode()),
)
@settings(max_examples=300, deadline=None)
def test_a_check_finds_problems_exactly_where_reading_fails(text: bytes, ann: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "nota.txt").write_bytes(text)
        Path(folder, "nota.ann").write_bytes(ann)
        problems = [finding.message for finding in check_corpus(folder).problems]
        try:
            read_brat(folder)
        except FarmanerError as error:
            assert str(error) in problems  # noqa: PT017
        else:
            assert problems == []
