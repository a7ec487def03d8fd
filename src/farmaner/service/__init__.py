"""The service: texts in, entities out, over HTTP."""

from farmaner.service.app import create_app
from farmaner.service.server import model_version, run
from farmaner.service.settings import Settings

__all__ = ["Settings", "create_app", "model_version", "run"]
