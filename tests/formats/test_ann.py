from __future__ import annotations

from dataclasses import replace

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import FormatError, UnsupportedError
from farmaner.formats.brat import AnnFile, format_ann, parse_ann, try_parse_ann

TEXT = "Toma ibuprofeno y omeprazol.\nPCR alta."
IBUPROFENO = Entity(
    Span(5, 15), "NORMALIZABLES", "ibuprofeno", concept=Concept("387207008"), id="T1"
)
OMEPRAZOL = Entity(Span(18, 27), "NORMALIZABLES", "omeprazol", id="T2")
PCR = Entity(Span(29, 32), "PROTEINAS", "PCR", concept=Concept("<null>"), id="T3")
ANN = (
    "T1\tNORMALIZABLES 5 15\tibuprofeno\n"
    "#1\tAnnotatorNotes T1\t387207008\n"
    "T2\tNORMALIZABLES 18 27\tomeprazol\n"
    "T3\tPROTEINAS 29 32\tPCR\n"
    "#2\tAnnotatorNotes T3\t<null>\n"
)
OTHER_LINES = (
    "E1\tTratamiento:T1 Arg:T3",
    "R1\tJunto Arg1:T1 Arg2:T2",
    "A1\tNegado T2",
    "M1\tDudoso T2",
    "N1\tReference T1 SNOMED:387207008\tibuprofeno",
    "*\tEquiv T1 T2",
    "#7\tAnnotatorNotes E1\trevisar con farmacia",
    "#8\tAviso T9\tsin entidad",
)


def test_entities_come_with_offsets_as_written_ids_and_concepts() -> None:
    assert parse_ann(ANN, "nota.ann") == AnnFile(
        "nota.ann", (IBUPROFENO, OMEPRAZOL, PCR), (1, 3, 4), ()
    )


def test_writing_gives_back_what_was_read() -> None:
    document = Document("nota", TEXT, parse_ann(ANN).entities)
    assert format_ann(document) == ANN


def test_a_document_without_anything_is_an_empty_file() -> None:
    assert (parse_ann("", "nota.ann"), format_ann(Document("nota", TEXT))) == (
        AnnFile("nota.ann"),
        "",
    )


def test_every_other_kind_of_line_is_kept_and_written_after_the_entities() -> None:
    lines = ANN.splitlines()
    mixed = "".join(f"{line}\n" for line in [*OTHER_LINES[:4], *lines, *OTHER_LINES[4:]])
    ann = parse_ann(mixed)
    assert (ann.entities, ann.other_lines) == ((IBUPROFENO, OMEPRAZOL, PCR), OTHER_LINES)
    document = Document("nota", TEXT, ann.entities, ann.other_lines)
    assert format_ann(document) == ANN + "".join(f"{line}\n" for line in OTHER_LINES)


def test_byte_order_mark_crlf_blank_lines_and_a_missing_line_end_change_only_line_numbers() -> None:
    awkward = "\ufeff\r\n" + ANN.replace("\n", "\r\n \t\r\n").removesuffix("\r\n \t\r\n")
    assert parse_ann(awkward, "nota.ann") == AnnFile(
        "nota.ann", (IBUPROFENO, OMEPRAZOL, PCR), (2, 6, 8), ()
    )


def test_only_a_line_feed_ends_a_line() -> None:
    ann = parse_ann("T1\tX 0 3\ta\u2028b\nT2\tX 4 7\tc\x85d\n")
    assert [entity.text for entity in ann.entities] == ["a\u2028b", "c\x85d"]


def test_fragments_are_read_and_written() -> None:
    line = "T1\tPROTEINAS 0 11;22 29\tanticuerpos anti-La\n"
    entity = Entity(
        Span(0, 29),
        "PROTEINAS",
        "anticuerpos anti-La",
        fragments=(Span(0, 11), Span(22, 29)),
        id="T1",
    )
    assert parse_ann(line).entities == (entity,)
    assert format_ann(Document("nota", "anticuerpos anti-Ro y anti-La", (entity,))) == line


