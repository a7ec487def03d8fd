"""Builds the documentation site: gathers its pages, writes those that code tells, runs Zensical.

Zensical runs no code of ours, so pages that are not files of docs/ are made here, in build/docs,
before it reads them: the commands, the classes, the notebook, the model card.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.cli
from typer.main import get_command

from farmaner.cli import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = ROOT / "build" / "docs"
SITE = ROOT / "build" / "site"
CONFIG = ROOT / "build" / "zensical.toml"
ELSEWHERE = {  # file of the repository: page of the site
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "examples/README.md": "notes.md",
    "examples/walk.ipynb": "walk.md",
    "src/farmaner/models/bundled/README.md": "card.md",
}
NO_API = {"__main__", "cli"}  # the command line has a page of its own
WORKER_SHIM = "https://unpkg.com/iframe-worker/shim"


def main() -> None:
    """Write the pages and build the site, strictly: a warning ends it."""
    shutil.rmtree(PAGES, ignore_errors=True)
    gather()
    (PAGES / "commands.md").write_text(commands_page(), encoding="utf-8")
    (PAGES / "api").mkdir()
    for room, page in api_pages():
        (PAGES / "api" / f"{room}.md").write_text(page, encoding="utf-8")
    CONFIG.write_text(settings(), encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    if subprocess.run(
        [*command, "--config-file", str(CONFIG)],
        env=os.environ | {"NO_COLOR": "1"},
        check=False,
    ).returncode:
        sys.exit("docs: the site has warnings, or could not be built")
    keep_at_home()
    shutil.rmtree(ROOT / "site", ignore_errors=True)
    print(SITE.rename(ROOT / "site") / "index.html")


def gather() -> None:
    """Copy what lies in docs/, and what other folders have, with links that lead to pages."""
    shutil.copytree(DOCS, PAGES, ignore=shutil.ignore_patterns("*.py", "*.md", "__pycache__"))
    pages = {f"docs/{path.name}": path.name for path in DOCS.glob("*.md")} | ELSEWHERE
    for source, page in pages.items():
        if source == "README.md":  # links to it lead to the site's own first page
            continue
        text = (ROOT / source).read_text(encoding="utf-8")
        if source.endswith(".ipynb"):
            text = notebook_page(json.loads(text))
        (PAGES / page).write_text(relinked(text, Path(source).parent, pages), encoding="utf-8")


def relinked(text: str, folder: Path, pages: dict[str, str]) -> str:
    """Return Markdown whose links to files of the repository lead to pages of the site.

    Of a link to a file that is no page the words stay; one to nothing stays as it is, so that the
    strict build names it.
    """

    def lead(match: re.Match[str]) -> str:
        words, target, anchor = match[1], match[2], match[3] or ""
        file = os.path.normpath(folder / target)
        if file in pages:
            return f"[{words}]({pages[file]}{anchor})"
        if Path(file).parts[0] == "docs" or not (ROOT / file).exists():
            return match[0]
        return words

    return re.sub(r"(?<!!)\[([^\]]+)\]\((?!\w+:)([^)#\s]+)(#[^)\s]+)?\)", lead, text)


def notebook_page(notebook: dict[str, Any]) -> str:
    """Return a notebook as Markdown: its cells, and below each what it printed when it ran."""
    parts: list[str] = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", ()):
            if output["output_type"] == "stream":
                parts.append(f"```text\n{''.join(output['text']).rstrip()}\n```")
            elif "text/html" in output["data"]:
                parts.append(
                    f'<div class="output">\n{"".join(output["data"]["text/html"])}\n</div>'
                )
            else:
                parts.append(f"```text\n{''.join(output['data']['text/plain'])}\n```")
    return "\n\n".join(parts) + "\n"


def settings() -> str:
    """Return zensical.toml without the places of pages that are not there."""
    lines = (ROOT / "zensical.toml").read_text(encoding="utf-8").splitlines(keepends=True)
    pages = [re.search(r'= "([\w/-]+\.md)" }', line) for line in lines]
    there = (page is None or (PAGES / page[1]).exists() for page in pages)
    return "".join(line for line, kept in zip(lines, there) if kept)


def commands_page() -> str:
    """Return the help of every command, as Typer writes it in Markdown."""
    command = get_command(app)
    context = typer.Context(command, info_name="farmaner")
    page = typer.cli.get_docs_for_click(obj=command, ctx=context, name="farmaner", title="Commands")
    page = re.sub(r"\*\*Commands\*\*:\n\n(?:\* .*\n)+\n?", "", page)  # cut to a few words each
    page = re.sub(r"(?m)^\*\*Usage\*\*:\n\n```console\n\$ (.*)\n```$", r"**Usage**: `\1`", page)
    page = re.sub(r"(?m)^(#+) `(.*)`$", r"\1 \2", page)
    page = re.sub(r"(?m)^Examples?:\n\n?((?:  .*\n|\n)+)", _examples, page)
    return re.sub(r"(?m)^\n((?:  (?! ).*\n)+)", r"\n```text\n\1```\n", page)


def _examples(match: re.Match[str]) -> str:
    lines = (line.removeprefix("  ") for line in match[1].strip("\n").splitlines())
    code = "\n".join(line for line in lines if line)
    return f"```bash\n{html.unescape(code)}\n```\n\n"


def api_pages() -> Iterator[tuple[str, str]]:
    """Yield each room of the package with a page that tells mkdocstrings to describe it."""
    source = ROOT / "src" / "farmaner"
    bare = "    options:\n      show_root_heading: false\n"
    yield "farmaner", f"# farmaner\n\n::: farmaner\n{bare}"
    for path in sorted(source.iterdir()):
        room = path.stem
        if room.startswith("_") or room in NO_API:
            continue
        if path.suffix == ".py":
            modules = [f"farmaner.{room}"]
        elif (path / "__init__.py").exists():
            files = sorted(file.relative_to(source) for file in path.rglob("[!_]*.py"))
            modules = [".".join(["farmaner", *file.with_suffix("").parts]) for file in files]
        else:
            continue
        alone = bare if len(modules) == 1 else ""
        described = "\n".join(f"::: {name}\n{alone}" for name in modules)
        told = "" if alone else f"::: farmaner.{room}\n{bare}      members: false\n\n"
        yield room, f"# farmaner.{room}\n\n{told}{described}"


def keep_at_home() -> None:
    """Have the site fetch nothing from elsewhere.

    A page that is opened from a disk may start no worker from a file. The site's theme would fetch
    a remedy from another host; ours is a script of the site that holds the worker's own text.
    """
    (worker,) = (SITE / "assets" / "javascripts" / "workers").glob("search.*.js")
    shim = (DOCS / "theme" / "worker.js").read_text(encoding="utf-8")
    source = json.dumps(worker.read_text(encoding="utf-8"))
    (SITE / "theme" / "worker.js").write_text(shim.replace("SOURCE", source), encoding="utf-8")
    for page in SITE.rglob("*.html"):
        here = os.path.relpath(SITE / "theme" / "worker.js", page.parent)
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace(WORKER_SHIM, here), encoding="utf-8")


if __name__ == "__main__":
    main()
