"""Fixtures of the tests of jobs: notes, and farmaner in processes that may be killed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FAKE = Path(__file__).with_name("fake_farmaner.py")
NOTES = (
    "Niega alergia a penicilina.\r\nToma ácido fólico 💊.\r\n",
    "",
    "Analítica: PCR 12 mg/l, albúmina 3,1 g/dl.",
    "Sin hallazgos.\n",
    "Se pauta paracetamol 1 g/8 h, y extracto de valeriana si insomnio.",
)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder of 22 texts in three folders, one of them not UTF-8."""
    folder = tmp_path / "notas"
    for number in range(22):
        place = folder / ("", "urgencias", "urgencias/noche")[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"nota{number:02}.txt").write_bytes(f"{number}. {NOTES[number % 5]}".encode())
    (folder / "nota09.txt").write_bytes("Alergia a la penicilina: sí".encode("latin-1"))
    return folder


class Server:
    """The server of `fake_farmaner.py`: one process a command, at the price of a fork."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, *arguments: object, **order: Any) -> int:
        """Run a command in a process of its own; return its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"arguments": ["annotate", *map(str, arguments)], **order})
        print(line, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Commands in processes that fork from one that has everything imported."""
    if not hasattr(os, "fork"):
        pytest.skip("needs a system with fork")
    with subprocess.Popen(
        [sys.executable, str(FAKE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield Server(process)
        process.kill()


def start(*arguments: object, calm: bool = False) -> "subprocess.Popen[str]":
    """Start `farmaner annotate` on the fake recognizer."""
    environment = {name: value for name, value in os.environ.items() if name != "FAKE_CALM"}
    return subprocess.Popen(
        [sys.executable, str(FAKE), "annotate", *map(str, arguments)],
        env=environment | ({"FAKE_CALM": "1"} if calm else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*arguments: object, calm: bool = False) -> tuple[int, str, str]:
    """Run `farmaner annotate` on the fake recognizer; return its code, stdout and stderr."""
    process = start(*arguments, calm=calm)
    out, err = process.communicate()
    return process.returncode, out, err


def content(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, hidden ones and all, by its path in it."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