def test_a_note_may_stand_before_its_entity() -> None:
    ann = parse_ann("#1\tAnnotatorNotes T1\t387207008\nT1\tNORMALIZABLES 5 15\tibuprofeno\n")
    assert ann.entities == (IBUPROFENO,)


def test_notes_keep_their_numbers() -> None:
    text = ANN.replace("#1\t", "#40\t").replace("#2\t", "#7\t")
    ann = parse_ann(text)
    assert ann.entities == (IBUPROFENO, OMEPRAZOL, PCR)
    assert format_ann(Document("nota", TEXT, ann.entities, ann.other_lines)) == text


def test_notes_in_another_order_than_their_entities_keep_their_numbers() -> None:
    lines = ANN.splitlines()
    lines[1], lines[4] = lines[4].replace("#2", "#1"), lines[1].replace("#1", "#2")
    ann = parse_ann("\n".join(lines))
    assert ann.entities == (IBUPROFENO, OMEPRAZOL, PCR)
    lines[1], lines[4] = lines[4], lines[1]
    written = format_ann(Document("nota", TEXT, ann.entities, ann.other_lines))
    assert written.splitlines() == lines


def test_notes_after_all_entities_are_written_each_after_its_own() -> None:
    lines = ANN.splitlines()
    ann = parse_ann("\n".join([lines[0], *lines[2:4], lines[1], lines[4]]))
    assert (ann.entities, ann.other_lines) == ((IBUPROFENO, OMEPRAZOL, PCR), ())


def test_a_changed_concept_replaces_the_note_it_was_read_from() -> None:
    ann = parse_ann(ANN.replace("#1\t", "#40\t"))
    entities = (replace(ann.entities[0], concept=Concept("1")), *ann.entities[1:])
    written = format_ann(Document("nota", TEXT, entities, ann.other_lines))
    assert written == ANN.replace("387207008", "1")


def test_a_second_note_about_an_entity_is_no_concept_and_is_kept() -> None:
    text = ANN + "#3\tAnnotatorNotes T1\trevisar\n"
    ann = parse_ann(text)
    assert ann.entities == (IBUPROFENO, OMEPRAZOL, PCR)
    assert format_ann(Document("nota", TEXT, ann.entities, ann.other_lines)) == text


def test_a_note_about_no_entity_or_without_text_is_kept() -> None:
    lines = ("#1\tAnnotatorNotes T9\t387207008", "#2\tAnnotatorNotes T2\t ")
    ann = parse_ann("T2\tNORMALIZABLES 18 27\tomeprazol\n" + "\n".join(lines))
    assert (ann.entities, ann.other_lines) == ((OMEPRAZOL,), lines)


def test_repeated_ids_are_read_and_renumbered_when_written() -> None:
    text = "T2\tA 0 4\tToma\nT2\tB 5 15\tibuprofeno\nT5\tC 18 27\tomeprazol\n"
    ann = parse_ann(text)
    assert [entity.id for entity in ann.entities] == ["T2", "T2", "T5"]
    assert format_ann(Document("nota", TEXT, ann.entities, ("A1\tNegado T1",))) == (
        "T2\tA 0 4\tToma\nT3\tB 5 15\tibuprofeno\nT5\tC 18 27\tomeprazol\nA1\tNegado T1\n"
    )


def test_entities_without_ids_are_numbered_with_their_notes() -> None:
    document = Document("nota", TEXT)
    entities = (
        document.entity("NORMALIZABLES", 5, 15, concept=Concept("387207008")),
        document.entity("NORMALIZABLES", 18, 27),
        document.entity("PROTEINAS", 29, 32, concept=Concept("<null>")),
    )
    assert format_ann(document.with_entities(entities)) == ANN


