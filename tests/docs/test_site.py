"""The site is built without a warning, whole, and asks no other host for anything."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.docs.blocks import ROOT
from typer.main import get_command

import farmaner
from farmaner.cli import app

if TYPE_CHECKING:
    from playwright.sync_api import Browser

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.slow
COPIED = ["CHANGELOG.md", "CONTRIBUTING.md", "README.md", "zensical.toml"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the site is made of, with the site built from it."""
    for name in ("zensical", "mkdocstrings"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs the extra `docs` ({name}), which needs Python 3.11")
    house = tmp_path_factory.mktemp("house")
    large = shutil.ignore_patterns("*.onnx", "tokenizer.json", "*.terms", "__pycache__")
    for name in ("docs", "examples", "src"):
        shutil.copytree(ROOT / name, house / name, ignore=large)
    for name in COPIED:
        shutil.copy(ROOT / name, house)
    command = [sys.executable, str(house / "docs" / "build.py")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout + done.stderr
    return house


def listed(nav: Any) -> Iterator[str]:
    """Yield the pages of a navigation."""
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from listed(part)


def test_every_page_is_in_the_navigation_once(house: Path) -> None:
    settings = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    pages = house / "build" / "docs"
    made = sorted(path.relative_to(pages).as_posix() for path in pages.rglob("*.md"))
    places = Counter(listed(settings["project"]["nav"]))
    assert [(page, places[page]) for page in made if places[page] != 1] == []


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield every command with its full name."""
    yield name, command
    for part, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {part}")


def test_every_command_and_option_is_told(house: Path) -> None:
    page = (house / "build" / "docs" / "commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^##+ (farmaner [^\n]+)\n(.*?)(?=^##|\Z)", page, re.M | re.S))
    told = dict(commands(get_command(app), "farmaner"))
    assert set(sections) == set(told) - {"farmaner"}
    for name, section in sections.items():
        options = [option for parameter in told[name].params for option in parameter.opts]
        assert [o for o in options if o.startswith("--") and o not in section] == [], name


def test_every_public_class_is_told(house: Path) -> None:
    told: set[str] = set()
    for page in (house / "site" / "api").glob("*.html"):
        told |= set(re.findall(r'id="(farmaner[\w.]*)"', page.read_text(encoding="utf-8")))
    source = ROOT / "src"
    classes = {
        ".".join([*file.relative_to(source).with_suffix("").parts, node.name])
        for file in source.rglob("*.py")
        if "cli" not in file.parts and not file.stem.startswith("_")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    public = {f"farmaner.{name}" for name in farmaner.__all__}
    assert sorted((classes | public) - told) == []


def test_no_page_names_a_file_of_another_host(house: Path) -> None:
    loaded = r'<(?:script|img|iframe|link)\b[^>]*(?:src|href)="(?:https?:)?//[^"]+'
    for page in (house / "site").rglob("*.html"):
        assert re.findall(loaded, page.read_text(encoding="utf-8")) == [], page.name


def test_every_link_between_pages_leads_to_a_file(house: Path) -> None:
    site = house / "site"
    for page in set(site.rglob("*.html")) - {site / "404.html"}:  # which a server shows anywhere
        html = page.read_text(encoding="utf-8")
        links = re.findall(r'<a\b[^>]*href="([^"#:]+)(?:#[^"]*)?"', html)
        dead = {link for link in links if not (page.parent / link).exists()}
        assert dead == set(), page.relative_to(site)


def test_opened_from_a_disk_it_is_searched_and_asks_nobody(house: Path, browser: Browser) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for name in ("index", "walk", "api/document"):
        page.goto((house / "site" / f"{name}.html").as_uri())
        page.wait_for_load_state()
    page.keyboard.press("Control+k")
    page.keyboard.type("telemetry", delay=20)
    page.get_by_text("What leaves the machine").first.click()
    page.wait_for_url("**/privacy.html*")
    page.close()
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
