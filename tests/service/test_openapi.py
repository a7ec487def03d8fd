"""The service against its own OpenAPI document: whatever is sent, no 5xx, and answers as told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from .conftest import make_app, serving

schemathesis = pytest.importorskip("schemathesis", reason="needs the extra `dev` (schemathesis)")
openapi = pytest.importorskip("schemathesis.specs.openapi.checks")

pytestmark = pytest.mark.slow

CHECKS = [
    schemathesis.checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
]


@pytest.fixture(scope="module")
def api() -> Iterator[Any]:
    with serving(make_app(max_chars=1000)) as port:
        yield schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")


MODES = schemathesis.GenerationMode
PATHS = [
    ("POST", "/v1/annotate"),
    ("POST", "/api/process"),
    ("POST", "/api/process_bulk"),
    ("GET", "/v1/info"),
    ("GET", "/api/info"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
]


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [(*place, MODES.POSITIVE) for place in PATHS]
    + [(*place, MODES.NEGATIVE) for place in PATHS if place[0] == "POST"],
)
def test_no_request_breaks_the_service_or_its_word(
    api: Any, method: str, path: str, mode: Any
) -> None:
    """With bodies that fit the document, and with others."""

    @given(api[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        case.validate_response(case.call(), checks=CHECKS)

    check()


def test_every_path_of_the_document_is_tried(api: Any) -> None:
    told = {
        (operation.ok().method.upper(), operation.ok().path)
        for operation in api.get_all_operations()
    }
    assert told == set(PATHS)
