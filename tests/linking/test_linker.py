"""The linker: what each step finds, what it leaves alone, and what a threshold withholds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from farmaner import Document
from farmaner.errors import ConfigError
from farmaner.linking import NULL, STEPS, Linker, Step, Term, Terminology
from farmaner.linking.build import build_terminology
from farmaner.linking.linker import Candidate

from .conftest import Codes, annotated, unlinked

DRUG, PROTEIN = "NORMALIZABLES", "PROTEINAS"


def link(
    terminology: Terminology, text: str, name: str, label: str, steps: Sequence[Step] = STEPS
) -> Candidate | None:
    """Return the best candidate for the first place of a name in a text."""
    document = annotated("x", text, {(name, label): ""})
    found = Linker(terminology, steps=steps).candidates(document, document.entities[0])
    return found[0] if found else None


@pytest.mark.parametrize(
    ("name", "label", "step", "code"),
    [
        ("Metformina", DRUG, "exact", "372567009"),
        ("beta-hCG", PROTEIN, "normalized", "40940006"),
        ("sulfatos magnésicos", DRUG, "inflected", "387202002"),
        ("AFP", PROTEIN, "synonyms", "49944008"),
        ("azatioprina", DRUG, "synonyms", "372574004"),
        ("Na", DRUG, "synonyms", "39972003"),
        ("calcio", DRUG, "synonyms", "5540006"),
        ("sulfato de magnesio", DRUG, "synonyms", "387202002"),
        ("anticuerpos frente a DNA", PROTEIN, "derived", "6741004"),
        ("GPT/ALAT", PROTEIN, "derived", "56935002"),
        ("metfornina", DRUG, "approximate", "372567009"),
        ("ALK", PROTEIN, "exact", NULL),
    ],
)
def test_each_step_finds_its_own(
    terminology: Terminology, name: str, label: str, step: Step, code: str
) -> None:
    found = link(terminology, f"Con {name} hoy.", name, label)
    assert found is not None
    assert (found.step, found.code) == (step, code)
    without = [other for other in STEPS if other != step]
    other = link(terminology, f"Con {name} hoy.", name, label, without)
    assert other is None or other.step != step


def test_a_document_s_own_abbreviation_is_followed_both_ways(terminology: Terminology) -> None:
    text = "La alfa-fetoproteína (AFET) era alta; AFET luego normal."
    found = link(terminology, text, "AFET", PROTEIN)
    assert found is not None
    assert (found.step, found.code) == ("abbreviation", "49944008")
    assert link(terminology, "Sin definir: AFET.", "AFET", PROTEIN, STEPS[:-1]) is None
    text = "glutamiltransferasita rara (GPT) alta"
    found = link(terminology, text, "glutamiltransferasita rara", PROTEIN)
    assert found is None or found.step != "abbreviation"  # its letters do not make GPT
    text = "gran proteína teórica (GPT) alta"
    found = link(terminology, text, "gran proteína teórica", PROTEIN)
    assert found is not None
    assert (found.step, found.code) == ("abbreviation", "56935002")


@pytest.mark.parametrize("name", ["fenformina", "buformina x", "metoprolol", "omeprazol", "xyz"])
def test_another_drug_is_never_taken_for_a_misspelling(terminology: Terminology, name: str) -> None:
    found = link(terminology, f"Con {name}.", name, DRUG, STEPS[:-1])
    assert found is None


def test_a_name_of_another_label_is_found_by_its_exact_form_alone(
    terminology: Terminology,
) -> None:
    found = link(terminology, "Con GPT.", "GPT", DRUG)
    assert found is not None
    assert (found.step, found.code) == ("exact", "56935002")
    assert link(terminology, "Con ALT.", "ALT", DRUG, STEPS[:-1]) is None


def test_the_label_decides_between_two_codes_of_one_name() -> None:
    terms = [Term("TG", "1", PROTEIN, 1), Term("TG", "2", DRUG, 5)]
    terminology = Terminology.of(terms)
    for label, code in ((PROTEIN, "1"), (DRUG, "2")):
        found = link(terminology, "TG alta", "TG", label)
        assert found is not None
        assert found.code == code


def test_candidates_are_ranked_and_limited(terminology: Terminology) -> None:
    terms = [Term("PC", str(code), PROTEIN, code) for code in range(1, 6)]
    document = annotated("x", "PC baja", {("PC", PROTEIN): ""})
    linker = Linker(Terminology.of(terms))
    found = linker.candidates(document, document.entities[0], limit=3)
    assert [candidate.code for candidate in found] == ["5", "4", "3"]
    scores = [candidate.score for candidate in found]
    assert scores == sorted(scores, reverse=True)


def test_one_surface_of_a_document_gets_one_code(terminology: Terminology) -> None:
    text = "metformina y otra vez metformina"
    document = Document("x", text).with_entities(
        [Document("x", text).entity(DRUG, 0, 10), Document("x", text).entity(DRUG, 22, 32)]
    )
    concepts = [entity.concept for entity in Linker(terminology).link(document).entities]
    assert concepts[0] is not None
    assert concepts[0].code == "372567009"
    assert concepts[0] == concepts[1]


def test_a_threshold_withholds_what_is_less_sure(terminology: Terminology) -> None:
    document = annotated(
        "x", "metformina, metfornina", {("metformina", DRUG): "", ("metfornina", DRUG): ""}
    )
    given = []
    for threshold in (0.0, 0.9, 1.0):
        linked = Linker(terminology, threshold=threshold).link(document)
        given.append([entity.concept is not None for entity in linked.entities])
    assert given[0] == [True, True]
    assert given[2] == [False, False]
    assert sum(given[1]) <= 1


def test_scores_lie_between_0_and_1_and_come_with_the_concept(terminology: Terminology) -> None:
    document = annotated("x", "metformina", {("metformina", DRUG): ""})
    concept = Linker(terminology).link(document).entities[0].concept
    assert concept is not None
    assert concept.score is not None
    assert 0.5 < concept.score < 1


def test_names_without_a_code_support_one_another(terminology: Terminology) -> None:
    text = "Xab-1 y anti-Xac negativos; metformina"
    alone = annotated("a", text, {("Xab-1", PROTEIN): ""})
    both = annotated("a", text, {("Xab-1", PROTEIN): "", ("anti-Xac", PROTEIN): ""})
    scores = [Linker(terminology).candidates(both, entity)[0].score for entity in both.entities]
    linker = Linker(terminology, threshold=max(scores) + 0.01)

    assert [entity.concept for entity in linker.link(alone).entities] == [None]
    together = [entity.concept for entity in linker.link(both).entities]
    likeliest = scores.index(max(scores))
    assert together[1 - likeliest] is None
    given = together[likeliest]
    assert given is not None
    assert given.code == "<null>"
    assert given.score == pytest.approx(1 - (1 - scores[0]) * (1 - scores[1]))


def test_the_table_of_a_known_name_tells_whether_it_has_a_code() -> None:
    markers = dict.fromkeys("TTF-1 calponina p63 CDX2 BCL6 fascina".split(), "<null>")
    enzymes = {name: name for name in "aldolasa lipasa ureasa catalasa tripsina enolasa".split()}
    documents = [
        annotated(name, f"con {name}", {(name, PROTEIN): code})
        for name, code in (markers | enzymes).items()
    ]
    terminology = build_terminology(documents)
    marker = link(terminology, "calretinina", "calretinina", PROTEIN)
    enzyme = link(terminology, "colinesterasa", "colinesterasa", PROTEIN)
    assert marker is not None
    assert enzyme is not None
    assert (marker.code, enzyme.code) == ("<null>", "<null>")
    assert marker.score > 0.5 > enzyme.score


def test_unclear_entities_get_no_code_unless_asked(terminology: Terminology) -> None:
    document = annotated("x", "rojo dudoso", {("rojo dudoso", "UNCLEAR"): ""})
    assert Linker(terminology).link(document).entities[0].concept is None
    linked = Linker(terminology, skipped_labels=(), threshold=0).link(document)
    assert linked.entities[0].concept is not None
    assert linked.entities[0].concept.code == "1"


def test_linking_replaces_concepts_and_keeps_everything_else(
    corpus: list[Document], terminology: Terminology
) -> None:
    for document in corpus:
        linked = Linker(terminology, threshold=0).link(document)
        assert unlinked(linked) == unlinked(document)
        again = Linker(terminology, threshold=0).link(unlinked(document))
        assert again.entities == linked.entities


def test_an_unknown_step_is_refused(terminology: Terminology) -> None:
    with pytest.raises(ConfigError, match=r"expected some of exact, .*, found 'guess'"):
        Linker(terminology, steps=["guess"])  # type: ignore[list-item]


def test_a_terminology_without_a_corpus_links_by_default_scores() -> None:
    terminology = build_terminology((), [Term("prueboxina", "1", source="table")])
    codes: Codes = {("prueboxinas", DRUG): "", ("otra cosa", DRUG): ""}
    linked = Linker(terminology).link(annotated("x", "prueboxinas y otra cosa", codes))
    assert [entity.concept and entity.concept.code for entity in linked.entities] == ["1", None]
