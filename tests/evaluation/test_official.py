"""Each of the task's rules, by hand, on documents in memory and on folders."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from farmaner.document import Concept, Document, Entity, Span
from farmaner.errors import CorpusError, FormatError, UnsupportedError
from farmaner.evaluation import (
    CODALAB,
    RULES,
    STANDALONE,
    STRICT,
    Counts,
    Rules,
    score_indexing,
    score_ner,
)

TEXT = "Alérgico a penicilina. Creatinina 0,9 mg/dl, albúmina 3,9 g/dl, CD3 y CD20 positivos."
DRUG, PROTEIN, UNCODED, UNCLEAR = "NORMALIZABLES", "PROTEINAS", "NO_NORMALIZABLES", "UNCLEAR"
ALL_RULES = pytest.mark.parametrize("rules", RULES.values(), ids=lambda rules: rules.name)


def entity(surface: str, label: str, code: str | None = None) -> Entity:
    start = TEXT.index(surface)
    concept = None if code is None else Concept(code)
    return Entity(Span(start, start + len(surface)), label, surface, concept=concept)


def document(*entities: Entity, id_: str = "caso-1") -> Document:
    return Document(id_, TEXT, entities)


PENICILLIN = entity("penicilina", DRUG, "6369005")
ALBUMIN = entity("albúmina", PROTEIN, "52454007")
CREATININE = entity("Creatinina", DRUG, "15373003")
CD3 = entity("CD3", UNCLEAR, "44706009")
FRAGMENTED = replace(
    entity("CD3 y CD20", PROTEIN),
    text="CD3 CD20",
    fragments=(entity("CD3", PROTEIN).span, entity("CD20", PROTEIN).span),
    id="T7",
)


def ner(gold: Document, system: Document, rules: Rules) -> dict[str, Counts]:
    return dict(score_ner([gold], [system], rules).by_label)


def codes(gold: Document, system: Document, rules: Rules) -> Counts:
    return score_indexing([gold], [system], rules).micro


@ALL_RULES
def test_an_entity_counts_only_with_the_same_label_start_and_end(rules: Rules) -> None:
    gold = document(PENICILLIN, CREATININE, ALBUMIN)
    system = document(
        PENICILLIN,
        entity("Creatinina 0,9", DRUG),  # one end differs
        entity("albúmina", DRUG),  # the label differs
    )

    assert ner(gold, system, rules) == {DRUG: Counts(1, 2, 1), PROTEIN: Counts(0, 0, 1)}
    assert score_ner([gold], [system], rules).micro == Counts(1, 2, 2)


@ALL_RULES
def test_a_repeated_entity_counts_once(rules: Rules) -> None:
    twice = document(PENICILLIN, replace(PENICILLIN, id="T9", concept=None, score=0.4))

    assert ner(document(PENICILLIN), twice, rules) == {DRUG: Counts(1, 0, 0)}
    assert ner(twice, document(), rules) == {DRUG: Counts(0, 0, 1)}


@ALL_RULES
def test_the_same_span_under_two_labels_is_two_items(rules: Rules) -> None:
    both = document(entity("albúmina", DRUG), entity("albúmina", PROTEIN))

    assert ner(both, document(ALBUMIN), rules) == {
        DRUG: Counts(0, 0, 1),
        PROTEIN: Counts(1, 0, 0),
    }
    assert ner(document(ALBUMIN), both, rules) == {
        DRUG: Counts(0, 1, 0),
        PROTEIN: Counts(1, 0, 0),
    }


@pytest.mark.parametrize("rules", [CODALAB, STRICT], ids=lambda rules: rules.name)
def test_unclear_is_dropped_from_both_sides(rules: Rules) -> None:
    gold = document(CD3, ALBUMIN)

    assert ner(gold, document(CD3), rules) == {PROTEIN: Counts(0, 0, 1)}
    # the system calls gold's UNCLEAR a protein, and gold's protein UNCLEAR
    crossed = document(entity("CD3", PROTEIN), entity("albúmina", UNCLEAR))
    assert ner(gold, crossed, rules) == {PROTEIN: Counts(0, 1, 1)}


def test_unclear_is_scored_under_standalone_rules() -> None:
    assert ner(document(CD3, ALBUMIN), document(CD3), STANDALONE) == {
        PROTEIN: Counts(0, 0, 1),
        UNCLEAR: Counts(1, 0, 0),
    }


@pytest.mark.parametrize(
    ("rules", "expected"),
    [(CODALAB, Counts(1, 1, 0)), (STRICT, Counts(1, 1, 0)), (STANDALONE, Counts(2, 0, 0))],
    ids=["codalab", "strict", "standalone"],
)
def test_a_code_that_only_unclear_carries_is_spurious_in_the_system(
    rules: Rules, expected: Counts
) -> None:
    gold = document(PENICILLIN, CD3)

    assert codes(gold, gold, rules) == expected


@ALL_RULES
def test_a_code_that_another_entity_carries_too_outlives_unclear(rules: Rules) -> None:
    gold = document(CD3, entity("CD20", PROTEIN, "44706009"))

    assert codes(gold, gold, rules) == Counts(1, 0, 0)


def test_unclear_in_one_document_does_not_drop_the_code_in_another() -> None:
    gold = [document(CD3), document(entity("CD3", PROTEIN, "44706009"), id_="caso-2")]

    assert score_indexing(gold, gold, CODALAB).micro == Counts(1, 1, 0)


@ALL_RULES
def test_null_and_chebi_are_codes_like_any_other(rules: Rules) -> None:
    gold = document(
        entity("penicilina", UNCODED, "<null>"),
        entity("albúmina", PROTEIN, "<null>"),
        entity("Creatinina", DRUG, "CHEBI:16737"),
        entity("CD20", PROTEIN, "82753007"),
    )
    system = document(
        entity("penicilina", DRUG, "<null>"),
        entity("Creatinina", DRUG, "CHEBI:16737"),
        entity("CD20", PROTEIN, "chebi:1"),
    )

    assert codes(gold, system, rules) == Counts(2, 1, 1)


@ALL_RULES
def test_an_entity_without_a_code_has_no_part_in_indexing(rules: Rules) -> None:
    gold = document(PENICILLIN, entity("albúmina", PROTEIN))

    assert codes(gold, gold, rules) == Counts(1, 0, 0)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [(CODALAB, Counts(1, 0, 0)), (STANDALONE, Counts(1, 0, 0)), (STRICT, Counts(1, 0, 2))],
    ids=["codalab", "standalone", "strict"],
)
def test_a_missing_document_is_named_and_costs_recall_only_under_strict(
    rules: Rules, expected: Counts
) -> None:
    gold = [document(PENICILLIN), document(ALBUMIN, CREATININE, id_="caso-2")]
    system = [document(PENICILLIN)]

    for score in (score_ner(gold, system, rules), score_indexing(gold, system, rules)):
        assert score.micro == expected
        assert score.coverage.missing == ("caso-2",)
        assert len(score.coverage.scored) == (2 if rules is STRICT else 1)


@pytest.mark.parametrize("rules", [CODALAB, STANDALONE], ids=lambda rules: rules.name)
def test_a_document_that_gold_lacks_is_named_and_left_out(rules: Rules) -> None:
    gold = [document(PENICILLIN)]
    system = [document(PENICILLIN), document(ALBUMIN, id_="caso-2")]

    for score in (score_ner(gold, system, rules), score_indexing(gold, system, rules)):
        assert score.micro == Counts(1, 0, 0)
        assert score.coverage.unknown == ("caso-2",)


def test_a_document_that_gold_lacks_is_refused_under_strict() -> None:
    gold = [document(PENICILLIN)]
    system = [document(PENICILLIN), *(document(id_=f"caso-{n}") for n in range(2, 7))]

    with pytest.raises(CorpusError) as error:
        score_ner(gold, system)

    assert str(error.value) == (
        "system: expected no document that gold lacks under the strict rules (codalab and "
        "standalone ignore them), found 5 documents (caso-2, caso-3, caso-4, ...)"
    )


@ALL_RULES
def test_sides_without_a_common_document_are_refused(rules: Rules) -> None:
    with pytest.raises(CorpusError) as error:
        score_ner([document(PENICILLIN)], [document(PENICILLIN, id_="caso-2")], rules)

    assert str(error.value) == (
        "system: expected some of gold's 1 document (caso-1), found 1 document (caso-2) instead"
    )


def test_no_documents_are_refused() -> None:
    with pytest.raises(CorpusError, match=r"^system: expected documents, found none$"):
        score_ner([document(PENICILLIN)], [])
    with pytest.raises(CorpusError, match=r"^gold: expected documents, found none$"):
        score_ner([], [document(PENICILLIN)])


def test_a_document_given_twice_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"^gold: .* each document once, found caso-1 again$"):
        score_ner([document(), document()], [document()])


@ALL_RULES
def test_a_discontinuous_entity_is_refused_in_ner_and_no_obstacle_to_indexing(
    rules: Rules,
) -> None:
    fragmented = document(replace(FRAGMENTED, concept=Concept("44706009")))

    with pytest.raises(UnsupportedError) as error:
        score_ner([fragmented], [document()], rules)
    with pytest.raises(UnsupportedError, match=r"^caso-1: T7: "):
        score_ner([document()], [fragmented], rules)

    start, end = FRAGMENTED.start, FRAGMENTED.end
    assert str(error.value) == (
        "caso-1: T7: expected an entity of one span, which is all that PharmaCoNER scores, "
        f"found 2 fragments over {start}-{end}"
    )
    assert codes(fragmented, fragmented, rules) == Counts(1, 0, 0)


def test_gold_and_system_may_be_generators() -> None:
    def documents() -> Iterator[Document]:
        yield document(PENICILLIN)

    assert score_ner(documents(), documents()).micro == Counts(1, 0, 0)
    assert score_indexing(documents(), documents()).micro == Counts(1, 0, 0)


def test_standalone_figures_print_to_four_significant_digits_and_codalab_in_full() -> None:
    assert [STANDALONE.printed(figure) for figure in (1.0, 0.0, 2 / 3, 0.76003, 0.012346)] == [
        "1.0",
        "0.0",
        "0.6667",
        "0.76",
        "0.01235",
    ]
    assert CODALAB.printed(2 / 3) == STRICT.printed(2 / 3) == "0.6666666666666666"


def test_a_score_becomes_a_dictionary_with_counts_figures_and_documents() -> None:
    gold = [document(PENICILLIN, ALBUMIN, CREATININE), document(id_="caso-2")]

    score = score_ner(gold, [document(PENICILLIN, CREATININE, CD3)], STANDALONE)

    micro = score.as_dict()["micro"]
    assert micro == {
        "true_positives": 2,
        "false_positives": 1,
        "false_negatives": 1,
        "precision": 2 / 3,
        "recall": 2 / 3,
        "f1": 2 / 3,
        "printed": {"precision": "0.6667", "recall": "0.6667", "f1": "0.6667"},
    }
    assert score.as_dict()["documents"] == {"scored": 1, "missing": ["caso-2"], "unknown": []}
    assert list(score.as_dict()["labels"]) == [DRUG, PROTEIN, UNCLEAR]


# Folders


def write(folder: Path, **files: str) -> Path:
    """Write `name_suffix="content"` as `name.suffix` and return the folder."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / ".".join(name.rsplit("_", 1))).write_bytes(content.encode())
    return folder


