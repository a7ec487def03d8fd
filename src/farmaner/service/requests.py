"""From a request to the entities of its documents: limits, the queue, the deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from fastapi import Request

from farmaner.document import Document
from farmaner.service.edge import Exchange
from farmaner.service.errors import ServiceError
from farmaner.service.jobs import Job
from farmaner.service.settings import Settings
from farmaner.service.worker import Worker


def check_limits(texts: Sequence[tuple[str, str]], settings: Settings) -> None:
    """Raise ServiceError for more documents or characters than a request may hold."""
    if len(texts) > settings.max_documents:
        raise ServiceError(
            "too_large",
            f"documents: expected at most {settings.max_documents}, found {len(texts)}",
        )
    n_chars = sum(len(text) for _, text in texts)
    if n_chars > settings.max_chars:
        raise ServiceError(
            "too_large",
            f"text: expected at most {settings.max_chars} characters in all, found {n_chars}",
        )


async def annotate_texts(
    request: Request,
    texts: Sequence[tuple[str, str]],
    worker: Worker,
    settings: Settings,
    *,
    link: bool,
) -> list[Document]:
    """Return texts as documents with entities.

    ServiceError where a limit is passed, the queue is full, time is up, or the client has gone;
    the last two abandon the job, which costs nothing more if its turn has not come.
    """
    check_limits(texts, settings)
    exchange: Exchange = request.state.exchange
    exchange.n_documents = len(texts)
    exchange.n_chars = sum(len(text) for _, text in texts)
    documents = tuple(Document(id_, text) for id_, text in texts)
    deadline = exchange.started + settings.timeout_seconds
    job = Job.of(exchange.request_id, documents, deadline, link=link)
    worker.submit(job)
    answer = asyncio.wrap_future(job.answer)
    gone = asyncio.ensure_future(_disconnected(request))
    left = max(deadline - time.monotonic(), 0.0)
    try:
        done, _ = await asyncio.wait(
            {answer, gone}, timeout=left, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        gone.cancel()
        if not answer.done():
            job.answer.cancel()
    if answer in done and not answer.cancelled():
        return answer.result()
    if gone in done:
        raise ServiceError("abandoned", "the client has gone")
    raise ServiceError(
        "timeout",
        f"expected an answer within {settings.timeout_seconds:g} s, found none",
        retry_after_seconds=1,
    )


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
