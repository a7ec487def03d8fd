"""Terminologies: compiled, mapped, looked up and searched."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmaner.errors import ConfigError, FormatError
from farmaner.linking import Term, Terminology, compiled
from farmaner.linking.search import search
from farmaner.linking.terminology import compile_terms

TERMS = [
    Term("amoxicilina", "1", "NORMALIZABLES", 7),
    Term("Amoxicilina", "1", "NORMALIZABLES", 4),
    Term("amoxicilina-clavulánico", "2", "NORMALIZABLES", 3),
    Term("ácido clavulánico", "3", source="rf2"),
    Term("β-HCG", "4", "PROTEINAS", 2),
    Term("amoxapina", "", source="known:name"),
]

texts = st.text(min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
some_terms = st.builds(
    Term,
    texts,
    st.sampled_from(["1", "2", "CHEBI:3", "<null>"]),
    st.sampled_from(["", "PROTEINAS"]),
    st.integers(0, 9),
    st.sampled_from(["corpus", "rf2"]),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pequeña.terms"
    compiled.write(path, compile_terms(TERMS, {"made": "here"}))
    return path


def test_a_file_gives_back_its_terms_in_order(file: Path) -> None:
    terminology = Terminology.load(file)
    assert list(terminology) == TERMS
    assert (len(terminology), terminology.n_codes) == (6, 5)
    assert terminology.meta["made"] == "here"


@given(st.lists(some_terms, max_size=8))
def test_any_terms_survive_compiling_with_their_counts_added(terms: list[Term]) -> None:
    merged: dict[tuple[str, str, str, str], int] = {}
    for term in terms:
        key = term.text, term.code, term.label, term.source
        merged[key] = merged.get(key, 0) + term.count
    expected = [Term(*key[:3], count, key[3]) for key, count in merged.items()]
    terminology = Terminology.of(terms)
    assert list(terminology) == expected
    for index, term in enumerate(expected):
        assert index in terminology.lookup(term.text) or not term.text.strip()


def test_lookups_find_all_terms_of_a_key_and_no_others(file: Path) -> None:
    terminology = Terminology.load(file)
    assert terminology.lookup("AMOXICILINA") == [0, 1]
    assert terminology.lookup("beta-hcg") == []
    assert terminology.lookup("beta-hcg", "squashed") == [4]
    assert terminology.lookup("clavulánico amoxicilina", "inflected") == [2]
    assert terminology.lookup("") == terminology.lookup("+", "squashed") == []


def test_an_empty_terminology_is_one(tmp_path: Path) -> None:
    compiled.write(tmp_path / "vacía.terms", compile_terms([]))
    terminology = Terminology.load(tmp_path / "vacía.terms")
    assert (list(terminology), terminology.lookup("sodio"), search(terminology, "sodio")) == (
        [],
        [],
        [],
    )


def test_a_term_without_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected terms with a text"):
        compile_terms([Term(" ", "1")])


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "a file of 0 bytes"),
        (b"farmaner" * 8, "another kind of file"),
        (b"FARMTERM" + (9).to_bytes(8, "little") + b"{}       ", "a damaged or truncated one"),
    ],
)
def test_what_is_no_terminology_is_named(tmp_path: Path, data: bytes, found: str) -> None:
    path = tmp_path / "otra.terms"
    path.write_bytes(data)
    with pytest.raises(FormatError) as caught:
        Terminology.load(path)
    assert str(caught.value).startswith(f"{path}: expected a compiled terminology")
    assert str(caught.value).endswith(f"found {found}")


def test_a_truncated_file_is_refused_wherever_it_ends(file: Path) -> None:
    data = file.read_bytes()
    for length in range(16, len(data) - 64, 97):
        file.write_bytes(data[:length])
        with pytest.raises(FormatError, match="damaged or truncated"):
            Terminology.load(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"nada.terms: expected a compiled terminology"):
        Terminology.load(tmp_path / "nada.terms")


def test_another_format_number_says_to_build_again(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"format": 1', b'"format": 2'))
    with pytest.raises(FormatError, match="expected format 1, found format 2; build it again"):
        Terminology.load(file)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("amoxi clav", ["amoxicilina-clavulánico"]),
        ("amox", ["amoxicilina", "amoxicilina-clavulánico"]),
        ("CLAVULANICO", ["ácido clavulánico", "amoxicilina-clavulánico"]),
        ("amoxizilina", ["amoxicilina", "amoxicilina-clavulánico"]),
        ("beta", ["β-HCG"]),
        ("amoxi sodio", []),
        ("amoxapina", []),
        ("", []),
        ("+", []),
    ],
)
def test_search_finds_words_by_their_beginnings_or_nearly(
    file: Path, query: str, expected: list[str]
) -> None:
    assert [hit.term.text for hit in search(Terminology.load(file), query)] == expected


def test_search_stops_at_its_limit(file: Path) -> None:
    assert len(search(Terminology.load(file), "a", limit=2)) == 2
