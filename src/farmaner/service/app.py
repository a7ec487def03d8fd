"""The application: routes, and what they are made of."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from importlib import metadata
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from farmaner.linking import Linker
from farmaner.recognizer import Recognizer
from farmaner.service.answers import document_answer, select
from farmaner.service.edge import Edge
from farmaner.service.errors import ServiceError, http_error, validation_error
from farmaner.service.metrics import CONTENT_TYPE, Metrics
from farmaner.service.pages import add_pages
from farmaner.service.requests import annotate_texts
from farmaner.service.schemas import (
    AnnotateRequest,
    AnnotateResponse,
    InfoOut,
    StateOut,
    error_answers,
)
from farmaner.service.settings import Settings
from farmaner.service.terms import Terms
from farmaner.service.worker import Worker

_NO_TELEMETRY = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


def create_app(
    recognizer: Recognizer,
    *,
    linker: Linker | None = None,
    settings: Settings | None = None,
    model_version: str = "",
) -> FastAPI:
    """Return the service of one model as an ASGI application; without a linker none links."""
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
        version=metadata.version("farmaner"),
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        telemetry=_NO_TELEMETRY,
    )
    app.add_middleware(Edge, settings=settings, metrics=metrics)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    model = {"name": recognizer.settings.name, "version": model_version}
    terms = Terms(linker.terminology if linker else None)

    @app.get("/livez")
    async def livez() -> StateOut:
        """Say that the process answers."""
        return StateOut(status="ok")

    @app.get("/readyz", responses=error_answers(503))
    async def readyz() -> StateOut:
        """Say whether texts would be annotated now."""
        if not worker.is_ready:
            raise ServiceError("not_ready", "the model is not ready", retry_after_seconds=1)
        return StateOut(status="ok")

    @app.get("/metrics", response_class=Response)
    async def metrics_() -> Response:
        """Return the counters for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/v1/info")
    async def info() -> InfoOut:
        """Tell the model, what it finds, and the limits."""
        return InfoOut.model_validate(
            {
                **model,
                "farmaner": app.version,
                "labels": recognizer.settings.labels,
                "backend": recognizer.backend,
                "linking": linker is not None,
                "limits": {
                    "max_body_bytes": settings.max_body_bytes,
                    "max_chars": settings.max_chars,
                    "max_documents": settings.max_documents,
                    "timeout_seconds": settings.timeout_seconds,
                },
            }
        )

    @app.post(
        "/v1/annotate",
        response_model=AnnotateResponse,
        responses=error_answers(408, 413, 422, 429, 500, 503),
    )
    async def annotate(request: Request, asked: AnnotateRequest) -> Any:
        """Find the entities of one text or of several."""
        if asked.link and linker is None:
            raise ServiceError("invalid", "link: expected false, for this service has no codes")
        documents = await annotate_texts(request, asked.texts(), worker, settings, link=asked.link)
        chosen = [
            select(document, minimum_score=asked.minimum_score, labels=asked.labels)
            for document in documents
        ]
        exchange = request.state.exchange
        for document in chosen:
            exchange.n_entities += len(document.entities)
            for entity in document.entities:
                metrics.entities.labels(entity.label).inc()
        metrics.documents.inc(len(chosen))
        metrics.characters.inc(exchange.n_chars)
        answers = [
            document_answer(document, offsets=asked.offsets, link=asked.link, terms=terms)
            for document in chosen
        ]
        return JSONResponse({"model": model, "offsets": asked.offsets, "documents": answers})

    add_pages(app)
    return app
