"""What a service may be set to, and its limits."""

from __future__ import annotations

from dataclasses import dataclass, fields

from farmaner.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Settings:
    """The limits and the doors of a service; each out of range is a ConfigError.

    `max_chars` and `max_documents` count over one request; the default of `max_body_bytes` holds
    `max_chars` characters however JSON escapes them (12 bytes at most). `timeout_seconds` is the
    time from a request's first byte to its answer. `max_batch_pieces` is about what one round of
    the model takes; `max_queue_pieces` about what may wait for it. Without `token` everyone is
    served; `cors_origins` are the other origins whose pages may call.
    """

    max_body_bytes: int = 2_500_000
    max_chars: int = 200_000
    max_documents: int = 100
    timeout_seconds: float = 60.0
    max_batch_pieces: int = 2048
    max_queue_pieces: int = 65_536
    token: str | None = None
    cors_origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self)[:6]:
            value = getattr(self, field.name)
            if value <= 0:
                raise ConfigError(f"{field.name}: expected more than 0, found {value}")
        if self.token is not None and len(self.token) < MIN_TOKEN:
            raise ConfigError(
                f"token: expected {MIN_TOKEN} characters or more, found {len(self.token)}"
            )


MIN_TOKEN = 8
