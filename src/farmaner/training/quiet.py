"""What a command asks for before it imports the libraries of training."""

from __future__ import annotations

import logging
import warnings
from importlib.util import find_spec

from farmaner.errors import MissingExtraError


def quiet_libraries() -> None:
    """Keep torch, transformers and accelerate from writing between the lines of a command.

    Raises MissingExtraError where they are not installed.
    """
    for name in ("torch", "transformers", "accelerate"):
        if find_spec(name) is None:
            raise MissingExtraError(name, "train")
    warnings.filterwarnings("ignore", module="torch|transformers|accelerate")
    logging.getLogger("transformers").setLevel(logging.ERROR)
