"""The application, made of its parts."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Set
from importlib import metadata

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from farmaner.linking import Linker
from farmaner.recognizer import Recognizer
from farmaner.service import medcat, routes
from farmaner.service.edge import Gate, Watch
from farmaner.service.errors import http_error, validation_error
from farmaner.service.metrics import Metrics
from farmaner.service.pages import add_pages
from farmaner.service.settings import Settings
from farmaner.service.state import Service
from farmaner.service.terms import Terms
from farmaner.service.worker import Worker


def create_app(
    recognizer: Recognizer,
    *,
    linker: Linker | None = None,
    settings: Settings | None = None,
    model_version: str = "",
) -> FastAPI:
    """Return the service of one model as an ASGI application; without a linker it gives no codes.

    Its worker runs from the application's startup to its shutdown.
    """
    settings = settings or Settings()
    metrics = Metrics()
    worker = Worker(recognizer, linker, settings, metrics)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        worker.start()
        yield
        worker.stop(settings.timeout_seconds)

    app = FastAPI(
        title="farmaner",
        summary="Finds drugs, chemicals and proteins in Spanish clinical text, and codes them.",
        version=metadata.version("farmaner"),
        docs_url=None,  # the framework's own pages load their scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.service = Service(
        name=recognizer.settings.name,
        version=model_version,
        labels=recognizer.settings.labels,
        backend=recognizer.backend,
        settings=settings,
        metrics=metrics,
        worker=worker,
        terms=None if linker is None else Terms(linker.terminology),
    )
    known: set[str] = set()
    _add_edge(app, settings, metrics, known)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    documented = [] if settings.token is None else [Depends(HTTPBearer(auto_error=False))]
    app.include_router(routes.router, dependencies=documented)
    app.include_router(medcat.router, dependencies=documented)
    known.update(add_pages(app), app.openapi()["paths"])
    return app


def _add_edge(app: FastAPI, settings: Settings, metrics: Metrics, known: Set[str]) -> None:
    """Put the edge around the routes, whose paths are `known`; what is added last comes first."""
    app.add_middleware(Gate, settings=settings)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
        )
    app.add_middleware(Watch, metrics=metrics, known=known)
