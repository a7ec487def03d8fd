"""What every request passes: ids, headers, the token, other origins, the access log."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from fastapi.testclient import TestClient

from farmaner.errors import ConfigError
from farmaner.service import Settings
from farmaner.service.edge import SECURITY_HEADERS

from .conftest import NOTE, MakeClient

PASS = "a-token-of-ours"  # noqa: S105  opens nothing
PLACES = ["/", "/docs", "/docs.css", "/openapi.json", "/livez", "/v1/info", "/metrics", "/nowhere"]


@pytest.mark.parametrize("path", PLACES)
def test_every_answer_has_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers

    assert {name: headers.get(name) for name in SECURITY_HEADERS} == dict(SECURITY_HEADERS)
    assert headers["Cache-Control"] in ("no-store", "no-cache")
    assert "server" not in headers


def test_the_pages_policy_lets_run_what_comes_from_here_and_nothing_else(
    client: TestClient,
) -> None:
    policy = dict(
        rule.split(" ", 1)
        for rule in client.get("/").headers["Content-Security-Policy"].split("; ")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", True),
        ("0af7651916cd43dd8448eb211c80319c", True),
        ("penicilina", False),
        ("abc", False),
        ("a" * 65, False),
        ("", False),
    ],
)
def test_an_id_that_is_no_name_is_kept_and_any_other_replaced(
    client: TestClient, given: str, kept: bool
) -> None:
    answered = client.get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"]

    assert (answered == given) is kept
    assert len(answered) >= 32 or kept


def test_ids_are_not_given_twice(client: TestClient) -> None:
    ids = {client.get("/livez").headers["X-Request-ID"] for _ in range(20)}
    assert len(ids) == 20


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {PASS}x",
        f"Bearer {PASS[:-1]}",
        f"Basic {PASS}",
        PASS,
        "Bearer ñandú-ñandú".encode(),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/annotate"),
        ("GET", "/v1/info"),
        ("GET", "/metrics"),
        ("POST", "/api/process"),
        ("POST", "/api/process_bulk"),
        ("GET", "/api/info"),
        ("GET", "/v1/nowhere"),
    ],
)
def test_without_the_token_nothing_is_told(
    make_client: MakeClient, authorization: str | bytes | None, method: str, path: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = make_client(token=PASS).request(method, path, headers=headers)  # type: ignore[arg-type]

    assert (answer.status_code, answer.json(), answer.headers["WWW-Authenticate"]) == (
        401,
        {"error": "expected Authorization: Bearer and the token", "error_type": "unauthorized"},
        "Bearer",
    )


def test_with_the_token_one_is_served(make_client: MakeClient) -> None:
    client = make_client(token=PASS)
    for scheme in ("Bearer", "bearer"):
        headers = {"Authorization": f"{scheme} {PASS}"}
        assert client.post("/v1/annotate", json={"text": NOTE}, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/", "/docs", "/openapi.json"])
def test_what_is_the_same_everywhere_needs_no_token(make_client: MakeClient, path: str) -> None:
    assert make_client(token=PASS).get(path).status_code == 200


def test_the_interface_says_whether_a_token_is_needed(make_client: MakeClient) -> None:
    def schemes(**settings: Any) -> Any:
        document = make_client(**settings).get("/openapi.json").json()
        return document["components"].get("securitySchemes")

    assert schemes() is None
    assert schemes(token=PASS) == {"HTTPBearer": {"type": "http", "scheme": "bearer"}}


@pytest.mark.parametrize("token", ["short", "", "contraseña-larga"])
def test_a_token_that_is_easily_guessed_or_garbled_is_refused(token: str) -> None:
    with pytest.raises(ConfigError, match="token: expected 8 ASCII characters or more") as raised:
        Settings(token=token)
    assert token == "" or token not in str(raised.value)


@pytest.mark.parametrize("name", ["max_chars", "timeout_seconds", "max_queue_pieces"])
@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_a_limit_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name}: expected a number above 0, found {value}"):
        Settings(**{name: value})  # type: ignore[arg-type]


ORIGIN = "https://portal.example"


def test_other_origins_are_not_let_in_unless_named(make_client: MakeClient) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    closed = make_client().options("/v1/annotate", headers=asked)
    opened = make_client(cors_origins=(ORIGIN,)).options("/v1/annotate", headers=asked)
    other = make_client(cors_origins=("https://another.example",)).options(
        "/v1/annotate", headers=asked
    )

    assert "Access-Control-Allow-Origin" not in closed.headers
    assert "Access-Control-Allow-Origin" not in other.headers
    assert opened.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_a_named_origin_may_read_errors_too(make_client: MakeClient) -> None:
    client = make_client(cors_origins=(ORIGIN,), token=PASS)
    answer = client.get("/v1/info", headers={"Origin": ORIGIN})

    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_the_access_log_has_id_sizes_and_times_and_no_word(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="farmaner.access")
    body = json.dumps({"text": NOTE})
    headers = {"Content-Type": "application/json", "X-Request-ID": "0af7651916cd43dd"}
    answer = client.post("/v1/annotate", content=body, headers=headers)

    [record] = [record for record in caplog.records if record.name == "farmaner.access"]
    row = json.loads(record.getMessage())
    seconds = row.pop("seconds")
    assert 0 < seconds < 60
    assert row == {
        "request_id": "0af7651916cd43dd",
        "method": "POST",
        "route": "/v1/annotate",
        "status": 200,
        "bytes_in": len(body),
        "bytes_out": len(answer.content),
        "documents": 1,
        "chars": len(NOTE),
        "entities": 2,
    }


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/penicilina"), ("GET", "/livez?nota=penicilina"), ("PCR", "/")]
)
def test_neither_a_path_nor_a_method_that_was_made_up_is_logged(
    client: TestClient, caplog: pytest.LogCaptureFixture, method: str, path: str
) -> None:
    caplog.set_level(logging.DEBUG)
    client.request(method, path)

    [message] = [r.getMessage() for r in caplog.records if r.name == "farmaner.access"]
    assert "penicilina" not in message
    assert "PCR" not in message


def test_metrics_count_requests_entities_and_batches_and_hold_no_word(
    make_client: MakeClient,
) -> None:
    client = make_client()
    client.post("/v1/annotate", json={"text": NOTE})
    client.post("/v1/annotate", json={"text": "sin más"})
    client.post("/v1/annotate", json={"text": 1})
    client.get("/penicilina")
    told = client.get("/metrics")

    assert told.headers["content-type"].startswith("text/plain")
    for line in [
        'farmaner_requests_total{route="/v1/annotate",status="200"} 2.0',
        'farmaner_requests_total{route="/v1/annotate",status="422"} 1.0',
        'farmaner_requests_total{route="other",status="404"} 1.0',
        'farmaner_request_seconds_count{route="/v1/annotate"} 3.0',
        "farmaner_documents_total 2.0",
        f"farmaner_characters_total {len(NOTE) + 7}.0",
        'farmaner_entities_total{label="NORMALIZABLES"} 1.0',
        'farmaner_entities_total{label="PROTEINAS"} 1.0',
        "farmaner_batch_fill_count 2.0",
        'farmaner_queue_pieces{lane="short"} 0.0',
    ]:
        assert line in told.text.splitlines()
    assert "penicilina" not in told.text
