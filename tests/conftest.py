"""Fixtures for every test."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of the task's material; its tests carry the marker `shared`."""
    beside_the_repository = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("FARMANER_SHARED", beside_the_repository))
    if not folder.is_dir():
        pytest.skip("the task's material is missing: set FARMANER_SHARED to its folder")
    return folder
