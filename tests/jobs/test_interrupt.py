"""Ctrl-C and SIGTERM end a job at once, whatever its workers are at, and lose nothing."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from tests.jobs.conftest import content, finish, start

pytestmark = pytest.mark.slow
PATIENCE_SECONDS = 120  # against a machine that is busy; the fake would take ten minutes


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_job_ends_amid_a_document_and_goes_on_with_resume(
    notes: Path, tmp_path: Path, sent: signal.Signals, workers: int
) -> None:
    (notes / "urgencias" / "nota10.txt").write_text("LENTO: PCR", encoding="utf-8")
    (folder := tmp_path / "salida").mkdir()
    command = [notes, "-o", folder / "a.jsonl", "--workers", workers]
    manifest = folder / "a.jsonl.job" / "manifest.jsonl"
    process = start(*command)
    while not manifest.exists() or manifest.read_bytes().count(b"\n") < 3:
        assert process.poll() is None
        time.sleep(0.01)

    process.send_signal(sent)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)

    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == (
        "farmaner: interrupted after 8 documents; the same command with --resume goes on"
    )
    assert not (folder / "a.jsonl").exists()
    assert finish(*command, "--resume", calm=True)[0] == 1
    (whole := tmp_path / "entera").mkdir()
    assert finish(notes, "-o", whole / "a.jsonl", calm=True)[0] == 1
    assert content(folder) == content(whole)


def test_the_workers_of_a_killed_job_end_with_it(notes: Path, tmp_path: Path) -> None:
    (notes / "nota00.txt").write_text("LENTO", encoding="utf-8")
    process = start(notes, "-o", tmp_path / "a.jsonl", "--workers", 2)
    manifest = tmp_path / "a.jsonl.job" / "manifest.jsonl"
    while not manifest.exists():
        assert process.poll() is None
        time.sleep(0.01)
    children = _children(process.pid)
    assert len(children) >= 2

    process.kill()
    process.communicate()

    for _ in range(PATIENCE_SECONDS * 100):
        if not any(Path(f"/proc/{pid}/status").exists() for pid in children):
            break
        time.sleep(0.01)
    assert [pid for pid in children if Path(f"/proc/{pid}/status").exists()] == []


def _children(parent: int) -> list[int]:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc to see processes")
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found
