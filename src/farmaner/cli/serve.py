"""`farmaner serve`: the service and its page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[
        str, typer.Option(envvar="FARMANER_HOST", help="address to listen at")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, envvar="FARMANER_PORT", help="port; 0: any")
    ] = 8000,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", "-m", envvar="FARMANER_MODEL", help="model folder  [default: bundled]"
        ),
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="FARMANER_TOKEN", help="what clients must show")
    ] = None,
) -> None:
    """Serve the model over HTTP, with a page for the browser at `/`."""
    from farmaner.linking import Linker
    from farmaner.linking.build import load_terminology
    from farmaner.recognizer import load
    from farmaner.service import Settings, create_app, run

    settings = Settings(token=token)
    app = create_app(load(model), linker=Linker(load_terminology()), settings=settings)
    run(app, host=host, port=port)
