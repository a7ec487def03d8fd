"""The server: uvicorn around the application, its logs, and its end."""

from __future__ import annotations

import hashlib
import math
import signal
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from farmaner.encoders.folder import ONNX_FILES, SETTINGS_FILE, TOKENIZER_FILE, WEIGHTS_FILE
from farmaner.service.logs import configure_logs
from farmaner.service.state import Service

_VERSION_DIGITS = 12


def model_version(folder: Path, backend: str) -> str:
    """Return the beginning of the SHA-256 of the files that a model's answers depend on."""
    digest = hashlib.sha256()
    for name in (SETTINGS_FILE, TOKENIZER_FILE, ONNX_FILES.get(backend, WEIGHTS_FILE)):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:_VERSION_DIGITS]


def run(app: FastAPI, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; what was accepted is answered first.

    Raises KeyboardInterrupt at the end where it was SIGINT, as any program does.
    """
    service: Service = app.state.service
    configure_logs()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,  # it writes paths as they were sent
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(service.settings.timeout_seconds) + 1,
    )
    if threading.current_thread() is threading.main_thread():
        # uvicorn raises the signal again when all is done; to end well is no failure.
        signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.Server(config).run()
