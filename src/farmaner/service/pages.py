"""The page at `/`, and that of the interface at `/docs`: files of our own, nothing from afar."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HERE = Path(str(resources.files("farmaner"))) / "service"
_NO_CACHE = {"Cache-Control": "no-cache"}  # to be asked for again after an update


def add_pages(app: FastAPI) -> list[str]:
    """Serve every file of the folder `page`, `index.html` at `/`, and the documentation.

    Each has a route of its own, so that all other paths stay unknown and no path leads out.
    Returns the paths.
    """
    page = ""

    async def docs() -> HTMLResponse:
        nonlocal page
        page = page or render_docs(app.openapi())
        return HTMLResponse(page, headers=_NO_CACHE)

    endpoints: dict[str, Any] = {
        "/" if path.name == "index.html" else f"/{path.name}": partial(_send, path)
        for path in sorted((_HERE / "page").iterdir())
        if path.is_file()
    }
    endpoints["/docs"] = docs
    endpoints["/docs.css"] = partial(_send, _HERE / "templates" / "docs.css")
    for place, endpoint in endpoints.items():
        app.add_api_route(place, endpoint, methods=["GET", "HEAD"], include_in_schema=False)
    return [*endpoints, "/openapi.json"]


async def _send(path: Path) -> FileResponse:
    return FileResponse(path, headers=_NO_CACHE)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as the page shows it."""

    method: str
    path: str
    summary: str
    description: str
    tag: str
    examples: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]


def render_docs(openapi: dict[str, Any]) -> str:
    """Return an OpenAPI document as a page without scripts."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FileSystemLoader(_HERE / "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("docs.html").render(
        info=openapi["info"],
        operations=list(_operations(openapi)),
        schemas=openapi["components"]["schemas"],
    )


def _operations(openapi: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield Operation(
                method.upper(),
                path,
                operation["summary"],
                operation["description"],
                operation["tags"][0],
                tuple(_examples(operation, openapi)),
                tuple(
                    (code, answer["description"]) for code, answer in operation["responses"].items()
                ),
            )


def _examples(operation: dict[str, Any], openapi: dict[str, Any]) -> Iterator[str]:
    body = operation.get("requestBody", {"content": {}})["content"].get("application/json")
    if body:
        name = body["schema"]["$ref"].rpartition("/")[2]
        for example in openapi["components"]["schemas"][name].get("examples", []):
            yield json.dumps(example, ensure_ascii=False, indent=2)
