"""The service on a real socket: overload, deadlines, clients that go, the end, and its logs."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from .conftest import NOTE, WatchedModel, make_app, serving, wait_until


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: Any


def call(port: int, method: str, path: str, body: Any = None) -> Answer:
    """Call a service on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        read = response.read().decode()
        is_json = response.headers.get_content_type() == "application/json"
        return Answer(response.status, response.headers, json.loads(read) if is_json else read)


def annotate(port: int, text: str) -> Answer:
    return call(port, "POST", "/v1/annotate", {"text": text})


def send_and_go(port: int, text: str) -> None:
    """Ask, and hang up without waiting for the answer."""
    body = json.dumps({"text": text}).encode()
    head = (
        "POST /v1/annotate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode() + body)


def metric(port: int, name: str) -> float:
    line = re.search(rf"^{re.escape(name)} (\S+)$", call(port, "GET", "/metrics").body, re.M)
    return float(line[1]) if line else 0.0


def test_a_full_queue_is_said_with_429_and_when_to_come_again() -> None:
    model = WatchedModel()
    app = make_app(model, max_queue_pieces=30)
    with serving(app) as port, ThreadPoolExecutor() as pool:
        model.gate.clear()
        first = pool.submit(annotate, port, "uno")
        assert model.began.acquire(timeout=30)
        waiting = [pool.submit(annotate, port, f"{number}") for number in range(3)]
        wait_until(lambda: metric(port, 'farmaner_queue_requests{lane="short"}') == 3)
        refused = annotate(port, "cinco")
        model.gate.set()

        assert (refused.status, refused.body) == (
            429,
            {
                "error": "too many texts are waiting; try again later",
                "error_type": "queue_full",
            },
        )
        assert refused.headers["Retry-After"] == "1"
        assert [answer.result().status for answer in (first, *waiting)] == [200] * 4
        assert "cinco" not in model.texts
        assert annotate(port, "seis").status == 200


def test_when_time_is_up_the_answer_is_503_and_the_model_never_sees_the_text() -> None:
    model = WatchedModel()
    with serving(make_app(model, timeout_seconds=0.3)) as port, ThreadPoolExecutor() as pool:
        model.gate.clear()
        first = pool.submit(annotate, port, "uno")
        assert model.began.acquire(timeout=30)
        late = annotate(port, "dos")
        early = first.result()
        model.gate.set()
        wait_until(lambda: metric(port, 'farmaner_dropped_total{reason="deadline"}') == 1)

        for answer in (early, late):
            assert (answer.status, answer.body) == (
                503,
                {
                    "error": "expected an answer within 0.3 s, found none",
                    "error_type": "timeout",
                },
            )
            assert answer.headers["Retry-After"] == "1"
        assert model.texts == ["uno"]


def test_the_text_of_a_client_that_has_gone_is_dropped_before_the_model_sees_it() -> None:
    model = WatchedModel()
    with serving(make_app(model)) as port, ThreadPoolExecutor() as pool:
        model.gate.clear()
        first = pool.submit(annotate, port, "uno")
        assert model.began.acquire(timeout=30)
        for _ in range(5):
            send_and_go(port, "nadie espera")
        gone = 'farmaner_requests_total{route="/v1/annotate",status="499"}'
        wait_until(lambda: metric(port, gone) == 5)
        stays = pool.submit(annotate, port, "dos")
        wait_until(lambda: metric(port, 'farmaner_queue_requests{lane="short"}') == 6)
        model.gate.set()

        assert [first.result().status, stays.result().status] == [200, 200]
        assert model.texts == ["uno", "dos"]
        assert metric(port, 'farmaner_dropped_total{reason="abandoned"}') == 5


def test_a_body_that_comes_too_slowly_is_answered_with_408() -> None:
    with serving(make_app(timeout_seconds=0.3)) as port:
        head = b"POST /v1/annotate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(head)
            answer = b"".join(iter(lambda: connection.recv(10_000), b""))  # until it is closed

        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'{"error":"the body came too slowly","error_type":"body_timeout"}' in answer


def test_an_endless_body_is_cut_off_at_the_limit() -> None:
    with serving(make_app(max_body_bytes=1000)) as port:
        head = (
            b"POST /v1/annotate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(head)
            with contextlib.suppress(ConnectionError):
                for _ in range(100_000):
                    connection.sendall(b"64\r\n" + b" " * 100 + b"\r\n")
                    time.sleep(0.0001)
                pytest.fail("the service went on reading")
        assert annotate(port, NOTE).status == 200


def test_many_clients_at_once_get_their_own_answers() -> None:
    with serving(make_app()) as port, ThreadPoolExecutor(16) as pool:
        texts = [f"{'sin más ' * (number % 7)}penicilina {number}" for number in range(100)]
        answers = list(pool.map(lambda text: annotate(port, text), texts))

        found = [answer.body["documents"][0]["entities"][0]["start"] for answer in answers]
        assert found == [text.index("penicilina") for text in texts]


def test_the_end_waits_for_what_was_accepted() -> None:
    model = WatchedModel()
    with ThreadPoolExecutor() as pool:
        with serving(make_app(model)) as port:
            model.gate.clear()
            accepted = [pool.submit(annotate, port, NOTE)]
            assert model.began.acquire(timeout=30)
            accepted += [pool.submit(annotate, port, NOTE) for _ in range(2)]
            wait_until(lambda: metric(port, 'farmaner_queue_requests{lane="short"}') == 2)
            threading.Timer(0.3, model.gate.set).start()
        assert [answer.result().status for answer in accepted] == [200] * 3


@dataclass
class Process:
    """`farmaner serve` in a process of its own, all that it says in one file."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def end(self, signal_: int = signal.SIGTERM) -> int:
        self.process.send_signal(signal_)
        return self.process.wait(60)


@contextlib.contextmanager
def farmaner_serve(folder: Path, *arguments: str, **environment: str) -> Iterator[Process]:
    """Run the command on a free port until the block ends."""
    log = folder / "log"
    with log.open("wb") as file:
        process = start(["--port", "0", *arguments], file, **environment)
        try:
            pattern = r"listening at http://127\.0\.0\.1:(\d+)"
            wait_until(lambda: process.poll() is not None or re.search(pattern, log.read_text()))
            found = re.search(pattern, log.read_text())
            assert found, log.read_text()
            yield Process(int(found[1]), process, log)
        finally:
            process.kill()
            process.wait()


def start(arguments: list[str], output: IO[bytes], **environment: str) -> subprocess.Popen[bytes]:
    source = Path(__file__).parents[2] / "src"
    inherited = {name: value for name, value in os.environ.items() if "FARMANER" not in name}
    return subprocess.Popen(
        [sys.executable, "-m", "farmaner", "serve", *arguments],
        env={**inherited, "PYTHONPATH": str(source), **environment},
        stdout=output,
        stderr=subprocess.STDOUT,
    )


WORDS = "penicilina Adalimumab hipogammaglobulinemia Zaragoza ñandutí".split()


def test_no_word_of_any_text_is_in_the_logs_of_a_run(tmp_path: Path) -> None:
    """Whatever is sent, wherever it is put, by whichever door."""
    with farmaner_serve(tmp_path) as service:
        port, text = service.port, f"Toma {' y '.join(WORDS)}."
        statuses = []
        for method, path, body in [
            ("POST", "/v1/annotate", {"text": text}),
            ("POST", "/v1/annotate", {"text": text, "link": True, "offsets": "utf16"}),
            ("POST", "/v1/annotate", {"documents": [{"id": WORDS[0], "text": text}]}),
            ("POST", "/v1/annotate", {"text": text, WORDS[1]: text}),
            ("POST", "/v1/annotate", {"text": text, "labels": [WORDS[2]]}),
            ("POST", "/v1/annotate", {"text": [text]}),
            ("POST", "/v1/annotate", {"text": text * 4000}),
            ("POST", "/v1/annotate", {"text": text * 40_000}),
            ("POST", f"/v1/annotate?text={WORDS[0]}", {"text": text}),
            ("GET", f"/{WORDS[0]}", None),
            (WORDS[1], "/v1/annotate", None),
            ("POST", "/api/process", {"content": {"text": text, "footer": text}}),
            ("POST", "/api/process_bulk", {"content": [{"text": text}, {"texto": text}]}),
            ("GET", "/metrics", None),
        ]:
            answer = call(port, method, path, body)
            statuses.append(answer.status)
            told = path == "/metrics" or answer.status != 200
            assert not told or not [word for word in WORDS if word in str(answer.body)]
        send_and_go(port, text)
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(f"{text}\r\n\r\n".encode())  # no HTTP at all
            connection.recv(1000)
        assert service.end() == 0
        log = service.log.read_text(encoding="utf-8")

    assert statuses == [200, 200, 200, 422, 422, 422, 413, 413, 200, 404, 405, 200, 422, 200]
    assert log.count(" farmaner.access ") >= len(statuses)
    assert [word for word in WORDS if word.lower() in log.lower()] == []


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_after_what_was_accepted(tmp_path: Path, sent: int, code: int) -> None:
    text = "Niega alergia a penicilina. " * 200
    with farmaner_serve(tmp_path) as service, ThreadPoolExecutor() as pool:
        accepted = [pool.submit(annotate, service.port, text) for _ in range(4)]
        wait_until(lambda: metric(service.port, 'farmaner_queue_requests{lane="short"}') >= 1)
        ended = service.end(sent)

        for answer in accepted:
            assert answer.result().status == 200
            assert len(answer.result().body["documents"][0]["entities"]) >= 150
    assert ended == code
    assert "Traceback" not in service.log.read_text()


def test_the_token_comes_from_the_environment_and_is_not_logged(tmp_path: Path) -> None:
    token = "llave-de-prueba"  # noqa: S105  opens nothing
    with farmaner_serve(tmp_path, FARMANER_TOKEN=token) as service:
        assert annotate(service.port, NOTE).status == 401
        assert call(service.port, "GET", "/readyz").status == 200
        service.end()
        assert token not in service.log.read_text()


def test_a_run_leaves_nothing_on_disk_and_no_word_to_anyone(tmp_path: Path) -> None:
    """ONNX Runtime would keep an id in the cache and report its use by it."""
    home = tmp_path / "home"
    home.mkdir()
    places = {name: str(home) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    with farmaner_serve(tmp_path, **places) as service:
        assert annotate(service.port, NOTE).status == 200
        assert service.end() == 0

    assert list(home.rglob("*")) == []


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (tmp_path / "log").open("wb") as file:
            process = start(["--port", str(port)], file)
            assert process.wait(60) == 1
    assert (tmp_path / "log").read_text().lower() == (
        f"farmaner: 127.0.0.1:{port}: expected an address to listen at, "
        "found: address already in use\n"
    )
