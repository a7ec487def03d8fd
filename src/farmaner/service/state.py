"""What the routes share: one model, its worker, and how a request becomes documents."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from farmaner.document import Document
from farmaner.service.edge import Exchange
from farmaner.service.errors import ServiceError
from farmaner.service.jobs import Job
from farmaner.service.metrics import Metrics
from farmaner.service.settings import Settings
from farmaner.service.terms import Terms
from farmaner.service.worker import Worker


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """One model at the service of many clients; `terms` is None where it gives no codes."""

    name: str
    version: str
    labels: tuple[str, ...]
    backend: str
    settings: Settings
    metrics: Metrics
    worker: Worker
    terms: Terms | None

    @property
    def model(self) -> dict[str, str]:
        """Which model answers."""
        return {"name": self.name, "version": self.version}

    async def annotate(
        self, request: Request, texts: Sequence[tuple[str, str]], *, link: bool
    ) -> list[Document]:
        """Return texts, each with its id, as documents with entities.

        ServiceError where a limit is passed, the queue is full, time is up, or the client has
        gone; the last two abandon the job, which costs the model nothing if it still waits.
        """
        self._check(texts)
        exchange: Exchange = request.state.exchange
        exchange.n_documents = len(texts)
        exchange.n_chars = sum(len(text) for _, text in texts)
        documents = tuple(Document(id_, text) for id_, text in texts)
        deadline = exchange.started + self.settings.timeout_seconds
        job = Job.of(exchange.request_id, documents, deadline, link=link)
        self.worker.submit(job)
        return await self._answer(job, request)

    def count(self, request: Request, documents: Sequence[Document]) -> None:
        """Count what is sent back."""
        exchange: Exchange = request.state.exchange
        self.metrics.documents.inc(len(documents))
        self.metrics.characters.inc(exchange.n_chars)
        for document in documents:
            exchange.n_entities += len(document.entities)
            for entity in document.entities:
                self.metrics.entities.labels(entity.label).inc()

    def _check(self, texts: Sequence[tuple[str, str]]) -> None:
        limit = self.settings.max_documents
        if len(texts) > limit:
            raise ServiceError(
                "too_large", f"documents: expected at most {limit}, found {len(texts)}"
            )
        n_chars, limit = sum(len(text) for _, text in texts), self.settings.max_chars
        if n_chars > limit:
            raise ServiceError(
                "too_large", f"text: expected at most {limit} characters in all, found {n_chars}"
            )

    async def _answer(self, job: Job, request: Request) -> list[Document]:
        """Wait for the answer of a job, for its deadline, or for the client to go."""
        answer = asyncio.wrap_future(job.answer)
        gone = asyncio.ensure_future(_disconnected(request))
        left = max(job.deadline - time.monotonic(), 0.0)
        try:
            either: set[asyncio.Future[Any]] = {answer, gone}
            await asyncio.wait(either, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if answer.done() and not answer.cancelled():
                return answer.result()
            if gone.done():
                raise ServiceError("abandoned", "the client has gone")
            raise ServiceError(
                "timeout",
                f"expected an answer within {self.settings.timeout_seconds:g} s, found none",
                retry_after_seconds=1,
            )
        finally:
            answer.cancel()  # and the job with it, if it still waits
            gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def service_of(request: Request) -> Service:
    """Return the service of the application that serves a request."""
    service: Service = request.app.state.service
    return service


CurrentService = Annotated[Service, Depends(service_of)]
"""A route's parameter that is given the service."""
