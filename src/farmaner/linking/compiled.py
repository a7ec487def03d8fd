"""One file of named arrays that is mapped into memory, not read.

Layout: 8 bytes of magic, the header's length as 8 bytes little-endian, the header (UTF-8 JSON:
`format`, `meta`, and for every array its dtype, offset and length), then the arrays, each
beginning at a multiple of 64 bytes. All numbers are little-endian.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farmaner.errors import FormatError, UnsupportedError

MAGIC = b"FARMTERM"
FORMAT = 1
_ALIGN = 64
_DTYPES = frozenset({"<u8", "<u4", "|u1", "<f4"})


@dataclass(frozen=True, slots=True, eq=False)
class Arrays:
    """The arrays of a file by name, views of one buffer, and the file's own facts (`meta`)."""

    arrays: Mapping[str, NDArray[Any]]
    meta: Mapping[str, Any]


def pack(arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file with these arrays; dtypes are u8, u4, u1 or f4."""
    entries, at = {}, 0
    for name, array in arrays.items():
        entries[name] = {"dtype": _little(array).dtype.str, "at": at, "n": len(array)}
        at += -(-array.nbytes // _ALIGN) * _ALIGN
    header = json.dumps(
        {"format": FORMAT, "meta": dict(meta), "arrays": entries}, ensure_ascii=False
    ).encode()
    start = -(-(16 + len(header)) // _ALIGN) * _ALIGN
    parts = [MAGIC, len(header).to_bytes(8, "little"), header.ljust(start - 16)]
    for array in arrays.values():
        data = _little(array).tobytes()
        parts += [data, bytes(-len(data) % _ALIGN)]
    return b"".join(parts)


def write(path: Path | str, data: bytes) -> None:
    """Write the bytes of a file, complete or not at all; UnsupportedError where that fails."""
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise UnsupportedError(
            f"{path}: expected a writable file, found: {error.strerror}"
        ) from None
    finally:
        part.unlink(missing_ok=True)


def map_file(path: Path | str) -> Arrays:
    """Map a file; FormatError where it is none of this format or is cut short."""
    expected = "a compiled terminology (farmaner terminology build)"
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < 16:
                raise FormatError(path, None, expected, f"a file of {size} bytes")
            buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise FormatError(path, None, expected, f"{error.strerror}") from None
    return unpack(buffer, path)


def unpack(buffer: bytes | mmap.mmap, path: Path | str = "<terminology>") -> Arrays:
    """Return the arrays of a buffer as views of it; `path` is what errors call it."""
    expected = "a compiled terminology (farmaner terminology build)"
    if bytes(buffer[:8]) != MAGIC:
        raise FormatError(path, None, expected, "another kind of file")
    length = int.from_bytes(buffer[8:16], "little")
    try:
        header = json.loads(bytes(buffer[16 : 16 + length]).decode())
        if header["format"] != FORMAT:
            found = f"format {header['format']}; build it again"
            raise FormatError(path, None, f"format {FORMAT}", found)
        start = -(-(16 + length) // _ALIGN) * _ALIGN
        arrays = {name: _view(buffer, entry, start) for name, entry in header["arrays"].items()}
        return Arrays(arrays, header["meta"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FormatError(path, None, expected, "a damaged or truncated one") from None


def _view(buffer: bytes | mmap.mmap, entry: Mapping[str, Any], start: int) -> NDArray[Any]:
    if entry["dtype"] not in _DTYPES:
        raise ValueError(entry["dtype"])
    return np.frombuffer(buffer, np.dtype(entry["dtype"]), entry["n"], start + entry["at"])


def _little(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
