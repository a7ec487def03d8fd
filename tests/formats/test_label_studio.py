from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import FormatError
from farmaner.formats.label_studio import read_label_studio, write_label_studio

TEXT = "💊 Toma\r\noro"
GOLD = Document("nota 1", TEXT, (Entity(Span(8, 11), "X", "oro", None, Concept("<null>")),))


def region(start: int, end: int, **others: Any) -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": ["X"], "text": "oro"} | others
    return {"type": "labels", "value": value, "from_name": "label", "to_name": "text"}


def read(tmp_path: Path, tasks: object) -> list[Document]:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return read_label_studio(path)


def test_gold_is_written_as_annotations_with_offsets_in_code_points(tmp_path: Path) -> None:
    write_label_studio([GOLD], tmp_path / "a")
    assert json.loads((tmp_path / "a").read_text(encoding="utf-8")) == [
        {
            "data": {"id": "nota 1", "text": TEXT},
            "annotations": [
                {"result": [region(8, 11) | {"id": "e0", "meta": {"text": ["<null>"]}}]}
            ],
        }
    ]


def test_what_a_model_found_is_written_as_predictions(tmp_path: Path) -> None:
    document = Document("a", "oro", (Entity(Span(0, 3), "X", "oro", 0.5),))
    write_label_studio([document], tmp_path / "a")
    (task,) = json.loads((tmp_path / "a").read_text(encoding="utf-8"))
    assert list(task) == ["data", "predictions"]
    assert task["predictions"][0]["result"][0]["score"] == 0.5


def test_the_first_annotation_that_was_not_cancelled_is_read(tmp_path: Path) -> None:
    task = {
        "id": 12,
        "data": {"text": TEXT},
        "annotations": [
            {"was_cancelled": True, "result": []},
            {"result": [region(8, 11), {"type": "choices", "value": {"choices": ["sí"]}}]},
        ],
        "predictions": [{"result": [region(0, 1, text="💊")]}],
    }
    assert read(tmp_path, [task]) == [Document("12", TEXT, (Entity(Span(8, 11), "X", "oro"),))]


def test_a_task_without_an_answer_has_no_entities(tmp_path: Path) -> None:
    assert read(tmp_path, [{"data": {"text": "oro"}, "annotations": []}]) == [Document("1", "oro")]


def test_offsets_of_old_versions_in_utf16_are_realigned_by_the_text(tmp_path: Path) -> None:
    task = {"data": {"id": "nota 1", "text": TEXT}, "annotations": [{"result": [region(9, 12)]}]}
    assert read(tmp_path, [task])[0].entities == (Entity(Span(8, 11), "X", "oro"),)


def test_a_line_end_inside_a_region_is_written_by_the_editor_as_a_sign_and_an_n(
    tmp_path: Path,
) -> None:
    broken = region(0, 7, text="oro\\nmás")
    task = {"data": {"text": "oro\nmás"}, "annotations": [{"result": [broken]}]}
    assert read(tmp_path, [task])[0].entities == (Entity(Span(0, 7), "X", "oro\nmás"),)


def test_a_region_of_two_labels_is_two_entities(tmp_path: Path) -> None:
    task = {
        "data": {"text": "oro"},
        "annotations": [{"result": [region(0, 3, labels=["X", "Y"])]}],
    }
    assert [entity.label for entity in read(tmp_path, [task])[0].entities] == ["X", "Y"]


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ({}, ": expected a JSON list of tasks, found something else"),
        ([3], ", task 1: expected an object, found a whole number"),
        ([{"data": {"texto": "oro"}}], ', task 1: expected a string under "text", found nothing'),
        (
            [{"data": {"text": "oro"}, "annotations": [{"result": [region(0, 3, text="ora")]}]}],
            ", task 1: expected the entity's text at its offsets, found",
        ),
        (
            [{"data": {"text": "oro"}, "annotations": [{"result": [region(3, 0)]}]}],
            ", task 1: expected offsets with 0 <= start < end, fragments in order, found others",
        ),
    ],
)
def test_a_malformed_task_is_named(tmp_path: Path, tasks: object, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(tmp_path, tasks)
    assert str(caught.value).startswith(f"{tmp_path / 'a.json'}{message}")
