"""Fixtures for every test."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

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


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with the entry points of pyproject.toml, whatever is installed."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    groups = tomllib.loads(text)["project"]["entry-points"]
    folder = tmp_path_factory.mktemp("declared")
    metadata = folder / "farmaner-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: farmaner\nVersion: 0.1.0\n")
    lines = []
    for group, points in groups.items():
        lines += [f"[{group}]", *(f"{name} = {place}" for name, place in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
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
