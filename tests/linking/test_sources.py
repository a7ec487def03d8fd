"""Terms from tables and from corpora, and what is known of names."""

from __future__ import annotations

from pathlib import Path

import pytest

from farmaner import Document
from farmaner.errors import FormatError
from farmaner.linking import NULL, Term, terms_from_documents
from farmaner.linking.normalize import squashed_key
from farmaner.linking.sources import read_table
from farmaner.linking.synonyms import (
    SynonymGroup,
    bundled_names,
    bundled_synonyms,
    expand,
    read_synonyms,
    right_spellings,
    uncoded_names,
)


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_a_csv_gives_terms_by_named_columns(tmp_path: Path) -> None:
    path = write(
        tmp_path / "atc.csv", '\ufeffATC,Nombre\r\nN02,"ácido,  raro"\r\n\r\n,\r\nA1,x\r\n'
    )
    assert list(read_table(path, term_column="Nombre", code_column="ATC")) == [
        Term("ácido, raro", "N02", source="table"),
        Term("x", "A1", source="table"),
    ]


def test_a_tsv_keeps_quotes_and_takes_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "t.tsv", 'term\tcode\tlabel\n"x" y\t1\tPROTEINAS\n')
    assert list(read_table(path, label_column="label")) == [
        Term('"x" y', "1", "PROTEINAS", source="table")
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv:1: expected a column named 'term', found an empty file"),
        ("term,other\nx,1\n", "t.csv:1: expected a column named 'code', found term, other"),
        ("term,code\nx\n", "t.csv:2: expected 2 cells, found 1"),
        ("term,code\na,1\n\nx,\n", "t.csv:4: expected a term and its code, found no code"),
        ("term,code\n,1\n", "t.csv:2: expected a term and its code, found no term"),
    ],
)
def test_a_bad_table_is_named_with_file_and_row(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        list(read_table(write(tmp_path / "t.csv", text)))
    assert str(caught.value).endswith(message)


def test_a_corpus_gives_surfaces_with_codes_labels_and_counts(corpus: list[Document]) -> None:
    terms = terms_from_documents(corpus)
    assert Term("metformina", "372567009", "NORMALIZABLES", 2) in terms
    assert Term("ALK", NULL, "PROTEINAS", 1) in terms
    assert len(terms) == 11


def test_groups_give_their_code_to_the_other_names() -> None:
    groups = [SynonymGroup("drug", ("prueba", "PRB", "Probax"))]
    added = expand([Term("Probax", "1", "NORMALIZABLES", 3)], groups)
    assert added == [
        Term("prueba", "1", "NORMALIZABLES", 0, "known:drug"),
        Term("PRB", "1", "NORMALIZABLES", 0, "known:drug"),
    ]


def test_a_name_of_several_groups_speaks_for_none_of_them() -> None:
    groups = [
        SynonymGroup("drug", ("aluminoso", "AX")),
        SynonymGroup("antibody", ("anti-equis", "AX")),
    ]
    assert expand([Term("AX", "1", "PROTEINAS", 9)], groups) == []


def test_a_table_of_one_label_takes_no_code_of_another() -> None:
    groups = [SynonymGroup("element", ("mercurioso", "Hx"))]
    assert expand([Term("Hx", "1", "PROTEINAS", 9)], groups) == []


def test_a_misspelling_that_was_annotated_gives_its_code_to_the_right_spelling() -> None:
    terms = [Term("metrotrexxato", "1", "NORMALIZABLES", 1)]
    assert right_spellings(terms, [], ["metrotrexato", "omeprazol"]) == [
        Term("metrotrexato", "1", "NORMALIZABLES", 0, "known:spelling")
    ]
    assert right_spellings(terms, [], ["metrotrexato", "metrotrexxato"]) == []


def test_a_misspelling_may_be_near_to_several_names_of_one_thing() -> None:
    terms = [Term("octeótrido", "1", "NORMALIZABLES", 2)]
    group = SynonymGroup("drug", ("octreótido", "octreótide"))
    assert [term.code for term in right_spellings(terms, [group], ["octreótido"])] == ["1"]
    coded = [*terms, Term("octreótide", "2", "NORMALIZABLES", 1)]
    assert right_spellings(coded, [group], []) == []


def test_names_without_a_code_are_kept_as_such() -> None:
    group = SynonymGroup("marker", ("TTF-1", "TTF1"))
    names = uncoded_names([Term("omeprazol", "1")], [group], ["Omeprazol", "esomeprazol"])
    assert names == [
        Term("esomeprazol", "", "", 0, "known:name"),
        Term("TTF-1", "", "", 0, "known:marker"),
        Term("TTF1", "", "", 0, "known:marker"),
    ]


def test_the_bundled_tables_are_sound() -> None:
    groups = bundled_synonyms()
    assert len(groups) > 1000
    assert {group.table for group in groups} == {
        "analyte",
        "antibody",
        "cluster",
        "cytokine",
        "drug",
        "element",
        "enzyme",
        "hormone",
        "marker",
    }
    for group in groups:
        keys = [squashed_key(name) for name in group.names]
        assert all(keys), group
    assert "vitamina B12" in bundled_names()


def test_a_bad_file_of_synonyms_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "s.tsv", "# note\n\ndrug\ta | b\r\ndrug\talone\n")
    with pytest.raises(FormatError, match=r"s.tsv:4: expected a table, .* found 1 names"):
        read_synonyms(path)
