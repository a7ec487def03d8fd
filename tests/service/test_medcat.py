"""`/api/process` and `/api/process_bulk`: what clients of the MedCAT service send and read."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from farmaner.service import create_app
from farmaner.testing import fake_recognizer

from .conftest import NOTE, MakeClient

INFO = {
    "service_app_name": "farmaner",
    "service_language": "es",
    "service_version": "0.1.0",
    "service_model": "fake",
    "model_card_info": {
        "ontologies": None,
        "meta_cat_model_names": [],
        "rel_cat_model_names": [],
        "model_last_modified_on": None,
    },
}


def entity(number: int, **values: Any) -> dict[str, Any]:
    return {
        "acc": 0.9877,
        "icd10": [],
        "ontologies": [],
        "snomed": [],
        "id": number,
        "meta_anns": {},
        **values,
    }


def timeless(result: dict[str, Any]) -> dict[str, Any]:
    """Check and take away what differs from run to run."""
    assert datetime.fromisoformat(result.pop("timestamp")).tzinfo is not None
    assert 0 <= result.pop("elapsed_time") < 60
    return result


def test_a_text_is_answered_as_medcat_answers(client: TestClient) -> None:
    text = "Toma Penicilina y ácido  fólico."
    answer = client.post("/api/process", json={"content": {"text": text.lower()}}).json()
    first, second = answer["result"]["annotations"][0].values()
    link_score = first.pop("context_similarity")

    assert 0 < link_score < 1
    assert first == entity(
        0,
        pretty_name="penicilina",
        cui="764146007",
        type_ids=["NORMALIZABLES"],
        types=["NORMALIZABLES"],
        source_value="penicilina",
        detected_name="penicilina",
        acc=first["acc"],
        start=5,
        end=15,
    )
    assert second == entity(
        1,
        pretty_name="ácido  fólico",
        cui="",
        type_ids=["NORMALIZABLES"],
        types=["NORMALIZABLES"],
        source_value="ácido  fólico",
        detected_name="ácido~fólico",
        acc=second["acc"],
        context_similarity=second["acc"],
        start=18,
        end=31,
    )
    assert list(answer["result"]["annotations"][0]) == ["0", "1"]
    assert answer["medcat_info"] == INFO
    result = timeless(answer["result"])
    assert (result["text"], result["success"], "footer" in result) == (text.lower(), True, False)


@pytest.mark.parametrize("text", ["", " \n", "Sin hallazgos.", None])
def test_one_text_without_entities_has_one_empty_table(
    client: TestClient, text: str | None
) -> None:
    answer = client.post("/api/process", json={"content": {"text": text}}).json()

    assert timeless(answer["result"]) == {
        "text": text or "",
        "annotations": [{}],
        "success": True,
    }


def test_texts_come_back_in_their_order_blank_ones_without_annotations(client: TestClient) -> None:
    content = [{"text": NOTE}, {"text": " "}, {"text": "Sin hallazgos."}, {"text": "PCR"}]
    answer = client.post("/api/process_bulk", json={"content": content}).json()

    told = [
        (result["text"], [[e["source_value"] for e in t.values()] for t in result["annotations"]])
        for result in answer["result"]
    ]
    assert told == [
        (NOTE, [["penicilina", "PCR"]]),
        (" ", []),
        ("Sin hallazgos.", [[]]),
        ("PCR", [["PCR"]]),
    ]
    assert answer["medcat_info"] == INFO
    assert client.post("/api/process_bulk", json={"content": []}).json()["result"] == []


@pytest.mark.parametrize("footer", ["visita 3", {"visita": [1, None, {"ñ": "\ud800"}]}, None])
def test_a_footer_comes_back_as_it_is(client: TestClient, footer: Any) -> None:
    content = {"text": NOTE, "footer": footer}

    def ask(path: str, asked: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        return client.post(path, content=json.dumps(asked), headers=headers).json()["result"]

    one = ask("/api/process", {"content": content, "application_params": {}})
    [same] = ask("/api/process_bulk", {"content": [content]})

    assert (one["footer"], same["footer"]) == (footer, footer)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({}, "content: Field required"),
        ({"content": {}}, "content.text: Field required"),
        (
            {"content": None},
            "content: Input should be a valid dictionary or object to extract fields from",
        ),
        (
            {"content": {"text": "a"}, "meta_anns_filters": [["Presence", ["True"]]]},
            "meta_anns_filters: List should have at most 0 items after validation, not 1",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(
    client: TestClient, asked: dict[str, Any], error: str
) -> None:
    answer = client.post("/api/process", json=asked)
    assert (answer.status_code, answer.json()) == (422, {"error": error, "error_type": "invalid"})


def test_a_footer_that_is_no_json_is_refused(client: TestClient) -> None:
    answer = client.post(
        "/api/process",
        content='{"content": {"text": "a", "footer": {"a": NaN}}}',
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["error"]) == (
        422,
        "content.footer: expected JSON without NaN, found another",
    )


def test_the_limits_hold_here_too(make_client: MakeClient) -> None:
    client = make_client(max_documents=1, max_chars=5)
    many = client.post("/api/process_bulk", json={"content": [{"text": "a"}] * 2})
    long = client.post("/api/process", json={"content": {"text": "a" * 6}})

    assert [(a.status_code, a.json()["error_type"]) for a in (many, long)] == (
        [(413, "too_large")] * 2
    )


def test_a_service_without_codes_answers_without_them() -> None:
    with TestClient(create_app(fake_recognizer())) as client:
        answer = client.post("/api/process", json={"content": {"text": NOTE}}).json()

    found = answer["result"]["annotations"][0].values()
    assert [(e["pretty_name"], e["cui"]) for e in found] == [("penicilina", ""), ("PCR", "")]


def test_info_is_where_medcat_has_it(client: TestClient) -> None:
    assert client.get("/api/info").json() == INFO
