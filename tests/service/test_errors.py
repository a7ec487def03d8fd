"""Every way to fail, in one body, without a word of what was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from .conftest import NOTE, MakeClient, WatchedModel

NEVER_SHOWN = "Confidencial"
JSON = {"Content-Type": "application/json"}
NO_JSON = "body: expected a JSON object (Content-Type: application/json), found another"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "body: Field required"),
        (f"[{NEVER_SHOWN}", NO_JSON),
        (f'["{NEVER_SHOWN}"]', NO_JSON),
        ("{}", "body: expected either text or documents"),
        ('{"text": "a", "documents": [{"text": "b"}]}', "body: expected either text or documents"),
        (
            '{"documents": []}',
            "documents: List should have at least 1 item after validation, not 0",
        ),
        ('{"text": 1}', "text: Input should be a valid string"),
        (
            '{"text": "a\\ud800"}',
            "text: expected Unicode text, found half of a surrogate pair",
        ),
        (
            '{"documents": [{"text": "a"}, {"text": "Confidencial", "id": 1}]}',
            "documents.1.id: Input should be a valid string",
        ),
        (
            json.dumps({"documents": [{"text": "a", "id": NEVER_SHOWN * 30}]}),
            "documents.0.id: String should have at most 256 characters",
        ),
        (
            f'{{"text": "a", "{NEVER_SHOWN}": 1}}',
            "(another name): Extra inputs are not permitted",
        ),
        (
            f'{{"text": "a", "offsets": "{NEVER_SHOWN}"}}',
            "offsets: Input should be 'codepoints' or 'utf16'",
        ),
        (
            '{"text": "a", "minimum_score": 1.5}',
            "minimum_score: Input should be less than or equal to 1",
        ),
        (
            f'{{"text": "a", "minimum_score": "{NEVER_SHOWN}", "link": 2}}',
            "link: Input should be a valid boolean (and 1 more)",
        ),
        (
            '{"text": "a", "minimum_score": NaN}',
            "minimum_score: Input should be less than or equal to 1",
        ),
        (
            f'{{"text": "a", "labels": ["{NEVER_SHOWN}"]}}',
            "labels: expected some of NORMALIZABLES, NO_NORMALIZABLES, PROTEINAS, found another",
        ),
        ("[" * 200_000, "body: expected JSON, found something else"),
        (f'{{"text": {"9" * 5000}}}', "body: expected JSON, found something else"),
        (b'{"text": "\xff\xfe"}', "body: expected JSON, found something else"),
    ],
)
def test_an_invalid_body_is_refused_with_422(
    client: TestClient, body: str | bytes, error: str
) -> None:
    answer = client.post("/v1/annotate", content=body, headers=JSON)

    assert (answer.status_code, answer.json()) == (422, {"error": error, "error_type": "invalid"})
    assert NEVER_SHOWN not in answer.text


def test_json_under_another_content_type_is_refused(client: TestClient) -> None:
    """A page of another origin may send text/plain without asking; it gets no answer."""
    answer = client.post(
        "/v1/annotate", content='{"text": "a"}', headers={"Content-Type": "text/plain"}
    )
    assert (answer.status_code, answer.json()["error"]) == (422, NO_JSON)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"text": "a" * 11}, "text: expected at most 10 characters in all, found 11"),
        (
            {"documents": [{"text": "a" * 6}, {"text": "b" * 5}]},
            "text: expected at most 10 characters in all, found 11",
        ),
        ({"documents": [{"text": ""}] * 3}, "documents: expected at most 2, found 3"),
        ({"text": "a" * 300}, "body: expected at most 300 bytes, found more"),
    ],
)
def test_too_much_is_refused_with_413(
    make_client: MakeClient, asked: dict[str, Any], error: str
) -> None:
    model = WatchedModel()
    client = make_client(model, max_chars=10, max_documents=2, max_body_bytes=300)
    answer = client.post("/v1/annotate", json=asked)

    assert (answer.status_code, answer.json()) == (413, {"error": error, "error_type": "too_large"})
    assert model.rounds == []


def test_a_body_of_unsaid_length_is_measured_as_it_comes(make_client: MakeClient) -> None:
    parts = (b" " * 100 for _ in range(50))
    answer = make_client(max_body_bytes=1000).post("/v1/annotate", content=parts, headers=JSON)

    assert "content-length" not in answer.request.headers
    assert (answer.status_code, answer.json()["error_type"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("method", "path", "status", "error_type", "allow"),
    [
        ("GET", f"/{NEVER_SHOWN}", 404, "not_found", None),
        ("GET", f"/v1/{NEVER_SHOWN}?{NEVER_SHOWN}=1", 404, "not_found", None),
        ("GET", "/../../etc/passwd", 404, "not_found", None),
        ("GET", "/%2e%2e/app.py", 404, "not_found", None),
        ("POST", "/", 405, "method_not_allowed", "GET, HEAD"),
        ("GET", "/v1/annotate", 405, "method_not_allowed", "POST"),
        ("DELETE", "/v1/info", 405, "method_not_allowed", "GET"),
        (NEVER_SHOWN, "/v1/info", 405, "method_not_allowed", "GET"),
    ],
)
def test_unknown_paths_and_methods_have_the_same_body(
    client: TestClient, method: str, path: str, status: int, error_type: str, allow: str | None
) -> None:
    answer = client.request(method, path)

    assert (answer.status_code, answer.json()["error_type"]) == (status, error_type)
    assert set(answer.json()) == {"error", "error_type"}
    assert answer.headers["content-type"] == "application/json"
    allowed = answer.headers.get("allow")
    assert (allowed and ", ".join(sorted(allowed.split(", ")))) == allow
    assert NEVER_SHOWN not in answer.text


def test_a_text_on_which_the_model_fails_is_answered_with_500_and_no_word_of_it(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(WatchedModel(fails_on=NEVER_SHOWN))
    answer = client.post("/v1/annotate", json={"text": f"{NOTE} {NEVER_SHOWN}"})

    assert (answer.status_code, answer.json()) == (
        500,
        {"error": "the text could not be annotated", "error_type": "internal"},
    )
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert f"request {answer.headers['X-Request-ID']} failed: ModelError at " in record.getMessage()
    assert "recognize_documents" in record.getMessage()
    assert NEVER_SHOWN not in caplog.text
    assert "penicilina" not in caplog.text
    assert client.post("/v1/annotate", json={"text": NOTE}).status_code == 200


def test_an_error_that_nobody_foresaw_has_the_same_body(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"{NEVER_SHOWN} {NOTE}")

    monkeypatch.setattr("farmaner.service.routes.document_answer", broken)
    answer = make_client().post("/v1/annotate", json={"text": NOTE})

    assert (answer.status_code, answer.json()) == (
        500,
        {"error": "the service failed; its log names this request", "error_type": "internal"},
    )
    assert f"request {answer.headers['X-Request-ID']} failed: RuntimeError at " in caplog.text
    assert NEVER_SHOWN not in caplog.text
    assert "penicilina" not in caplog.text
