"""Run a command where there is no network but the loopback, and no home that can be written to.

    unshare --map-root-user --net --mount python cut.py HOME REPORT COMMAND...

The kernel counts what had no way out, whoever tried it; the counts go to REPORT.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import subprocess
import sys
from pathlib import Path

_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_PROTOCOLS = ("Ip", "Udp")  # OutNoRoutes: no way out; NoPorts: a name server asked on loopback
_COUNTS = ("OutNoRoutes", "NoPorts", "Ip6OutNoRoutes", "Udp6NoPorts")


def bring_loopback_up() -> None:
    """Switch on `lo`, which is down in a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def counts() -> dict[str, int]:
    """Return what the kernel has counted in this namespace."""
    table: dict[str, int] = {}
    lines = [line.split() for line in Path("/proc/net/snmp").read_text("ascii").splitlines()]
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        if names[0].rstrip(":") in _PROTOCOLS:
            table |= dict(zip(names[1:], map(int, values[1:]), strict=True))
    six = Path("/proc/net/snmp6")
    if six.exists():
        table |= {name: int(value) for name, value in map(str.split, six.open(encoding="ascii"))}
    return {name: table.get(name, 0) for name in _COUNTS}


def main(home: str, report: str, *command: str) -> int:
    """Run the command; return its exit code."""
    bring_loopback_up()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", home], check=True)
    before = counts()
    code = subprocess.run(command, check=False).returncode
    tried = {name: count - before[name] for name, count in counts().items()}
    with Path(report).open("a", encoding="utf-8") as file:
        file.writelines(f"{name} {count}\n" for name, count in tried.items() if count)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
