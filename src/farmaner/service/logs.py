"""Logs without a word of what was sent: one JSON line a request, exceptions by place and kind."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from pathlib import Path
from typing import Any

ACCESS = logging.getLogger("farmaner.access")


def describe_exception(error: BaseException) -> str:
    """Return an exception's kind and where it came up; its message may quote a text."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-4:]]
    return f"{type(error).__name__} at {' > '.join(places)}"


def log_access(**values: Any) -> None:
    """Log one request."""
    ACCESS.info("%s", json.dumps(values))


def configure_logs() -> None:
    """Send the logs of the service to stderr, a line each; of the server only what goes wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S%z")
    )
    for name, level in (("farmaner", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
