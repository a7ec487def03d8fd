"""The service: texts in, entities out, over HTTP."""

from farmaner.service.app import create_app
from farmaner.service.server import run
from farmaner.service.settings import Settings

__all__ = ["Settings", "create_app", "run"]
