"""A job that is killed at any point goes on to the same bytes."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest
from tests.jobs.conftest import Server, content, finish, start

SEED = 20260731


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n_kills"),
    [("salida.jsonl", 8), ("salida.csv.gz", 6), ("salida.parquet", 8), ("salida/", 8)],
)
def test_killed_at_random_steps_and_resumed_a_job_writes_the_same_bytes(
    notes: Path, tmp_path: Path, server: Server, name: str, n_kills: int
) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'farmaner[tables]'")
    (whole := tmp_path / "entera").mkdir()
    steps = tmp_path / "pasos"
    assert server.run(notes, "-o", f"{whole}/{name}", n_steps=str(steps)) == 1
    n_steps = int(steps.read_text(encoding="utf-8"))
    randomly = random.Random(f"{SEED} {name}")  # noqa: S311
    for kill in range(n_kills):
        (folder := tmp_path / f"muerta{kill}").mkdir()
        killed_at = randomly.randrange(n_steps)
        print(f"{name}: seed {SEED}, killed at step {killed_at} of {n_steps}")
        command = [notes, "-o", f"{folder}/{name}"]

        assert server.run(*command, kill_at=killed_at) == -9
        while (code := server.run(*command, "--resume", kill_at=randomly.randrange(n_steps))) == -9:
            print("killed again")

        assert code == 1
        assert content(folder) == content(whole)


@pytest.mark.slow
def test_killed_at_random_moments_with_two_workers_a_job_writes_the_bytes_of_one(
    notes: Path, tmp_path: Path, server: Server
) -> None:
    (whole := tmp_path / "entera").mkdir()
    assert server.run(notes, "-o", whole / "salida.jsonl") == 1
    randomly = random.Random(SEED)  # noqa: S311
    (folder := tmp_path / "muerta").mkdir()
    command = [notes, "-o", folder / "salida.jsonl", "--workers", 2]
    job = folder / "salida.jsonl.job"
    n_noted = 0
    while not (folder / "salida.jsonl").exists():
        process = start(*command, "--resume")
        with process:
            wanted = n_noted + randomly.randrange(1, 4)
            while process.poll() is None and n_lines(job / "manifest.jsonl") <= wanted:
                time.sleep(randomly.uniform(0, 0.005))
            process.send_signal(signal.SIGKILL)
        n_noted = max(0, n_lines(job / "manifest.jsonl") - 1)
        print(f"seed {SEED}, killed with {n_noted} shards noted")

    assert finish(*command, "--resume")[0] == 1
    assert content(folder) == content(whole)


def n_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
