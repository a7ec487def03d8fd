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
    paragraphs: list[str]
    examples: list[tuple[str, str]]
    answers: list[tuple[str, str]]


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
            answers = operation["responses"]
            sent = operation.get("requestBody", {"content": {}})
            examples = [("Ask", example) for example in _examples(sent, openapi)]
            examples += [("Answer", example) for example in _examples(answers["200"], openapi)]
            yield Operation(
                method.upper(),
                path,
                operation["summary"],
                operation["description"].split("\n\n"),
                examples,
                [(status, answer["description"]) for status, answer in answers.items()],
            )


def _examples(body: dict[str, Any], openapi: dict[str, Any]) -> list[str]:
    """Return the examples that the schema of a body gives."""
    reference = body["content"].get("application/json", {}).get("schema", {}).get("$ref", "")
    schema = openapi["components"]["schemas"].get(reference.rpartition("/")[2], {})
    return [
        json.dumps(example, ensure_ascii=False, indent=2) for example in schema.get("examples", [])
    ]
