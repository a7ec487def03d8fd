"""SNOMED CT in RF2: a small release of our own in the real layout, whole and broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from farmaner.cli import run
from farmaner.errors import CorpusError, FormatError
from farmaner.linking import Linker, Term, Terminology
from farmaner.linking.build import build_terminology
from farmaner.linking.rf2 import ACCEPTABLE, HIERARCHIES, IS_A, PREFERRED, read_rf2

from .conftest import annotated, unlinked

ROOT, SUBSTANCE, PRODUCT = "138875005", HIERARCHIES["substance"], HIERARCHIES["product"]
FSN, SYN = "900000000000003001", "900000000000013009"
SPANISH, ENGLISH = "448879004", "900000000000509007"
MODULE, PRIMITIVE, CASE = "449081005", "900000000000074008", "900000000000448009"

HEADERS = {
    "Concept": "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId",
    "Description": "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm"
    "\tcaseSignificanceId",
    "Relationship": "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId"
    "\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId",
    "Language": "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId"
    "\tacceptabilityId",
}
# id, active, parents
CONCEPTS = [
    (ROOT, "1", []),
    (SUBSTANCE, "1", [ROOT]),
    (PRODUCT, "1", [ROOT]),
    ("91000001", "1", [SUBSTANCE]),
    ("91000002", "1", ["91000001"]),
    ("91000003", "0", [SUBSTANCE]),
    ("92000001", "1", [PRODUCT]),
    ("93000001", "1", [ROOT]),
]
# id, active, concept, language, type, term, acceptability in Spanish
DESCRIPTIONS = [
    ("1", "1", "91000001", "es", FSN, "amoxicilina (sustancia)", ACCEPTABLE),
    ("2", "1", "91000001", "es", SYN, "amoxicilina", PREFERRED),
    ("3", "1", "91000001", "en", SYN, "amoxicillin", None),
    ("4", "0", "91000001", "es", SYN, "amoxicilina antigua", ACCEPTABLE),
    ("5", "1", "91000002", "es", SYN, "amoxicilina y ácido clavulánico", PREFERRED),
    ("6", "1", "91000003", "es", SYN, "sustancia retirada", PREFERRED),
    ("7", "1", "92000001", "es", SYN, "amoxicilina 500 mg cápsula", PREFERRED),
    ("8", "1", "93000001", "es", SYN, "amoxicilinitis", PREFERRED),
    ("9", "1", "91000001", "es", SYN, "amoxi", None),
]

Write = Callable[..., Path]


def release(folder: Path) -> Path:
    """Write a snapshot as the release does: CR LF, dated names, two languages, a Full beside it."""
    snapshot = folder / "Snapshot"
    names = {
        "Concept": "Terminology/sct2_Concept_SpanishExtensionSnapshot_INT_20240430.txt",
        "Description": "Terminology/sct2_Description_SpanishExtensionSnapshot-es_INT_20240430.txt",
        "Relationship": "Terminology/sct2_Relationship_SpanishExtensionSnapshot_INT_20240430.txt",
        "Language": "Refset/Language/der2_cRefset_LanguageSpanishExtensionSnapshot-es_INT_1.txt",
    }
    links = [(source, target) for source, _, targets in CONCEPTS for target in targets]
    rows = {
        "Concept": [[i, "20240430", active, MODULE, PRIMITIVE] for i, active, _ in CONCEPTS],
        "Description": [
            [i, "20240430", active, MODULE, concept, language, type_, term, CASE]
            for i, active, concept, language, type_, term, _ in DESCRIPTIONS
        ],
        "Relationship": [
            [str(n), "20240430", "1", MODULE, source, target, "0", IS_A, "900000000000011006", CASE]
            for n, (source, target) in enumerate(links)
        ]
        + [["99", "20020131", "0", MODULE, "93000001", SUBSTANCE, "0", IS_A, "1", CASE]],
        "Language": [
            [f"uuid{n}", "20240430", "1", MODULE, SPANISH, d[0], d[6]]
            for n, d in enumerate(DESCRIPTIONS)
            if d[6]
        ]
        + [["uuid-en", "20240430", "1", MODULE, ENGLISH, "3", PREFERRED]],
    }
    for kind, name in names.items():
        path = snapshot / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [HEADERS[kind], *("\t".join(row) for row in rows[kind])]
        path.write_bytes("".join(line + "\r\n" for line in lines).encode())
    full = folder / "Full" / "sct2_Concept_SpanishExtensionFull_INT_20240430.txt"
    full.parent.mkdir()
    full.write_bytes(b"not read")
    return folder


def file_of(folder: Path, kind: str) -> Path:
    return next((folder / "Snapshot").rglob(f"*{kind}*Snapshot*.txt"))


def names(terms: list[Term]) -> list[tuple[str, str]]:
    return [(term.text, term.code) for term in terms]


def test_active_spanish_names_of_the_substances_are_read_preferred_first(tmp_path: Path) -> None:
    assert names(list(read_rf2(release(tmp_path), hierarchies=["substance"]))) == [
        ("amoxicilina", "91000001"),
        ("amoxicilina y ácido clavulánico", "91000002"),
        ("amoxicilina", "91000001"),
        ("amoxi", "91000001"),
    ]


def test_hierarchies_may_be_chosen_by_name_identifier_or_not_at_all(tmp_path: Path) -> None:
    release(tmp_path)
    assert names(list(read_rf2(tmp_path, hierarchies=["product"]))) == [
        ("amoxicilina 500 mg cápsula", "92000001")
    ]
    assert names(list(read_rf2(tmp_path, hierarchies=["91000002"]))) == [
        ("amoxicilina y ácido clavulánico", "91000002")
    ]
    assert ("amoxicilinitis", "93000001") in names(list(read_rf2(tmp_path, hierarchies=[])))


def test_a_language_refset_restricts_the_names(tmp_path: Path) -> None:
    release(tmp_path)
    terms = names(list(read_rf2(tmp_path, hierarchies=["substance"], refset=SPANISH)))
    assert ("amoxi", "91000001") not in terms
    assert terms[0] == ("amoxicilina", "91000001")
    english = read_rf2(tmp_path, hierarchies=["substance"], refset=ENGLISH, languages=["en"])
    assert names(list(english)) == [("amoxicillin", "91000001")]


def test_a_release_is_built_searched_and_links(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release(tmp_path / "rf2")
    output = tmp_path / "propia.terms"
    arguments = ["terminology", "build", "--rf2", str(tmp_path / "rf2"), "-o", str(output)]
    assert run([*arguments, "--hierarchy", "substance"]) == 0
    assert run(["terminology", "search", "amoxi clav", "-t", str(output)]) == 0
    assert "91000002" in capsys.readouterr().out
    drug = "NORMALIZABLES"
    gold = annotated(
        "a",
        "Amoxicilinas y amoxizilina",
        {("Amoxicilinas", drug): "91000001", ("amoxizilina", drug): "91000001"},
    )
    linked = Linker(Terminology.load(output)).link(unlinked(gold))
    codes = [entity.concept.code for entity in linked.entities if entity.concept]
    assert codes == ["91000001", "91000001"]


def test_a_corpus_and_a_release_together_prefer_what_was_annotated(tmp_path: Path) -> None:
    gold = annotated("a", "amoxi", {("amoxi", "NORMALIZABLES"): "92000001"})
    both = build_terminology([gold], read_rf2(release(tmp_path)))
    (entity,) = Linker(both, threshold=0).link(unlinked(gold)).entities
    assert entity.concept is not None
    assert entity.concept.code == "92000001"


@pytest.mark.parametrize(
    ("kind", "line", "text", "message"),
    [
        ("Concept", 3, "105590001\t20240430", ":3: expected 5 columns between tabs, found 2"),
        ("Description", 2, "1\t20240430\tyes" + "\tx" * 6, ":2: expected an effective time"),
        ("Relationship", 4, "1\t2024\t1" + "\tx" * 7, ":4: expected an effective time"),
        ("Description", 1, "id\teffectiveTime", ":1: expected the RF2 header"),
        ("Language", 2, "uuid", ":2: expected 7 columns between tabs, found 1"),
    ],
)
def test_a_malformed_line_is_named_with_file_and_row(
    tmp_path: Path, kind: str, line: int, text: str, message: str
) -> None:
    path = file_of(release(tmp_path), kind)
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[line - 1] = text
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        list(read_rf2(tmp_path))
    assert f"{path}{message}" in str(caught.value)


def test_a_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = file_of(release(tmp_path), "Description")
    path.write_bytes(path.read_bytes().replace("á".encode(), b"\xe1"))
    with pytest.raises(FormatError, match=r":6: expected UTF-8 text, found another encoding"):
        list(read_rf2(tmp_path))


def test_a_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="expected a folder with an RF2 snapshot, found none"):
        list(read_rf2(tmp_path / "nada"))
    with pytest.raises(CorpusError, match=r"expected a file named .*Concept.*, found none"):
        list(read_rf2(tmp_path))


def test_a_hierarchy_or_refset_that_is_not_there_is_refused(tmp_path: Path) -> None:
    release(tmp_path)
    with pytest.raises(CorpusError, match="expected an active concept for 'events', found none"):
        list(read_rf2(tmp_path, hierarchies=["events"]))
    with pytest.raises(CorpusError, match="expected language reference set 1, found none"):
        list(read_rf2(tmp_path, refset="1"))
