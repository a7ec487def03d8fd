"""With the network cut and a home that cannot be written to, everything that should work does.

Whatever tries to leave the machine, or to look up a name, fails the test and is shown with where
it stands. Where the system lets a test have a network of its own, the kernel is asked as well, so
that no library escapes by not being Python.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import HERE, Done

ROOT = Path(__file__).parents[2]
NOTES = str(ROOT / "examples" / "notes")
NOTE = str(ROOT / "examples" / "notes" / "alergias-enfermeria.txt")
FARMANER = (sys.executable, "-m", "farmaner")
Offline = Callable[..., Done]


def assert_quietly_done(done: Done) -> None:
    assert done.attempts == ""
    assert done.code == 0, done.errors


@pytest.mark.parametrize(
    ("code", "attempt"),
    [
        ("import socket; socket.create_connection(('192.0.2.1', 80))", "192.0.2.1"),
        ("import urllib.request as r; r.urlopen('https://registro.example/')", "registro.example"),
        ("import socket; socket.gethostbyname('registro.example')", "registro.example"),
        (
            "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 53))",
            "192.0.2.1",
        ),
    ],
)
def test_the_guard_refuses_to_leave_and_says_where(
    code: str, attempt: str, offline: Offline
) -> None:
    done = offline(sys.executable, "-c", code)
    assert done.code == 1
    assert "the guard of the test refuses" in done.errors
    event, wanted = done.attempts.splitlines()[0].split()
    assert (event.partition(".")[0], wanted) == ("socket", attempt)
    assert 'File "<string>", line 1, in <module>' in done.attempts


def test_the_guard_lets_a_program_speak_to_its_own_machine(offline: Offline) -> None:
    code = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
"""
    assert_quietly_done(offline(sys.executable, "-c", code))


def test_the_kernel_tells_of_what_the_guard_cannot_see(offline: Offline, can_cut: bool) -> None:
    if not can_cut:
        pytest.skip("this system lets no test have a network of its own: only Python is guarded")
    code = "import socket; socket.create_connection(('192.0.2.1', 80))"
    done = offline(sys.executable, "-I", "-S", "-c", code)
    assert done.code == 1
    assert "Network is unreachable" in done.errors
    assert done.attempts == "OutNoRoutes 1\n"


def test_the_home_is_not_to_be_written_to(offline: Offline, can_cut: bool) -> None:
    if not can_cut and os.geteuid() == 0:
        pytest.skip("nothing is read-only for root here")
    code = "import pathlib; (pathlib.Path.home() / 'a').touch()"
    assert offline(sys.executable, "-c", code).code == 1


def test_the_demo_runs_offline(offline: Offline) -> None:
    done = offline(sys.executable, str(ROOT / "examples" / "demo.py"))
    assert_quietly_done(done)
    assert "documents/second" in done.output


def test_annotate_with_codes_runs_offline(offline: Offline) -> None:
    done = offline(*FARMANER, "annotate", NOTE, "--link")
    assert_quietly_done(done)
    assert json.loads(done.output)["entities"]


@pytest.mark.slow
def test_a_job_of_several_workers_runs_offline(offline: Offline) -> None:
    done = offline(*FARMANER, "annotate", NOTES, "--workers", "2", "-o", "out.jsonl")
    assert_quietly_done(done)


def test_index_runs_offline(offline: Offline, tmp_path: Path) -> None:
    assert_quietly_done(offline(*FARMANER, "index", NOTE, "--output", "codes"))
    written = tmp_path / "work" / "codes" / "alergias-enfermeria.tsv"
    assert written.read_text(encoding="utf-8").startswith("alergias-enfermeria\t")


def test_the_service_and_its_page_run_offline(offline: Offline) -> None:
    pytest.importorskip("fastapi", reason="needs the extra `serve`")
    done = offline(sys.executable, str(HERE / "ask_service.py"))
    assert_quietly_done(done)
    assert '"penicilina"' in done.output


@pytest.mark.train
@pytest.mark.slow
def test_the_bundled_model_is_trained_on_offline(offline: Offline, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra `train`")
    notes = tmp_path / "notas"
    notes.mkdir()
    for suffix in (".txt", ".ann"):
        stored = Path(NOTE).with_suffix(suffix).read_bytes()
        (notes / f"alergias{suffix}").write_bytes(stored)
    options = ("--encoder", "bundled", "--epochs", "1", "--max-pieces", "32")
    done = offline(*FARMANER, "train", "--train", str(notes), *options, "--output", "model")
    assert_quietly_done(done)
    assert (tmp_path / "work" / "model" / "farmaner.json").is_file()
