"""What the image does, without an image: its scripts, and that its files name what there is."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from .conftest import make_app, serving

ROOT = Path(__file__).parents[2]
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def script(name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable] if name.endswith(".py") else []
    return subprocess.run(
        [*command, ROOT / "docker" / name],
        env={"PATH": PATH, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_health_is_that_of_the_service() -> None:
    with serving(make_app()) as port:
        ready = script("health.py", FARMANER_PORT=str(port))
    gone = script("health.py", FARMANER_PORT=str(port))

    assert (ready.returncode, ready.stdout + ready.stderr) == (0, "")
    assert (gone.returncode, gone.stderr.count("\n")) == (1, 1)


def test_a_service_that_is_not_ready_is_not_healthy() -> None:
    app = make_app()
    with serving(app) as port:
        stopping = threading.Thread(target=app.state.service.worker.stop, args=(5,))
        stopping.start()
        stopping.join()
        assert script("health.py", FARMANER_PORT=str(port)).returncode == 1


def test_serve_runs_the_command_in_its_own_place_with_the_token_of_a_file(tmp_path: Path) -> None:
    """A stand-in for `farmaner` tells how it was called and by which process."""
    stand_in = tmp_path / "farmaner"
    stand_in.write_text('#!/bin/sh\necho "$$ $FARMANER_TOKEN $*"\n')
    stand_in.chmod(0o755)
    (tmp_path / "token").write_text("llave-de-prueba\n")
    process = subprocess.Popen(
        [ROOT / "docker" / "serve.sh", "--port", "81"],
        env={
            "PATH": f"{tmp_path}{os.pathsep}{PATH}",
            "FARMANER_TOKEN_FILE": str(tmp_path / "token"),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    output, _ = process.communicate(timeout=30)
    assert output == f"{process.pid} llave-de-prueba serve --port 81\n"


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_token_that_should_be_there_and_is_not_keeps_the_service_from_starting(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    done = script("serve.sh", FARMANER_TOKEN_FILE=str(file))

    assert done.returncode == 1
    assert re.fullmatch(rf"serve\.sh: {re.escape(str(file))}: expected .*\n", done.stderr)


READ_ONLY = """
set -eu
mount --make-rprivate /
mount -o remount,bind,ro /
for place in /tmp /var/tmp /dev/shm; do mount -o bind,ro "$place" "$place" 2>/dev/null || true; done
if touch /tmp/written 2>/dev/null; then exit 77; fi
exec "$0" --port "$1"
"""


@pytest.mark.slow
def test_it_serves_on_a_file_system_that_is_read_only(tmp_path: Path) -> None:
    if sys.platform != "linux" or os.geteuid() or not shutil.which("unshare"):
        pytest.skip("making the file system read-only needs Linux and root")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    environment = {
        "PATH": PATH,
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/nonexistent",
    }
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", READ_ONLY, ROOT / "docker" / "serve.sh", port],
        env=environment,
        stdout=log,
        stderr=log,
        cwd="/",
    )
    try:
        done: Any = None
        for _ in range(60):
            done = script("health.py", FARMANER_PORT=port)
            if done.returncode == 0 or process.poll() is not None:
                break
            threading.Event().wait(0.5)
        told = (tmp_path / "log").read_text()
        if process.returncode in (1, 32, 77, 126, 127) and "farmaner:" not in told:
            pytest.skip("this machine does not let a file system be made read-only")
        assert done.returncode == 0, told
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        log.close()


def test_the_image_is_made_of_files_that_are_there_and_runs_without_root() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [
        part for line in lines if line.startswith("COPY docker") for part in line.split()[1:-1]
    ]

    assert copied == ["docker/serve.sh", "docker/health.py"]
    assert [name for name in copied if not (ROOT / name).is_file()] == []
    assert [line for line in lines if line.startswith("USER")] == ["USER 65532:65532"]
    for name in ("install.sh", "serve.sh"):
        assert os.access(ROOT / "docker" / name, os.X_OK)


def test_the_build_is_given_what_installing_needs_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    given = [line.removeprefix("!") for line in lines if line.startswith("!")]

    assert lines[1] == "*"
    assert [name for name in given if not (ROOT / name).exists()] == []
    assert {"pyproject.toml", "constraints.txt", "src", "README.md", "LICENSE"} <= set(given)


def test_the_compose_file_keeps_the_service_to_this_machine_and_small() -> None:
    yaml = pytest.importorskip("yaml", reason="needs PyYAML")
    service = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]

    assert service["farmaner"]["ports"] == ["127.0.0.1:8000:8000"]
    assert service["farmaner"]["read_only"] is True
    assert service["farmaner"]["cap_drop"] == ["ALL"]