GOLD_ANN = (
    "T1\tNORMALIZABLES 11 21\tpenicilina\n#1\tAnnotatorNotes T1\t6369005\n"
    "T2\tUNCLEAR 64 67\tCD3\n#2\tAnnotatorNotes T2\t44706009\n"
)


@ALL_RULES
def test_folders_score_without_texts(tmp_path: Path, rules: Rules) -> None:
    gold = write(tmp_path / "gold", a_ann=GOLD_ANN, b_ann="")
    system = write(
        tmp_path / "system", a_ann="T8\tNORMALIZABLES 11 21\tsurface is ignored\n", b_ann=""
    )

    for score in (score_ner(gold, system, rules), score_ner(str(gold), str(system), rules)):
        assert score.by_label[DRUG] == Counts(1, 0, 0)
        assert score.coverage.scored == ("a", "b")


@ALL_RULES
def test_blank_lines_crlf_and_a_byte_order_mark_are_tolerated(tmp_path: Path, rules: Rules) -> None:
    gold = write(tmp_path / "gold", a_ann=GOLD_ANN)
    system_ann = "\ufeff\r\n" + GOLD_ANN.replace("\n", "\r\n\r\n")
    system_tsv = "\ufeff\r\na\t6369005\r\n\r\n   \r\na\t44706009"

    ner_score = score_ner(gold, write(tmp_path / "ner", a_ann=system_ann), rules)
    indexing_score = score_indexing(gold, write(tmp_path / "tsv", a_tsv=system_tsv), rules)

    assert ner_score.micro == score_ner(gold, gold, rules).micro
    assert indexing_score.micro == (Counts(2, 0, 0) if rules is STANDALONE else Counts(1, 1, 0))


