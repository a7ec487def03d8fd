"""Refuses, in every Python of a run, to leave this machine, and writes down who wanted to.

Python imports a module of this name at its start. `FARMANER_GUARD` names the file to write to.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import traceback

_HERE = {None, "", "localhost", "0.0.0.0", "::", "::1"}  # noqa: S104
_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_SENDS = {"socket.connect", "socket.sendto", "socket.sendmsg"}


def _is_here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name in _HERE or (isinstance(name, str) and name.startswith("127."))


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in _LOOKUPS:
        wanted = arguments[0]
    elif event in _SENDS and isinstance(arguments[1], tuple):
        if getattr(arguments[0], "family", None) not in (socket.AF_INET, socket.AF_INET6):
            return
        wanted = arguments[1][0]
    else:
        return
    if not _is_here(wanted):
        where = "".join(traceback.format_stack(sys._getframe(1), limit=40))
        with open(os.environ["FARMANER_GUARD"], "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{event} {wanted}\n{where}\n")
        raise OSError(errno.ENETUNREACH, "the guard of the test refuses")


sys.addaudithook(_watch)
