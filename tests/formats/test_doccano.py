from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import FormatError
from farmaner.formats.doccano import read_doccano, write_doccano
from farmaner.formats.losses import Loss

DOCUMENT = Document("nota 1", "💊 Toma oro 👩🏽‍⚕️ y 💊", (Entity(Span(7, 10), "X", "oro", 0.5),))


def test_offsets_count_utf16_code_units(tmp_path: Path) -> None:
    losses = write_doccano([DOCUMENT], tmp_path / "a")
    assert json.loads((tmp_path / "a").read_text(encoding="utf-8")) == {
        "document_id": "nota 1",
        "text": DOCUMENT.text,
        "label": [[8, 11, "X"]],
    }
    assert +losses == {Loss.SCORE: 1}


@pytest.mark.parametrize(
    "row",
    [
        {"id": 7, "text": "💊 oro", "label": [[3, 6, "X"]], "Comments": []},
        {"id": 7, "text": "💊 oro", "labels": [[3, 6, "X"]]},
        {
            "id": 7,
            "text": "💊 oro",
            "entities": [{"id": 1, "label": "X", "start_offset": 3, "end_offset": 6}],
            "relations": [],
        },
    ],
)
def test_every_shape_of_export_is_read(tmp_path: Path, row: dict[str, Any]) -> None:
    (tmp_path / "a").write_text(f"\n{json.dumps(row)}\n")
    assert read_doccano(tmp_path / "a") == [
        Document("7", "💊 oro", (Entity(Span(2, 5), "X", "oro"),))
    ]


def test_codes_and_fragments_are_counted_as_lost(tmp_path: Path) -> None:
    fragments = (Span(0, 3), Span(6, 11))
    entity = Entity(Span(0, 11), "X", "oro plata", None, Concept("1", 0.5), fragments)
    losses = write_doccano([Document("a", "oro y plata", (entity,))], tmp_path / "a")
    assert +losses == {Loss.CODE: 1, Loss.CODE_SCORE: 1, Loss.FRAGMENTS: 1}
    assert read_doccano(tmp_path / "a") == [
        Document("a", "oro y plata", (Entity(Span(0, 11), "X", "oro y plata"),))
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "expected a JSON object, found something else"),
        ("[]", "expected an object, found a list"),
        ('{"text": 3}', 'expected a string under "text", found a whole number'),
        ('{"text": "oro", "label": 3}', 'expected a list under "label", found a whole number'),
        ('{"text": "oro", "label": [[0, "X"]]}', "expected [start, end, label] for an entity"),
        ('{"text": "oro", "label": [[0, 9, "X"]]}', "expected UTF-16 offsets of whole"),
        ('{"text": "💊", "label": [[1, 2, "X"]]}', "expected UTF-16 offsets of whole"),
        ('{"text": "oro", "label": [[3, 3, "X"]]}', "expected offsets with 0 <= start < end"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        read_doccano(path)
    assert str(caught.value).startswith(f"{path}:1: {message}")
