"""What a command asks for before it imports the libraries of training."""

from __future__ import annotations

import logging
import os
import warnings
from importlib.util import find_spec

from farmaner.errors import ConfigError, MissingExtraError


def is_first_process() -> bool:
    """Return whether this process is the one that shows and prints: torchrun numbers them."""
    return os.environ.get("RANK", "0") == "0"


def quiet_libraries(*, shared: bool = False) -> None:
    """Keep torch, transformers and accelerate from writing between the lines of a command.

    Raises MissingExtraError where they are not installed, ConfigError where torchrun has started
    several processes for a command whose work is not `shared` among them.
    """
    n_processes = os.environ.get("WORLD_SIZE", "1")
    if n_processes != "1" and not shared:
        raise ConfigError(
            f"WORLD_SIZE: expected 1 process, as the work of this command is not shared, "
            f"found {n_processes}"
        )
    for name in ("torch", "transformers", "accelerate"):
        if find_spec(name) is None:
            raise MissingExtraError(name, "train")
    warnings.filterwarnings("ignore", module="torch|transformers|accelerate")
    logging.getLogger("transformers").setLevel(logging.ERROR)
