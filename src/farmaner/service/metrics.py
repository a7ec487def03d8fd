"""What Prometheus may ask: numbers and names from lists of our own, never a word of a text."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from farmaner.service.jobs import JobQueue

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_FILL = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 2.0, 5.0, 10.0, 50.0)


class Metrics:
    """The counters of one service, in a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.requests = Counter(
            "farmaner_requests", "Requests answered", ["route", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "farmaner_request_seconds",
            "From a request to its answer",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.queue_seconds = Histogram(
            "farmaner_queue_seconds", "Waiting in the queue", buckets=_SECONDS, registry=registry
        )
        self.batch_seconds = Histogram(
            "farmaner_batch_seconds", "One round of the model", buckets=_SECONDS, registry=registry
        )
        self.batch_fill = Histogram(
            "farmaner_batch_fill",
            "Pieces of a round as a share of its budget",
            buckets=_FILL,
            registry=registry,
        )
        self.documents = Counter("farmaner_documents", "Documents annotated", registry=registry)
        self.characters = Counter("farmaner_characters", "Characters annotated", registry=registry)
        self.entities = Counter(
            "farmaner_entities", "Entities sent back", ["label"], registry=registry
        )
        self.dropped = Counter(
            "farmaner_dropped",
            "Requests dropped from the queue before the model saw them",
            ["reason"],
            registry=registry,
        )
        self._queue_pieces = Gauge(
            "farmaner_queue_pieces", "Pieces waiting, about", ["lane"], registry=registry
        )
        self._queue_requests = Gauge(
            "farmaner_queue_requests", "Requests waiting", ["lane"], registry=registry
        )

    def watch_queue(self, lane: str, queue: JobQueue) -> None:
        """Show how full a queue is."""
        self._queue_pieces.labels(lane).set_function(lambda: queue.n_pieces)
        self._queue_requests.labels(lane).set_function(lambda: len(queue))

    def count_dropped(self, reason: str) -> None:
        """Count a job that was dropped before the model saw it."""
        self.dropped.labels(reason).inc()

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)


CONTENT_TYPE = CONTENT_TYPE_LATEST
