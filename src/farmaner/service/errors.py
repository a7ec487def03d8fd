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
    "abandoned": 499,  # nobody reads it; nginx's number, for the log
    "internal": 500,
    "timeout": 503,
    "not_ready": 503,
}
"""The status of each error type."""

_OF_THE_FRAMEWORK = {
    404: ("not_found", "expected a path of this service, found another"),
    405: ("method_not_allowed", "expected a method that this path has, found another"),
}
_FIELDS = frozenset(
    "text documents id link minimum_score labels offsets content footer meta_anns_filters".split()
)
"""The names that a message may say; any other was sent by the client."""


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
        answer = JSONResponse(
            {"error": self.detail, "error_type": self.error_type}, self.status_code
        )
        if self.retry_after_seconds is not None:
            answer.headers["Retry-After"] = str(self.retry_after_seconds)
        if self.error_type == "unauthorized":
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer


async def http_error(_: Request, error: Exception) -> JSONResponse:
    """Answer an HTTPException, ours or the framework's own."""
    if isinstance(error, ServiceError):
        return error.response()
    if not isinstance(error, HTTPException):
        raise error
    unreadable = "invalid", "body: expected JSON, found something else"
    answer = ServiceError(*_OF_THE_FRAMEWORK.get(error.status_code, unreadable)).response()
    if error.headers and "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer


async def validation_error(_: Request, error: Exception) -> JSONResponse:
    """Answer a body that is not what the schema says, without a word of it."""
    if not isinstance(error, RequestValidationError):
        raise error
    return ServiceError("invalid", _describe(error)).response()


def _describe(error: RequestValidationError) -> str:
    errors = error.errors()
    kind, place, message = errors[0]["type"], errors[0]["loc"], errors[0]["msg"]
    if kind == "json_invalid" or (kind == "model_attributes_type" and len(place) == 1):
        return "body: expected a JSON object (Content-Type: application/json), found another"
    names = [_safe(part) for part in place if part != "body"] or ["body"]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{'.'.join(names)}: {message.removeprefix('Value error, ')}{more}"


def _safe(part: int | str) -> str:
    return str(part) if isinstance(part, int) or part in _FIELDS else "(another name)"
