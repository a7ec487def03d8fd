"""The server: uvicorn around the application, its logs, and its end."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

from farmaner.service.logs import configure_logs


def run(app: FastAPI, *, host: str, port: int) -> None:
    """Serve until a signal asks to stop; what was accepted is answered first."""
    configure_logs()
    uvicorn.run(app, host=host, port=port, log_config=None, access_log=False)
