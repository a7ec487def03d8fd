"""Fixtures for every test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of the task's material; its tests carry the marker `shared`."""
    beside_the_repository = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("FARMANER_SHARED", beside_the_repository))
    if not folder.is_dir():
        pytest.skip("the task's material is missing: set FARMANER_SHARED to its folder")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium of the system's; skips where there is none, or no Playwright.

    Of one module only: while Playwright is at work, its thread can run no other event loop.
    """
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no Chromium on the path: nothing is opened in a browser")
    arguments = "--no-sandbox --disable-gpu --disable-background-networking --no-first-run".split()
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()
