"""Silence for the libraries that training uses; to be asked for before they are imported."""

from __future__ import annotations

import logging
import warnings


def quiet_libraries() -> None:
    """Keep torch, transformers and accelerate from writing between the lines of a command."""
    warnings.filterwarnings("ignore", module="torch|transformers|accelerate")
    logging.getLogger("transformers").setLevel(logging.ERROR)
