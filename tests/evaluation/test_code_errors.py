"""Every error in a code in one class: each rule by hand, and the sums against the score itself."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmaner.cli import run
from farmaner.document import Concept, Document, Entity, Span
from farmaner.evaluation import Counts, score_indexing
from farmaner.evaluation.analysis import analyze
from farmaner.evaluation.code_analysis import SURFACE_GROUPS, analyze_codes, vocabulary
from farmaner.evaluation.code_errors import CODE_ERROR_CLASSES, CodeError, match_codes
from farmaner.evaluation.error_classes import ClassCounts
from farmaner.evaluation.report import Report
from farmaner.formats.brat import write_brat
from farmaner.formats.jsonl import write_jsonl

TEXT = "Niega alergia a penicilina. Albúmina sérica 3,9 g/dl, CD3 y CD20 positivos, Na 140."
DRUG, PROTEIN, UNCLEAR = "NORMALIZABLES", "PROTEINAS", "UNCLEAR"


def entity(surface: str, code: str | None, label: str = DRUG) -> Entity:
    start = TEXT.index(surface)
    concept = None if code is None else Concept(code, 0.9)
    return Entity(Span(start, start + len(surface)), label, surface, None, concept)


def document(*entities: Entity, other_lines: tuple[str, ...] = ()) -> Document:
    return Document("caso", TEXT, entities, other_lines)


def errors(gold: Document, system: Document, seen: str = TEXT) -> list[CodeError]:
    return list(match_codes(gold, system, is_seen=seen.__contains__).errors)


def classes(gold: Document, system: Document) -> list[tuple[str, str | None, str | None]]:
    return [(e.error_class, e.missed, e.spurious) for e in errors(gold, system)]


PENICILLIN = entity("penicilina", "764146007")
ALBUMIN = entity("Albúmina sérica", "52454007", PROTEIN)


def test_a_right_code_on_its_span_is_found_whatever_its_label() -> None:
    system = document(entity("penicilina", "764146007", PROTEIN))

    matching = match_codes(document(PENICILLIN), system)

    assert matching.errors == ()
    assert matching.found == {"764146007": [PENICILLIN]}


def test_another_code_on_the_same_span_is_one_error_of_both() -> None:
    wrong = entity("penicilina", "<null>")
    assert errors(document(PENICILLIN), document(wrong)) == [
        CodeError("caso", "wrong code", "764146007", "<null>", PENICILLIN, wrong)
    ]


def test_a_wrong_code_that_is_right_elsewhere_costs_a_missed_code_alone() -> None:
    gold = document(PENICILLIN, ALBUMIN)
    system = document(entity("penicilina", "52454007"), ALBUMIN)
    assert classes(gold, system) == [("wrong code", "764146007", None)]


def test_a_code_where_gold_gives_none_is_wrong() -> None:
    gold = document(entity("penicilina", None))
    assert classes(gold, document(PENICILLIN)) == [("wrong code", None, "764146007")]


def test_a_name_left_without_a_code_was_seen_in_train_or_was_not() -> None:
    uncoded = entity("penicilina", None)
    [seen] = errors(document(PENICILLIN), document(uncoded), seen="penicilina")
    [unseen] = errors(document(PENICILLIN), document(uncoded), seen="")
    assert seen == CodeError("caso", "no code", "764146007", None, PENICILLIN, uncoded)
    assert unseen == CodeError("caso", "unseen surface", "764146007", None, PENICILLIN, uncoded)


@pytest.mark.parametrize(("code", "spurious"), [("1", "1"), (None, None)])
def test_characters_shared_are_a_wrong_span(code: str | None, spurious: str | None) -> None:
    gold, system = document(ALBUMIN), document(entity("Albúmina", code, PROTEIN))
    assert classes(gold, system) == [("wrong span", "52454007", spurious)]


def test_gold_alone_is_a_missed_entity_and_predicted_alone_a_spurious_one() -> None:
    assert classes(document(PENICILLIN), document(entity("Na", "39972003"))) == [
        ("missed entity", "764146007", None),
        ("spurious entity", None, "39972003"),
    ]


def test_the_code_of_an_unclear_entity_is_unclear() -> None:
    gold = document(entity("CD3", "1", UNCLEAR), PENICILLIN)
    system = document(entity("CD3", "1", PROTEIN), entity("penicilina", None, UNCLEAR))
    assert classes(gold, system) == [("unclear", "764146007", None), ("unclear", None, "1")]


def test_a_right_code_from_a_wrong_span_costs_nothing() -> None:
    elsewhere = entity("Na", "764146007")
    gold, system = document(PENICILLIN), document(elsewhere)
    assert errors(gold, system) == [
        CodeError("caso", "right code from wrong span", None, None, PENICILLIN, elsewhere)
    ]
    assert analyze_codes([gold], [system]).score.micro == Counts(1, 0, 0)


def test_one_span_of_several_is_enough_to_be_right() -> None:
    gold = document(PENICILLIN, entity("Na", "764146007"))
    assert errors(gold, document(PENICILLIN, entity("CD20", "764146007"))) == []


def test_the_closest_codes_are_paired_first_and_each_once() -> None:
    gold = document(entity("CD3 y CD20", "1", PROTEIN), entity("Na", "2"))
    system = document(entity("CD3", "3"), entity("CD20", "4"), entity("Na", "3"))
    assert classes(gold, system) == [("wrong span", "1", "4"), ("wrong code", "2", "3")]


def test_every_note_about_an_entity_is_a_code_of_gold() -> None:
    noted = Entity(PENICILLIN.span, DRUG, "penicilina", None, Concept("764146007"), id="T1")
    gold = document(noted, other_lines=("#2\tAnnotatorNotes T1\t6369005",))
    assert classes(gold, document(PENICILLIN)) == [("wrong code", "6369005", None)]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("<null>", "<null>"),
        ("CHEBI:15365", "CHEBI"),
        ("387458008", "SNOMED CT"),
        ("N02", "another"),
    ],
)
def test_a_code_tells_its_vocabulary(code: str, name: str) -> None:
    assert vocabulary(code) == name


def test_codes_are_split_by_what_train_knew_of_their_names() -> None:
    train = Document("t", TEXT, (PENICILLIN, entity("CD3", "5", PROTEIN)))
    gold = document(
        PENICILLIN,
        entity("CD3", "6", PROTEIN),
        entity("Albúmina sérica", "5", PROTEIN),
        entity("Na", "7"),
    )
    system = document(PENICILLIN, entity("CD3", "5", PROTEIN))

    found = analyze_codes([gold], [system], train=[train])

    assert dict(zip(SURFACE_GROUPS, found.splits["surface"].values(), strict=True)) == {
        "seen with this code": Counts(1, 0, 0),
        "seen with another code": Counts(0, 0, 1),
        "unseen, code seen": Counts(1, 0, 0),
        "unseen, code unseen": Counts(0, 0, 1),
    }
    assert {name: counts for name, counts in found.classes.items() if counts.n_errors} == {
        "wrong code": ClassCounts(1, 1, 0),
        "missed entity": ClassCounts(1, 1, 0),
        "right code from wrong span": ClassCounts(1, 0, 0),
    }


entities = st.builds(
    lambda label, start, length, code: Entity(
        Span(start, start + length),
        label,
        "aabbaabbaabb"[start : start + length],
        None,
        None if code is None else Concept(code),
    ),
    st.sampled_from([DRUG, PROTEIN, UNCLEAR]),
    st.integers(0, 8),
    st.integers(1, 4),
    st.sampled_from([None, "1", "2", "3", "<null>", "CHEBI:1"]),
)
texts = st.dictionaries(st.sampled_from("abc"), st.lists(entities, max_size=7), min_size=1)


@given(texts, texts, st.lists(entities, max_size=3))
def test_classes_and_splits_add_up_to_the_indexing_score(
    gold: dict[str, list[Entity]], system: dict[str, list[Entity]], train: list[Entity]
) -> None:
    expected = [Document(id_, "aabbaabbaabb", tuple(found)) for id_, found in gold.items()]
    answers = [
        Document(id_, "aabbaabbaabb", tuple(system.get(id_, ())))
        for id_ in gold
        if id_ in system or id_ == min(gold)
    ]
    known = [Document("t", "aabbaabbaabb", tuple(train))]

    found = analyze_codes(expected, answers, train=known)

    score = score_indexing(expected, answers).micro
    assert found.score.micro == score
    totals = list(found.classes.values())
    assert sum(counts.false_negatives for counts in totals) == score.false_negatives
    assert sum(counts.false_positives for counts in totals) == score.false_positives
    assert set(found.classes) == set(CODE_ERROR_CLASSES)
    for split in ("label", "vocabulary", "surface"):
        assert sum(found.splits[split].values(), Counts()) == score
    by_item = [
        (side, error.document_id, code)
        for error in found.errors
        for side, code in (("missed", error.missed), ("spurious", error.spurious))
        if code is not None
    ]
    assert len(by_item) == len(set(by_item)) == score.false_negatives + score.false_positives


GOLD = document(PENICILLIN, ALBUMIN)
SYSTEM = document(entity("penicilina", "<null>"), entity("Albúmina sérica", None, PROTEIN))


def test_the_page_and_its_json_hold_the_classes_and_each_error_with_its_codes() -> None:
    report = Report((GOLD,), (analyze([GOLD], [SYSTEM], train=[GOLD]),), "dev", "train")

    html, data = report.as_html(), json.loads(json.dumps(report.as_dict()))

    codes = data["systems"][0]["codes"]
    assert codes["classes"]["wrong code"] == {
        "n_errors": 1,
        "false_negatives": 1,
        "false_positives": 1,
    }
    assert codes["splits"]["surface"]["seen with this code"]["false_negatives"] == 2
    assert codes["errors"][0] == {
        "document": "caso",
        "class": "wrong code",
        "missed": "764146007",
        "spurious": "<null>",
        "gold": {
            "label": DRUG,
            "start": 16,
            "end": 26,
            "text": "penicilina",
            "code": "764146007",
            "code_score": 0.9,
        },
        "predicted": {
            "label": DRUG,
            "start": 16,
            "end": 26,
            "text": "penicilina",
            "code": "<null>",
            "code_score": 0.9,
        },
        "surface": "seen with this code",
        "sentence": {"start": 0, "end": 27, "text": "Niega alergia a penicilina."},
    }
    assert re.findall(r'id="code-error-A\d" data-class="([^"]+)"', html) == [
        "wrong code",
        "no code",
    ]
    assert '<span class="code">&lt;null&gt;</span>' in html
    assert "missed 764146007, spurious &lt;null&gt;" in html
    assert re.findall(r'<a id="code-place-(A\d)"', html) == ["A1", "A2"]


def test_a_report_without_codes_says_so() -> None:
    bare = document(entity("penicilina", None))
    report = Report((GOLD,), (analyze([GOLD], [bare]),))
    assert report.as_dict()["systems"][0]["codes"] is None
    assert "gold or system has none" in report.as_html()


def test_of_two_systems_one_may_give_no_codes() -> None:
    bare = document(entity("penicilina", None))
    html = Report((GOLD,), (analyze([GOLD], [SYSTEM]), analyze([GOLD], [bare]))).as_html()
    assert html.count("This system gives no codes.") == 1


def test_the_command_prints_the_classes_of_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_brat([GOLD], tmp_path / "dev")
    write_jsonl([SYSTEM], tmp_path / "a.jsonl")

    assert run(["analyze", str(tmp_path / "dev"), str(tmp_path / "a.jsonl")]) == 0

    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["wrong", "code", "1", "1", "1"] in rows
    assert ["no", "code", "1", "1", "0"] in rows
    assert [row for row in rows if row[:1] == ["all"]] == [
        ["all", "0", "0", "0"],
        ["all", "2", "2", "1"],
    ]
