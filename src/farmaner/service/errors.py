"""The errors of the service: one body everywhere, one table from error type to status.

Every answer that is no success is `{"error": ..., "error_type": ...}`. No message quotes what
was sent.
"""

from __future__ import annotations

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

STATUS: dict[str, int] = {
    "unauthorized": 401,
    "not_found": 404,
    "method_not_allowed": 405,
    "body_timeout": 408,
    "too_large": 413,
    "invalid": 422,
    "queue_full": 429,
    "abandoned": 499,  # nobody reads it; nginx's number for the log
    "internal": 500,
    "not_ready": 503,
    "timeout": 503,
}
"""The status of each error type."""

TYPES: dict[int, str] = {status: name for name, status in STATUS.items()} | {
    400: "invalid",
    503: "not_ready",
}
"""The error type of each status that the framework raises by itself."""


class ServiceError(HTTPException):
    """A request that gets no entities, why, and when to come again.

    An HTTPException because the framework passes on those alone when it reads a body.
    """

    def __init__(
        self, error_type: str, message: str, *, retry_after_seconds: int | None = None
    ) -> None:
        self.error_type, self.retry_after_seconds = error_type, retry_after_seconds
        super().__init__(STATUS[error_type], message)

    def response(self) -> JSONResponse:
        """Return the answer that says so."""
        headers = {}
        if self.retry_after_seconds is not None:
            headers["Retry-After"] = str(self.retry_after_seconds)
        if self.error_type == "unauthorized":
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(
            {"error": self.detail, "error_type": self.error_type},
            self.status_code,
            headers=headers,
        )


_FIELDS = frozenset(
    "body text documents id link minimum_score labels offsets content footer".split()
)
"""The names that a message may say; any other was sent by the client."""


async def http_error(_: Request, error: Exception) -> JSONResponse:
    """Answer an HTTPException, ours or the framework's own."""
    if isinstance(error, ServiceError):
        return error.response()
    status = error.status_code if isinstance(error, HTTPException) else 500
    error_type = TYPES.get(status, "invalid" if status < 500 else "internal")
    answer = ServiceError(error_type, _SAID.get(error_type, "the request cannot be served"))
    response = answer.response()
    allow = (getattr(error, "headers", None) or {}).get("Allow")
    if allow:
        response.headers["Allow"] = allow
    return response


_SAID = {
    "not_found": "expected a path of this service, found another",
    "method_not_allowed": "expected a method that this path has, found another",
    "invalid": "expected JSON, found something else",
}


async def validation_error(_: Request, error: Exception) -> JSONResponse:
    """Answer a body that is not what the schema says, without a word of it."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for it alone
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        message = "body: expected JSON, found something else"
    else:
        place = [part if isinstance(part, int) else _known(part) for part in first["loc"]]
        where = ".".join(map(str, place[1:] or place))
        message = f"{where}: {first['msg'].removeprefix('Value error, ')}"
    return ServiceError("invalid", message).response()


def _known(name: str) -> str:
    return name if name in _FIELDS else "(another field)"
