"""Runs with the network cut and a home that is empty and read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMESPACE = ["unshare", "--map-root-user", "--net", "--mount"]


@dataclass(frozen=True, slots=True)
class Done:
    """What a run came to: its exit code, what it printed, and who wanted to leave the machine."""

    code: int
    output: str
    errors: str
    attempts: str


@pytest.fixture(scope="session")
def can_cut() -> bool:
    """Whether this system lets a test have a network of its own; else only Python is guarded."""
    if sys.platform != "linux" or shutil.which("unshare") is None or shutil.which("mount") is None:
        return False
    probe = [*NAMESPACE, "mount", "-t", "tmpfs", "-o", "ro", "none", str(HERE)]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.fixture
def offline(tmp_path: Path, can_cut: bool) -> Callable[..., Done]:
    """Return what runs a command offline, in an empty folder."""
    home, work, report = tmp_path / "home", tmp_path / "work", tmp_path / "attempts"
    for folder in (home, work):
        folder.mkdir()
    home.chmod(0o555)
    paths = [str(HERE / "guard"), os.environ.get("PYTHONPATH", "")]
    told = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "HF_", "FARMANER_", "MPLCONFIGDIR"))
    } | {
        "HOME": str(home),
        "HF_HUB_OFFLINE": "1",
        "FARMANER_GUARD": str(report),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
    }
    cut = [*NAMESPACE, sys.executable, "-S", str(HERE / "cut.py"), str(home), str(report)]

    def run(*command: str) -> Done:
        report.write_text("", encoding="utf-8")
        done = subprocess.run(
            [*(cut if can_cut else []), *command],
            cwd=work,
            env=told,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert list(home.rglob("*")) == []
        return Done(done.returncode, done.stdout, done.stderr, report.read_text(encoding="utf-8"))

    return run
