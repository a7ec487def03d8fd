"""The edge: what every request passes, whatever it asks for."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import time
import uuid
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from farmaner.service.errors import STATUS, ServiceError
from farmaner.service.logs import describe_exception, log_access
from farmaner.service.metrics import Metrics
from farmaner.service.settings import Settings

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

PROTECTED = ("/v1/", "/api/", "/metrics")
"""What needs the token, where there is one; all else is the same in every installation."""

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
# A UUID, or a trace's id in hexadecimal: an id that is logged must not be a name.
_REQUEST_ID = re.compile(r"[0-9A-Fa-f-]{8,64}")
_DRAIN_SECONDS = 1.0
_log = logging.getLogger("farmaner.service")


@dataclass(slots=True)
class Exchange:
    """One request and its answer, as the log will tell of them."""

    request_id: str
    started: float = field(default_factory=time.monotonic)
    status: int = STATUS["abandoned"]  # until an answer begins
    bytes_in: int = 0
    bytes_out: int = 0
    n_documents: int = 0
    n_chars: int = 0
    n_entities: int = 0


class Watch:
    """Gives each request an id and each answer its headers, counts and logs it.

    Only paths that are `known` are told by name.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, known: Set[str]) -> None:
        self._app, self._metrics, self._known = app, metrics, known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request from end to end."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        exchange = Exchange(given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex)
        scope.setdefault("state", {})["exchange"] = exchange

        async def send_watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers["X-Request-ID"] = exchange.request_id
                headers.setdefault("Cache-Control", "no-store")
            elif message["type"] == "http.response.body":
                exchange.bytes_out += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        finally:
            self._record(scope, exchange)

    def _record(self, scope: Scope, exchange: Exchange) -> None:
        """Log and count; neither path nor method as they were sent, for both may say anything."""
        seconds = time.monotonic() - exchange.started
        route = scope["path"] if scope["path"] in self._known else "other"
        self._metrics.requests.labels(route, str(exchange.status)).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        log_access(
            request_id=exchange.request_id,
            method=scope["method"] if scope["method"] in _METHODS else "other",
            route=route,
            status=exchange.status,
            bytes_in=exchange.bytes_in,
            bytes_out=exchange.bytes_out,
            documents=exchange.n_documents,
            chars=exchange.n_chars,
            entities=exchange.n_entities,
            seconds=round(seconds, 4),
        )


class Gate:
    """Lets in who has the token, with a body of an allowed size; the last resort for an error."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange: Exchange = scope["state"]["exchange"]
        headers = Headers(scope=scope)
        body = _Body(receive, exchange, self._settings)

        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start" and not await body.is_over(headers):
                MutableHeaders(scope=message)["Connection"] = "close"  # or it is sent to the end
            await send(message)

        try:
            self._check_token(scope["path"], headers)
            body.check_length(headers)
            await self._app(scope, body, send_last)
        except ServiceError as error:
            await error.response()(scope, receive, send_last)
        except Exception as error:
            _log.error("request %s failed: %s", exchange.request_id, describe_exception(error))
            if exchange.status == STATUS["abandoned"]:
                answer = ServiceError("internal", "the service failed; its log names this request")
                await answer.response()(scope, receive, send_last)

    def _check_token(self, path: str, headers: Headers) -> None:
        token = self._settings.token
        if token is None or not path.startswith(PROTECTED):
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("latin-1"), token.encode("ascii"))
        if scheme.lower() != "bearer" or not same:
            raise ServiceError("unauthorized", "expected Authorization: Bearer and the token")


class _Body:
    """Receives a body no larger than allowed, in the time that is allowed."""

    def __init__(self, receive: Receive, exchange: Exchange, settings: Settings) -> None:
        self._receive, self._exchange, self._settings = receive, exchange, settings
        self._whole = False

    def check_length(self, headers: Headers) -> None:
        """Refuse a body that is said to be too large, before it is read."""
        given = headers.get("content-length", "")
        if given.isdecimal() and int(given) > self._settings.max_body_bytes:
            raise self._too_large()

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()  # a disconnect, whenever it comes
        left = self._exchange.started + self._settings.timeout_seconds - time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), max(left, 0.001))
        except asyncio.TimeoutError:
            raise ServiceError("body_timeout", "the body came too slowly") from None
        if message["type"] == "http.disconnect":
            raise ServiceError("abandoned", "the client has gone")
        self._exchange.bytes_in += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._exchange.bytes_in > self._settings.max_body_bytes:
            raise self._too_large()
        return message

    async def is_over(self, headers: Headers) -> bool:
        """Read past what nobody wanted, a while, so that the client comes to read its answer.

        Return whether the body has come to its end.
        """
        if "expect" in headers:
            return self._whole  # the client waits for a word before it sends any
        until, left = time.monotonic() + _DRAIN_SECONDS, 4 * self._settings.max_body_bytes
        while not self._whole and left > 0:
            try:
                message = await asyncio.wait_for(self._receive(), until - time.monotonic())
            except asyncio.TimeoutError:
                break
            left -= len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
        return self._whole

    def _too_large(self) -> ServiceError:
        limit = self._settings.max_body_bytes
        return ServiceError("too_large", f"body: expected at most {limit} bytes, found more")
