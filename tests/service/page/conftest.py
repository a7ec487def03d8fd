"""A service on a free port, and a page of it that reports everything it should not do."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from farmaner.document import Document
from farmaner.linking import Linker
from farmaner.linking.build import load_terminology
from farmaner.recognizer import Recognizer
from farmaner.testing import FakeEncoder, fake_settings, fake_tokenizer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
OpenPage: TypeAlias = Callable[..., AbstractContextManager["Shown"]]
OpenService: TypeAlias = Callable[..., AbstractContextManager[str]]
Ask: TypeAlias = Callable[..., Any]

TERMS = {
    "penicilina": "NORMALIZABLES",
    "paracetamol": "NORMALIZABLES",
    "ácido fólico": "NORMALIZABLES",
    "extracto de valeriana": "NO_NORMALIZABLES",
    "albúmina": "PROTEINAS",
    "PCR": "PROTEINAS",
}
SCORES = {"paracetamol": 0.6, "albúmina": 0.85}

ENTITIES = """() => [...document.querySelectorAll("#text .entity.on[role]")].map((piece) => {
  const lines = document.createRange();
  lines.setStart(document.getElementById("text"), 0);
  lines.setEnd(piece, 0);
  const all = document.querySelectorAll(`#text [data-item="${piece.dataset.item}"]`);
  const text = [...all].map((each) => each.textContent).join("");
  return [piece.className, lines.toString().length, text, all[all.length - 1].dataset.tag];
})"""


class Graded(Recognizer):
    """Finds TERMS, sure of most of them and less of those in SCORES."""

    def __init__(self) -> None:
        settings = fake_settings(tuple(dict.fromkeys(TERMS.values())))
        tokenizer = fake_tokenizer()
        encoder = FakeEncoder(settings.tagging_scheme(), TERMS, tokenizer)
        super().__init__(encoder, tokenizer, settings, backend="fake")

    def recognize_documents(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in super().recognize_documents(documents):
            yield document.with_entities(
                replace(entity, score=SCORES.get(entity.text, entity.score))
                for entity in document.entities
            )


@dataclass
class Shown:
    """A page, and what the tests ask of it again and again."""

    page: Page
    url: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    expected_complaints: int = 0  # failed requests, which the console names

    def paste(self, text: str) -> None:
        self.unfold()
        self.page.fill("#note", text)
        self.annotate()

    def load(self, *paths: Path) -> None:
        self.page.set_input_files("#choose", paths)

    def unfold(self) -> None:
        """Open the part with the inputs, which an answer folds."""
        self.page.evaluate("() => { document.getElementById('source').open = true; }")

    def annotate(self) -> None:
        self.page.click("#annotate")
        self.page.wait_for_selector("#annotate:not([disabled])", state="attached")

    def text(self) -> str:
        """Return the whole text in view, unchanged by the layout."""
        told: str = self.page.evaluate("() => document.getElementById('text').textContent")
        return told

    def entities(self) -> list[tuple[str, int, int]]:
        """Return surface, start and end in code points of the entities that show, in order."""
        units = self.text().encode("utf-16-le", "surrogatepass")
        found = []
        for _, start, surface, _ in self.page.evaluate(ENTITIES):
            first = len(units[: 2 * start].decode("utf-16-le", "surrogatepass"))
            found.append((surface, first, first + len(surface)))
        return found

    def tags(self) -> list[tuple[str, str]]:
        """Return surface and tag of the entities that show."""
        return [(surface, tag) for _, _, surface, tag in self.page.evaluate(ENTITIES)]

    def states(self) -> list[tuple[str, str]]:
        """Return surface and state of the entities that show among the differences."""
        return [
            (surface, names.split()[-1]) for names, _, surface, _ in self.page.evaluate(ENTITIES)
        ]

    def choose_view(self, name: str) -> None:
        self.page.check(f"input[name=view][value={name}]", force=True)
        self.frame()

    def frame(self) -> None:
        """Wait until the page has drawn what was chosen."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def alerts(self) -> list[str]:
        self.page.wait_for_selector("#alert:not([hidden])")
        return self.page.locator("#alert p").all_inner_texts()

    def download(self, format_: str) -> tuple[str, bytes]:
        """Return name and bytes of the file that a download gives."""
        self.page.check(f"input[name=format][value={format_}]", force=True)
        with self.page.expect_download() as waiting:
            self.page.click("#download")
        return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


@contextmanager
def served(**settings: Any) -> Iterator[str]:
    """Run the service on a free port of this machine; yield its address."""
    pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
    uvicorn = pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
    from farmaner.service import Settings, create_app

    linker = Linker(load_terminology())
    app = create_app(Graded(), linker=linker, settings=Settings(**settings))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
        assert thread.is_alive(), "the service did not start"
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join(20)


@contextmanager
def opened(browser: Browser, url: str, **context: Any) -> Iterator[Shown]:
    """Open the page; on leaving, fail if it asked another server or its console complained."""
    options = {"locale": "es-ES", "viewport": {"width": 1280, "height": 900}, **context}
    within = browser.new_context(**options)
    within.set_default_timeout(30_000)
    shown = Shown(within.new_page(), url)
    shown.page.on("request", lambda request: shown.requests.append(request.url))
    shown.page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    shown.page.on(
        "console",
        lambda said: (
            shown.complaints.append(said.text) if said.type in ("error", "warning") else None
        ),
    )
    shown.page.goto(url)
    shown.page.wait_for_selector("#annotate:not([disabled])")
    yield shown
    assert len(shown.complaints) == shown.expected_complaints, shown.complaints
    assert [each for each in shown.requests if not each.startswith((url, f"blob:{url}"))] == []
    within.close()


@pytest.fixture(scope="module")
def service(browser: Browser) -> Iterator[str]:
    """The address of a service that takes up to 3 documents and 300,000 characters at a time."""
    with served(max_documents=3, max_chars=300_000) as url:
        yield url


@pytest.fixture
def shown(browser: Browser, service: str) -> Iterator[Shown]:
    """The page, opened by a Spanish browser of 1280 by 900."""
    with opened(browser, service) as page:
        yield page


@pytest.fixture
def open_page(browser: Browser, service: str) -> OpenPage:
    """Open the page, or that of another service, in a browser of some language, size, ..."""

    def open_(url: str = service, **context: Any) -> AbstractContextManager[Shown]:
        return opened(browser, url, **context)

    return open_


@pytest.fixture(scope="session")
def open_service() -> OpenService:
    """Run another service, of other settings."""
    return served


@pytest.fixture
def ask(service: str) -> Ask:
    """Ask the service itself, without a page: post a body, or get."""

    def answer(path: str, **body: Any) -> Any:
        data = json.dumps(body).encode() if body else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{service}{path}", data, headers)  # noqa: S310  ours
        with urllib.request.urlopen(request) as response:  # noqa: S310
            return json.load(response)

    return answer