def test_every_code_of_an_entity_with_several_notes_counts(tmp_path: Path) -> None:
    two_notes = GOLD_ANN + "#3\tAnnotatorNotes T1\tCHEBI:17334\n#4\tAnnotatorNotes T2\t82753007\n"
    gold = write(tmp_path / "gold", a_ann=two_notes)
    tsv = "a\t6369005\na\tCHEBI:17334\na\t44706009\na\t82753007\n"
    system = write(tmp_path / "system", a_tsv=tsv)

    assert score_indexing(gold, system, STANDALONE).micro == Counts(4, 0, 0)
    assert score_indexing(gold, system, CODALAB).micro == Counts(2, 2, 0)


def test_several_notes_count_in_gold_documents_and_not_in_a_systems() -> None:
    """A system's codes are its concepts, whatever lines its documents still carry from a file."""
    note = "#2\tAnnotatorNotes T1\tCHEBI:17334"
    noted = replace(document(replace(PENICILLIN, id="T1")), other_lines=(note,))

    assert codes(noted, document(PENICILLIN), STRICT) == Counts(1, 0, 1)
    assert codes(document(PENICILLIN), noted, STRICT) == Counts(1, 0, 0)


def test_hidden_files_and_files_of_other_kinds_are_no_documents(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold", a_ann="", a_txt="Sin alergias.")
    system = write(tmp_path / "system", a_ann="", README_md="Un sistema.")
    (system / "._a.ann").write_bytes(b"\x00\xff")
    (system / "c.ann").mkdir()

    assert score_ner(gold, system).coverage.scored == ("a",)


def test_an_empty_system_folder_says_so(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold", a_ann=GOLD_ANN)
    system = write(tmp_path / "system", a_txt="Sin alergias.")

    with pytest.raises(CorpusError) as error:
        score_ner(gold, system)
    assert str(error.value) == (
        f"{system}: expected .ann files of the system, found none among 1 files"
    )
    with pytest.raises(CorpusError, match=r"expected .tsv files of the system, found none"):
        score_indexing(gold, system)


def test_a_folder_that_is_none_says_so(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold", a_ann=GOLD_ANN)

    with pytest.raises(CorpusError, match=r"expected a system folder, found nothing there$"):
        score_ner(gold, tmp_path / "sistema")
    with pytest.raises(CorpusError, match=r"expected a gold folder, found a file there$"):
        score_indexing(gold / "a.ann", gold)


def test_a_discontinuous_entity_in_a_file_is_refused_with_file_and_id(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold", a_ann=GOLD_ANN)
    system = write(tmp_path / "system", a_ann="T3\tPROTEINAS 64 67;70 74\tCD3 CD20\n")

    with pytest.raises(UnsupportedError, match=r"a\.ann: T3: .* found 2 fragments over 64-74$"):
        score_ner(gold, system)


def test_a_broken_line_is_refused_with_file_and_line(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold", a_ann=GOLD_ANN)

    with pytest.raises(FormatError, match=r"a\.ann:2: "):
        score_ner(gold, write(tmp_path / "ner", a_ann="\nT1 PROTEINAS 1 2 CD3\n"))
    with pytest.raises(FormatError, match=r"a\.tsv:2: "):
        score_indexing(gold, write(tmp_path / "tsv", a_tsv="\na 6369005\n"))


def test_gold_codes_come_from_brat_where_a_folder_holds_both_kinds(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold", a_ann=GOLD_ANN, a_tsv="a\t1\n", b_tsv="b\t2\n")
    system = write(tmp_path / "system", a_tsv="a\t6369005\na\t44706009\n")

    score = score_indexing(gold, system, STANDALONE)

    assert (score.micro, score.coverage.scored) == (Counts(2, 0, 0), ("a",))


def test_gold_in_tsv_is_for_rules_that_drop_no_label(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold", a_tsv="a\t6369005\na\t44706009\n")
    system = write(tmp_path / "system", a_tsv="a\t6369005\n")

    assert score_indexing(gold, system, STANDALONE).micro == Counts(1, 0, 1)
    for rules in (STRICT, CODALAB):
        with pytest.raises(UnsupportedError, match=r"gold: expected brat \.ann files, .* UNCLEAR"):
            score_indexing(gold, system, rules)


def test_files_outside_the_score_are_not_read(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold", a_ann=GOLD_ANN, b_ann="broken")
    system = write(tmp_path / "system", a_ann=GOLD_ANN, c_ann="broken")

    assert score_ner(gold, system, CODALAB).micro == Counts(1, 0, 0)
