"""The server: uvicorn around the application, its logs, and its end."""

from __future__ import annotations

import hashlib
import logging
import math
import signal
import socket
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from farmaner.encoders.folder import ONNX_FILES, SETTINGS_FILE, TOKENIZER_FILE, WEIGHTS_FILE
from farmaner.errors import ConfigError
from farmaner.service.logs import configure_logs
from farmaner.service.state import Service

_VERSION_DIGITS = 12
_BACKLOG = 2048
_log = logging.getLogger("farmaner.service")


def model_version(folder: Path, backend: str) -> str:
    """Return the beginning of the SHA-256 of the files that a model's answers depend on."""
    digest = hashlib.sha256()
    for name in (SETTINGS_FILE, TOKENIZER_FILE, ONNX_FILES.get(backend, WEIGHTS_FILE)):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:_VERSION_DIGITS]


def run(app: FastAPI, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; what was accepted is answered first.

    ConfigError where the address cannot be had. Raises KeyboardInterrupt at the end where it was
    SIGINT, as any program does.
    """
    service: Service = app.state.service
    configure_logs()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # it writes paths as they were sent
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(service.settings.timeout_seconds) + 1,
    )
    with _listen(host, port) as listening:
        place, port = listening.getsockname()[:2]
        _log.info("listening at http://%s:%d", f"[{place}]" if ":" in place else place, port)
        if threading.current_thread() is threading.main_thread():
            # uvicorn raises the signal again when all is done; to end well is no failure.
            signal.signal(signal.SIGTERM, lambda *_: None)
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = (error.strerror or "none").partition(" (")[0]
        raise ConfigError(
            f"{host}:{port}: expected an address to listen at, found: {reason}"
        ) from None
