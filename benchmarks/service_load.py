"""How the service bears load, on this machine alone: throughput, latency, refusals, memory.

    python benchmarks/service_load.py [--seconds 10] [--json FILE] [-- OPTIONS OF farmaner serve]

Starts `farmaner serve` on a free port of 127.0.0.1 and sends it the example notes, one a request:
from 1, 8 and 64 clients that each wait for their answer, and come again when Retry-After says; at
ten times the rate that 64 clients reached, whether it answers or not; and from 8 clients beside
another whose texts have 100,000 characters. Latencies are those of answers with status 200. The
clients take their share of the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from farmaner.formats.brat import read_brat

NOTES = Path(__file__).parents[1] / "examples" / "notes"
HUGE_CHARS = 100_000
OVERLOAD = 10
MAX_REQUESTS = 20_000


@dataclass
class Phase:
    """What one phase measured; `seconds` holds the latency of each answer with status 200."""

    name: str
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    wall_seconds: float = 0.0
    memory_mb: float = 0.0

    def answers_per_second(self) -> float:
        return len(self.seconds) / self.wall_seconds

    def row(self) -> str:
        p50, p95, p99 = np.percentile(self.seconds, [50, 95, 99]) if self.seconds else [0.0] * 3
        statuses = ", ".join(f"{n} x {status}" for status, n in sorted(self.statuses.items()))
        return (
            f"| {self.name} | {self.answers_per_second():.1f} | {p50:.3f} | {p95:.3f} "
            f"| {p99:.3f} | {statuses} | {self.memory_mb:.0f} |"
        )


HEAD = (
    "| load | answers/s | p50 s | p95 s | p99 s | answers by status | memory MB |\n"
    "|---|--:|--:|--:|--:|---|--:|"
)


class Client:
    """A client that keeps its connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> tuple[str, float]:
        """Send a request; return the status, or what became of it, and when to come again."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            writer.write(
                b"POST /v1/annotate HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (len(body), body)
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = re.search(r"content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            again = re.search(r"retry-after: (\d+)", head)
            return head.split(" ", 2)[1], float(again[1]) if again else 0.0
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return "no answer", 1.0

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def measure(phase: Phase, client: Client, body: bytes) -> float:
    """Send a request and note what came of it; return when to come again."""
    begun = time.perf_counter()
    status, again = await client.post(body)
    phase.statuses[status] += 1
    if status == "200":
        phase.seconds.append(time.perf_counter() - begun)
    return again


async def wait_in_turn(
    phase: Phase, port: int, bodies: Iterator[bytes], *, clients: int, seconds: float
) -> None:
    """Let clients ask, each again as soon as it has its answer, or when it is told to."""
    until = time.perf_counter() + seconds

    async def ask() -> None:
        client = Client(port)
        while time.perf_counter() < until:
            again = await measure(phase, client, next(bodies))
            await asyncio.sleep(max(0.0, min(again, until - time.perf_counter())))
        client.close()

    begun = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(clients)))
    phase.wall_seconds = time.perf_counter() - begun


async def beside_a_huge_one(
    phase: Phase, huge: Phase, port: int, bodies: Iterator[bytes], text: bytes, seconds: float
) -> None:
    await asyncio.gather(
        wait_in_turn(phase, port, bodies, clients=8, seconds=seconds),
        wait_in_turn(huge, port, itertools.repeat(text), clients=1, seconds=seconds),
    )


async def regardless(
    phase: Phase, port: int, bodies: Iterator[bytes], *, rate: float, seconds: float
) -> None:
    """Ask at a fixed rate, whether answers come or not."""
    tasks = []
    idle: list[Client] = []

    async def ask() -> None:
        client = idle.pop() if idle else Client(port)
        await measure(phase, client, next(bodies))
        idle.append(client)

    begun = time.perf_counter()
    for number in range(min(MAX_REQUESTS, int(rate * seconds))):
        await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(ask()))
    await asyncio.gather(*tasks)
    phase.wall_seconds = time.perf_counter() - begun
    for client in idle:
        client.close()


@contextmanager
def serving(options: list[str]) -> Iterator[tuple[int, int]]:
    """Run the service; give its port and its process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "farmaner", "serve", "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        port = next(
            int(found[1])
            for line in process.stderr or ()
            if (found := re.search(r"listening at http://\S+:(\d+)", line))
        )
        # What it logs is read on, or it would wait for us.
        drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(90)
        with suppress(subprocess.TimeoutExpired):
            drain.wait(10)


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process now (Linux)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return float("nan")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else float("nan")


def request(text: str) -> bytes:
    return json.dumps({"text": text, "link": True}).encode()


def run(seconds: float, options: list[str]) -> list[Phase]:
    texts = [document.text for document in read_brat(NOTES)]
    bodies = itertools.cycle([request(text) for text in texts])
    longest = "\n".join(texts) * (HUGE_CHARS // sum(map(len, texts)) + 1)
    huge = request(longest[:HUGE_CHARS])
    phases: list[Phase] = []

    def done(*measured: Phase) -> None:
        for phase in measured:
            phase.memory_mb = memory_mb(pid)
            phases.append(phase)
            print(phase.row(), flush=True)

    with serving(options) as (port, pid):
        warm = Phase("warm up")
        asyncio.run(wait_in_turn(warm, port, bodies, clients=2, seconds=2))
        n_chars = sum(map(len, texts)) / len(texts)
        print(f"{len(texts)} notes of {n_chars:.0f} characters on average, with codes\n\n{HEAD}")
        for clients in (1, 8, 64):
            phase = Phase(f"{clients} client{'s' if clients > 1 else ''}")
            asyncio.run(wait_in_turn(phase, port, bodies, clients=clients, seconds=seconds))
            done(phase)
        rate = OVERLOAD * phase.answers_per_second()
        for turn in ("", ", again"):
            phase = Phase(f"{OVERLOAD} times overload, {rate:.0f} requests/s{turn}")
            asyncio.run(regardless(phase, port, bodies, rate=rate, seconds=seconds))
            done(phase)
        notes, long = Phase("8 clients beside a huge one"), Phase(f"the huge one ({HUGE_CHARS:,})")
        asyncio.run(beside_a_huge_one(notes, long, port, bodies, huge, seconds))
        done(notes, long)
    return phases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=10, help="length of a phase")
    parser.add_argument("--json", type=Path, help="write what was measured here too")
    parser.add_argument("options", nargs="*", help="options of farmaner serve, after --")
    arguments = parser.parse_args()
    phases = run(arguments.seconds, arguments.options)
    if arguments.json:
        rows = [vars(phase) for phase in phases]
        arguments.json.write_text(json.dumps(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
