"""`farmaner serve`: the service and its page."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", envvar="FARMANER_HOST", help="where to listen")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, envvar="FARMANER_PORT", help="port; 0 takes a free one")
    ] = 8000,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            "-m",
            metavar="DIR",
            envvar="FARMANER_MODEL",
            help="model folder",
            show_default="the bundled one",
        ),
    ] = None,
    terminology: Annotated[
        Path | None,
        typer.Option(
            "--terminology",
            "-t",
            metavar="FILE",
            envvar="FARMANER_TERMINOLOGY",
            help="where the codes come from",
            show_default="the bundled one",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, envvar="FARMANER_THREADS", help="cores to use", show_default="all"),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="FARMANER_TOKEN",
            help="bearer token that clients must show; better by the variable than here",
            show_default="none",
        ),
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            envvar="FARMANER_CORS_ORIGIN",
            help="another origin whose pages may call; may be given repeatedly",
            show_default="none",
        ),
    ] = None,
    max_body_bytes: Annotated[
        int,
        typer.Option(min=1, envvar="FARMANER_MAX_BODY_BYTES", help="bytes of the largest request"),
    ] = 2_500_000,
    max_chars: Annotated[
        int,
        typer.Option(
            min=1, envvar="FARMANER_MAX_CHARS", help="most characters in a request's texts"
        ),
    ] = 200_000,
    max_documents: Annotated[
        int,
        typer.Option(min=1, envvar="FARMANER_MAX_DOCUMENTS", help="most documents in a request"),
    ] = 1000,
    timeout_seconds: Annotated[
        float,
        typer.Option(min=0.1, envvar="FARMANER_TIMEOUT_SECONDS", help="longest wait for an answer"),
    ] = 60.0,
    max_queue_pieces: Annotated[
        int,
        typer.Option(
            min=1,
            envvar="FARMANER_MAX_QUEUE_PIECES",
            help="most text that waits, in pieces of about 2.5 bytes; past it: 429",
        ),
    ] = 65_536,
) -> None:
    """Serve the model over HTTP, with a page for the browser at /.

    Listens on this machine alone unless --host says otherwise. Texts are answered and forgotten:
    neither stored nor logged. SIGTERM and Ctrl-C end it after what was accepted is answered. The
    interface is described at /docs. An option may come by its variable. Needs the extra serve:
    pip install "farmaner[serve]".

    Examples:
      farmaner serve
      farmaner serve --port 0 --model model --threads 2
      FARMANER_TOKEN=... farmaner serve --host 0.0.0.0 --port 80

    Exit codes: 0 ended by SIGTERM, 1 failed, 2 wrong usage, 130 interrupted.
    """
    from farmaner.errors import MissingExtraError

    for package in ("fastapi", "uvicorn", "prometheus_client"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "serve")
    from farmaner.linking import Linker
    from farmaner.linking.build import load_terminology
    from farmaner.recognizer import bundled_model, load
    from farmaner.service import Settings, create_app, model_version, run

    settings = Settings(
        max_body_bytes=max_body_bytes,
        max_chars=max_chars,
        max_documents=max_documents,
        timeout_seconds=timeout_seconds,
        max_queue_pieces=max_queue_pieces,
        # An empty variable is a token that got lost, not a door to be left open.
        token=os.environ.get("FARMANER_TOKEN") if token is None else token,
        cors_origins=tuple(cors_origin or ()),
    )
    recognizer = load(model, threads=threads)
    app = create_app(
        recognizer,
        linker=Linker(load_terminology(terminology)),
        settings=settings,
        model_version=model_version(model or bundled_model(), recognizer.backend),
    )
    run(app, host=host, port=port)
