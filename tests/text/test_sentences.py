"""Sentences tile the text, and stops that end none are passed over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmaner.text import split_sentences


def sentences_of(text: str) -> list[str]:
    return [span.of(text) for span in split_sentences(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Niega alergias. ", "Toma AAS."],
        ["¿Toma sintrom? ", "¡Sí! ", "¿Desde cuándo? ", "Lo ignora… ", "Se anota."],
        ['Dijo "no fumo". ', "«Bebo poco.» ", "(No consta.) ", "¿Alergias?"],
        ["Antecedentes:\n", "no constan\n\n \n", "exploración normal"],
        ["Línea una\r\n", "línea dos\r", "línea tres\n"],
        ["Plaquetas 108.000/ml. ", "Perfil hepático normal."],
        ["Pesa 70 kg. ", "Mide 1,70 m. ", "Toma 5 mg/8 h. ", "Tolera."],
        ["Hepatitis crónica. ", "Ñoño. ", "Ácido úrico normal. ", "Ölander positivo."],
        ["Creatinina de 1.2 mg y pH de 7.35 con INR de 2.5."],
        ["Se aísla E. coli en orina."],
        ["Bacteriemia por E. Coli y por H. Pylori."],
        ["La Dra. Ruiz y el Dr. Pérez Gil informan a la Sra. Y. V. L. en la Avda. Mayor."],
        ["Valorado en EE. UU. por el Prof. Vila (véase Fig. A y Tab. B)."],
        ["Lipoma vs. Sarcoma, p.ej. Liposarcoma."],
        ["1. Hemograma normal. ", "Sin cambios.\n", "2. Bioquímica.\n", "10. Rx de tórax."],
        ["En 2010. ", "Se operó en 12. ", "Mejoró."],
        ["Mide 5 mm.\n", "Alta con Dr.\n", "Pérez Gil."],
        ["sin mayúscula. sigue igual. 3 días después. "],
        ["..."],
        [],
    ],
)
def test_sentences_end_where_a_reader_ends_them(sentences: list[str]) -> None:
    assert sentences_of("".join(sentences)) == sentences


def test_white_space_before_the_first_sentence_belongs_to_it() -> None:
    assert sentences_of("  Toma AAS. ") == ["  Toma AAS. "]
    assert sentences_of("\n\nToma AAS.") == ["\n\n", "Toma AAS."]


@given(st.text())
def test_sentences_tile_any_text(text: str) -> None:
    assert "".join(sentences_of(text)) == text


@given(st.text(alphabet=st.sampled_from('aDdr1. .!…"»( \r\nÁ'), max_size=80))
def test_sentences_tile_texts_full_of_stops_and_break_at_every_line_end(text: str) -> None:
    sentences = sentences_of(text)

    assert "".join(sentences) == text
    for sentence in sentences:
        assert not {"\n", "\r"} & set(sentence.rstrip())


@pytest.mark.parametrize("run", [".", "!", "?!", ". ", '."', "\n", ".\n ", "Dr. ", "1. "])
def test_a_megabyte_of_stops_is_split_like_any_text(run: str) -> None:
    """Searched from every stop of the run anew, this would take hours."""
    text = run * (1_000_000 // len(run))

    assert "".join(sentences_of(text)) == text
