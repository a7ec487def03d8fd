"""What docs/privacy.md says of the network is so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REFUSING = """
import sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(event)

sys.addaudithook(refuse)
"""
ANNOTATE = """
from farmaner.cli import run

assert run(["annotate", sys.argv[1], "--link"]) == 0
"""


def run_refusing_sockets(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", REFUSING + code, *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_the_refusal_is_felt() -> None:
    done = run_refusing_sockets("import socket; socket.create_server(('127.0.0.1', 0))")
    assert done.stderr.endswith("RuntimeError: socket.__new__\n")


def test_annotating_and_linking_open_no_connection(tmp_path: Path) -> None:
    note = tmp_path / "nota.txt"
    note.write_text("Niega alergia a penicilina.", encoding="utf-8")
    done = run_refusing_sockets(ANNOTATE, str(note))
    assert (done.returncode, done.stderr) == (0, "")
    assert '"text": "penicilina"' in done.stdout
