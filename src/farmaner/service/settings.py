"""What a service may be set to, and its limits."""

from __future__ import annotations

from dataclasses import dataclass

from farmaner.errors import ConfigError

MIN_TOKEN = 8
_POSITIVE = (
    "max_body_bytes",
    "max_chars",
    "max_documents",
    "timeout_seconds",
    "max_batch_pieces",
    "max_queue_pieces",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The limits of a service, and who may call it; ConfigError for one out of range.

    `max_chars` and `max_documents` count over one request; the default of `max_body_bytes` holds
    `max_chars` characters however JSON escapes them (12 bytes at most). `timeout_seconds` is the
    time from a request's first byte to its answer. `max_batch_pieces` is about what one round of
    the model takes, `max_queue_pieces` about the most that waits for it in each lane. Without
    `token` everyone is served; `cors_origins` are other origins whose pages may call.
    """

    max_body_bytes: int = 2_500_000
    max_chars: int = 200_000
    max_documents: int = 1000
    timeout_seconds: float = 60.0
    max_batch_pieces: int = 2048
    max_queue_pieces: int = 65_536
    token: str | None = None
    cors_origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ConfigError(f"{name}: expected a number above 0, found {value}")
        if self.token is not None and not (len(self.token) >= MIN_TOKEN and self.token.isascii()):
            raise ConfigError(
                f"token: expected {MIN_TOKEN} ASCII characters or more, found another"
            )
