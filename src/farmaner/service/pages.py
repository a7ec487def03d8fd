"""The page at `/`, and that of the interface at `/docs`: files of our own, nothing from afar."""

from __future__ import annotations

from functools import partial
from importlib import resources
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse

PAGE = Path(str(resources.files("farmaner"))) / "service" / "page"


def add_pages(app: FastAPI) -> None:
    """Serve every file of the folder `page`, `index.html` at `/`.

    Each has a route of its own, so that all other paths stay unknown and no path leads out.
    """
    for path in sorted(PAGE.iterdir()):
        if path.is_file():
            place = "/" if path.name == "index.html" else f"/{path.name}"
            send = partial(_send, path)
            app.add_api_route(
                place, send, methods=["GET", "HEAD"], include_in_schema=False, name=path.name
            )


async def _send(path: Path) -> FileResponse:
    return FileResponse(path, headers={"Cache-Control": "no-cache"})
