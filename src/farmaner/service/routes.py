"""The service's own interface, and what the platform asks."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from farmaner.service.answers import document_answer, select
from farmaner.service.errors import ServiceError
from farmaner.service.metrics import CONTENT_TYPE
from farmaner.service.schemas import (
    AnnotateRequest,
    AnnotateResponse,
    InfoOut,
    LimitsOut,
    StateOut,
    error_answers,
)
from farmaner.service.state import CurrentService

router = APIRouter()


@router.post(
    "/v1/annotate",
    tags=["texts"],
    summary="Find the entities of texts",
    response_model=AnnotateResponse,
    responses=error_answers(401, 408, 413, 422, 429, 500, 503),
)
async def annotate(request: Request, asked: AnnotateRequest, service: CurrentService) -> Any:
    """Find the drugs, chemicals and proteins of one text or of several.

    Each entity has its label, its place, its text and a score from 0 to 1; with link also its
    code. The texts themselves are not sent back.
    """
    if asked.link and service.terms is None:
        raise ServiceError("invalid", "link: expected false, for this service has no codes")
    if not set(asked.labels or ()) <= set(service.labels):
        known = ", ".join(service.labels)
        raise ServiceError("invalid", f"labels: expected some of {known}, found another")
    documents = [
        select(document, minimum_score=asked.minimum_score, labels=asked.labels)
        for document in await service.annotate(request, asked.texts(), link=asked.link)
    ]
    service.count(request, documents)
    terms = service.terms if asked.link else None
    answers = [document_answer(d, offsets=asked.offsets, terms=terms) for d in documents]
    content = {"model": service.model, "offsets": asked.offsets, "documents": answers}
    return JSONResponse(content)  # as it is: a second validation would cost more than the first


@router.get("/v1/info", tags=["texts"], summary="Model and limits", responses=error_answers(401))
async def info(service: CurrentService) -> InfoOut:
    """Tell which model answers, what it finds, and what a request may hold."""
    limits = service.settings
    return InfoOut(
        name=service.name,
        version=service.version,
        farmaner=metadata.version("farmaner"),
        labels=list(service.labels),
        backend=service.backend,
        linking=service.terms is not None,
        limits=LimitsOut(
            max_body_bytes=limits.max_body_bytes,
            max_chars=limits.max_chars,
            max_documents=limits.max_documents,
            timeout_seconds=limits.timeout_seconds,
        ),
    )


@router.get("/livez", tags=["platform"], summary="Is it alive?")
async def livez() -> StateOut:
    """Say that the process answers. Needs no token."""
    return StateOut(status="ok")


@router.get("/readyz", tags=["platform"], summary="Is it ready?", responses=error_answers(503))
async def readyz(service: CurrentService) -> StateOut:
    """Say whether a text would be annotated now. Needs no token."""
    if not service.worker.is_ready:
        raise ServiceError("not_ready", "the model is not ready", retry_after_seconds=1)
    return StateOut(status="ok")


@router.get(
    "/metrics",
    tags=["platform"],
    summary="Counters for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **error_answers(401)},
)
async def metrics(service: CurrentService) -> Response:
    """Return requests, latencies, queue, batch fill, entities by label, memory."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)