def test_line_ends_and_tabs_inside_a_surface_become_spaces() -> None:
    document = Document("nota", "ácido\r\nfólico\t5")
    entities = [document.entity("NORMALIZABLES", 0, 15)]
    assert format_ann(document.with_entities(entities)) == (
        "T1\tNORMALIZABLES 0 15\tácido  fólico 5\n"
    )


@pytest.mark.parametrize(
    ("line", "expected", "found"),
    [
        (
            "T1 PROTEINAS 0 3 PCR",
            "an id, a label with offsets and the surface between tabs",
            "0 tabs",
        ),
        ("T1\tPROTEINAS 0 3", "an id, a label with offsets and the surface between tabs", "1 tabs"),
        ("Tx\tPROTEINAS 0 3\tPCR", "an id of T and a number", "another id"),
        (
            "T1\tPROTEINAS 0-3\tPCR",
            "a label and offsets such as 27 46 or 27 30;35 46",
            "a second field of another form",
        ),
        (
            "T1\tPROTEINAS ٠ ٣\tPCR",
            "a label and offsets such as 27 46 or 27 30;35 46",
            "a second field of another form",
        ),
        (
            "T1\tPROTEINAS 0 " + "9" * 5000 + "\tPCR",
            "a label and offsets such as 27 46 or 27 30;35 46",
            "a second field of another form",
        ),
        (
            "T1\t 0 3\tPCR",
            "a label and offsets such as 27 46 or 27 30;35 46",
            "a second field of another form",
        ),
        ("T1\tPROTEINAS 3 3\tPCR", "offsets with 0 <= start < end, fragments in order", "3 3"),
        ("T1\tX 9 12;0 3\tPCR a", "offsets with 0 <= start < end, fragments in order", "9 12;0 3"),
        ("paciente sin tabuladores", "a brat annotation with tabs", "a line without tabs"),
        ("#nota suelta", "a brat annotation with tabs", "a line without tabs"),
        ("X1\tOtro T1", "a brat annotation with tabs", "an unknown kind"),
    ],
)
def test_a_malformed_line_is_named_and_never_quoted(line: str, expected: str, found: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_ann(ANN + line + "\n", "c/nota.ann")
    assert str(caught.value) == f"c/nota.ann:6: expected {expected}, found {found}"


def test_all_malformed_lines_can_be_had_at_once() -> None:
    ann, errors = try_parse_ann("uno\n" + ANN + "dos\n", "nota.ann")
    assert ann.entities == (IBUPROFENO, OMEPRAZOL, PCR)
    assert [str(error) for error in errors] == [
        "nota.ann:1: expected a brat annotation with tabs, found a line without tabs",
        "nota.ann:7: expected a brat annotation with tabs, found a line without tabs",
    ]


@pytest.mark.parametrize(
    ("label", "code", "message"),
    [
        ("DOS PALABRAS", "1", "nota: expected a label that brat can write, found a space in it"),
        ("", "1", "nota: expected a label that brat can write, found an empty one"),
        ("A\tB", "1", "nota: expected a label that brat can write, found a tab or line end in it"),
        ("A", "1\n2", "nota: expected a code that brat can write, found a tab or line end in it"),
        ("A", " 1", "nota: expected a code that brat can write, found spaces around it"),
        ("A", " ", "nota: expected a code that brat can write, found an empty one"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(label: str, code: str, message: str) -> None:
    document = Document("nota", TEXT)
    entity = document.entity(label, 5, 15, concept=Concept(code))
    with pytest.raises(UnsupportedError) as caught:
        format_ann(document.with_entities([entity]))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("line", "found"), [("A1\tX T1\nT9\tX 0 3\tfoo", "a line end inside one"), (" ", "a blank one")]
)
def test_an_other_line_is_one_line(line: str, found: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        format_ann(Document("nota", TEXT, (), (line,)))
    assert str(caught.value) == f"nota: expected other_lines of one line each, found {found}"
