"""Services to call: in process, on a real socket, and with a model that waits for a sign."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from farmaner import Document, Recognizer
from farmaner.linking import Linker, Term, Terminology
from farmaner.testing import fake_recognizer

pytest.importorskip("fastapi", reason="needs the extra `serve` (fastapi)")
pytest.importorskip("prometheus_client", reason="needs the extra `serve` (prometheus-client)")
pytest.importorskip("uvicorn", reason="needs the extra `serve` (uvicorn)")

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

NOTE = "Niega alergia a penicilina. PCR 12 mg/l."
FOUND = [
    {"label": "NORMALIZABLES", "start": 16, "end": 26, "text": "penicilina"},
    {"label": "PROTEINAS", "start": 28, "end": 31, "text": "PCR"},
]
TERMS = [
    Term("penicilina", "764146007", "NORMALIZABLES", 3),
    Term("Penicilina", "764146007", "NORMALIZABLES", 1),
    Term("PCR", "61425002", "PROTEINAS", 2),
]


class ModelError(Exception):
    """What a model may raise; its message quotes the text, as messages of libraries do."""


class WatchedModel:
    """The fake recognizer behind a gate; remembers the texts of every round, fails on one."""

    def __init__(self, *, fails_on: str | None = None) -> None:
        self._fake = fake_recognizer()
        self.settings, self.backend = self._fake.settings, self._fake.backend
        self.rounds: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Semaphore(0)
        self._fails_on = fails_on

    def recognize_documents(self, documents: Iterable[Document]) -> Iterator[Document]:
        taken = list(documents)
        self.rounds.append([document.text for document in taken])
        self.began.release()
        assert self.gate.wait(30)
        for document in self._fake.recognize_documents(taken):
            if self._fails_on is not None and self._fails_on in document.text:
                raise ModelError(document.text)
            yield document

    @property
    def texts(self) -> list[str]:
        """Every text that the model was given, in order."""
        return [text for round_ in self.rounds for text in round_]

    def as_recognizer(self) -> Recognizer:
        return cast(Recognizer, self)


def make_app(model: WatchedModel | Recognizer | None = None, **settings: Any) -> FastAPI:
    """Return an application on a fake model, with a linker of three terms."""
    from farmaner.service import Settings, create_app

    if isinstance(model, WatchedModel):
        model = model.as_recognizer()
    return create_app(
        model or fake_recognizer(),
        linker=Linker(Terminology.of(TERMS)),
        settings=Settings(**settings),
        model_version="1a2b3c",
    )


MakeClient = Callable[..., "TestClient"]


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    """Return a function from a model and settings to a client of a running application."""
    from fastapi.testclient import TestClient

    with ExitStack() as stack:
        yield lambda model=None, **settings: stack.enter_context(
            TestClient(make_app(model, **settings))
        )


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """Return a client of an application with the defaults."""
    from fastapi.testclient import TestClient

    with TestClient(make_app()) as client:
        yield client


@contextmanager
def serving(app: FastAPI) -> Iterator[int]:
    """Serve an application on a free port of this machine; give the port."""
    import uvicorn

    config = uvicorn.Config(app, port=0, log_config=None, access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], Any], *, seconds: float = 30.0) -> None:
    """Wait for something that other threads bring about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "expected it to happen, found it not"
        time.sleep(0.005)
