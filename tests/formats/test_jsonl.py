from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import FormatError
from farmaner.formats.jsonl import Keys, document_to_json, format_jsonl, read_jsonl, write_jsonl

TEXT = "💊 Ácido fólico; anticuerpos anti-Ro y anti-La"
FOLICO = Entity(Span(2, 14), "NORMALIZABLES", "Ácido fólico", 0.5, Concept("63718003", 0.25))
ANTI_LA = Entity(
    Span(16, 45), "PROTEINAS", "anticuerpos anti-La", None, None, (Span(16, 27), Span(38, 45))
)
DOCUMENT = Document("nota 1", TEXT, (FOLICO, ANTI_LA))


def test_a_document_is_one_object() -> None:
    assert document_to_json(DOCUMENT) == {
        "id": "nota 1",
        "text": TEXT,
        "entities": [
            {
                "label": "NORMALIZABLES",
                "start": 2,
                "end": 14,
                "text": "Ácido fólico",
                "score": 0.5,
                "code": "63718003",
                "code_score": 0.25,
            },
            {
                "label": "PROTEINAS",
                "start": 16,
                "end": 45,
                "text": "anticuerpos anti-La",
                "score": None,
                "fragments": [[16, 27], [38, 45]],
            },
        ],
    }


def test_hf_keys_are_those_of_the_transformers_pipeline() -> None:
    document = Document("a", TEXT).with_entities([Entity(Span(8, 14), "X", "fólico", 0.123456)])
    assert document_to_json(document, keys="hf", with_text=False) == {
        "id": "a",
        "entities": [
            {"entity_group": "X", "start": 8, "end": 14, "word": "fólico", "score": 0.1235}
        ],
    }


@pytest.mark.parametrize("keys", ["farmaner", "hf"])
def test_documents_survive_writing_and_reading(tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "notas.jsonl"
    documents = [DOCUMENT, Document("b", ""), Document("c", "a\u2028b\x85c\r\n\ud83d\ufeff")]
    write_jsonl(documents, path, keys=keys)
    assert read_jsonl(path, keys=keys) == documents
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3


def test_accents_are_written_as_they_are_and_odd_line_ends_escaped() -> None:
    assert format_jsonl(Document("ñ", "a\u2028á")) == (
        '{"id": "ñ", "text": "a\\u2028á", "entities": []}\n'
    )


def test_documents_can_be_written_to_an_open_file_one_by_one() -> None:
    file = io.StringIO()
    write_jsonl(iter([DOCUMENT, Document("b", "oro")]), file, with_text=False)
    lines = file.getvalue().splitlines()
    assert [json.loads(line) for line in lines] == [
        document_to_json(DOCUMENT, with_text=False),
        {"id": "b", "entities": []},
    ]


def test_entities_text_blank_lines_and_unknown_keys_may_be_left_out_or_in(tmp_path: Path) -> None:
    path = tmp_path / "notas.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"id": "a", "text": "oro", "fuente": 3}\r\n\r\n'
        b'{"id": "b", "text": "oro", "entities": [{"label": "X", "start": 0, "end": 3}]}'
    )
    entity = Entity(Span(0, 3), "X", "oro")
    assert read_jsonl(path) == [Document("a", "oro"), Document("b", "oro", (entity,))]


ENTITY: dict[str, Any] = {"label": "X", "start": 0, "end": 3, "text": "oro", "score": 1}


@pytest.mark.parametrize(
    ("line", "expected", "found"),
    [
        ("{", "a JSON object", "something else"),
        ("[" * 100_000, "a JSON object", "something else"),
        ('{"id": NaN}', "a JSON object", "something else"),
        ("[1]", "a JSON object", "list"),
        ('{"text": ""}', 'a string under "id"', "nothing"),
        ('{"id": 3, "text": ""}', 'a string under "id"', "number"),
        ('{"id": "a"}', 'a string under "text"', "nothing"),
        ('{"id": "a", "text": "", "entities": {}}', 'a list under "entities"', "object"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, expected: str, found: str) -> None:
    path = tmp_path / "notas.jsonl"
    path.write_text('{"id": "0", "text": ""}\n' + line)
    with pytest.raises(FormatError) as caught:
        read_jsonl(path)
    assert str(caught.value) == f"{path}:2: expected {expected}, found {found}"


@pytest.mark.parametrize(
    ("entity", "expected", "found"),
    [
        ("oro", "a JSON object", "string"),
        ({"label": None}, 'a string under "label"', "nothing"),
        ({"start": True}, 'an integer under "start"', "truth value"),
        ({"end": 3.0}, 'an integer under "end"', "number"),
        ({"start": 3}, "offsets with start < end, fragments in order", "others"),
        ({"end": 10}, "entities inside the text of 9 characters", "an end past it"),
        ({"text": "ora"}, 'the text at its place under "text"', "another text"),
        ({"text": 3}, 'a string or null under "text"', "number"),
        ({"score": "1"}, 'a finite number or null under "score"', "string"),
        ({"score": False}, 'a finite number or null under "score"', "truth value"),
        ({"code": 63718003}, 'a string or null under "code"', "number"),
        ({"fragments": 3}, 'a list or null under "fragments"', "number"),
        ({"fragments": [[0, 1], [2]]}, 'pairs of offsets under "fragments"', "something else"),
        ({"fragments": [[2, 3], [0, 1]]}, "offsets with start < end, fragments in order", "others"),
    ],
)
def test_a_malformed_entity_is_counted(
    tmp_path: Path, entity: dict[str, Any] | str, expected: str, found: str
) -> None:
    path = tmp_path / "notas.jsonl"
    second = entity if isinstance(entity, str) else ENTITY | entity
    row = {"id": "a", "text": "oro y oro", "entities": [ENTITY, second]}
    path.write_text(json.dumps(row))
    with pytest.raises(FormatError) as caught:
        read_jsonl(path)
    assert str(caught.value) == f"{path}:1: expected {expected}, found {found} in entity 2"


def test_a_file_is_complete_or_not_there(tmp_path: Path) -> None:
    def documents() -> Iterator[Document]:
        yield Document("a", "Toma hierro.")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_jsonl(documents(), tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []
