"""Files wherever they lie and however they are packed: local, or what `fsspec` opens by URL.

Packing goes by the name alone: `.gz`, `.xz`, `.bz2` and `.zst`. A stream that breaks off is an
error, never a short file.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import sys
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

from farmaner.errors import CorpusError, FarmanerError, MissingExtraError

PACKINGS = (".gz", ".xz", ".bz2", ".zst")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_url(name: str) -> bool:
    """Return whether a name is a URL, `s3://bucket/notes`, and not a local path."""
    return _URL.match(name) is not None


def file_system(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL and the path in it.

    MissingExtraError without fsspec, CorpusError for a place that it cannot reach.
    """
    try:
        import fsspec.core
    except ImportError:
        raise MissingExtraError("fsspec", "remote") from None
    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        found = " ".join(str(error).split())
        raise CorpusError(f"{url}: expected a place that fsspec opens, found: {found}") from None
    return system, str(path)


def open_binary(name: str) -> BinaryIO:
    """Open a local file or a URL for reading, packed as it is; CorpusError if that fails."""
    try:
        if is_url(name):
            system, path = file_system(name)
            return cast(BinaryIO, system.open(path, "rb"))
        return Path(name).open("rb")
    except FarmanerError:
        raise
    except Exception as error:  # each store has errors of its own
        raise CorpusError(f"{name}: expected a readable file, found: {reason(error)}") from None


def reason(error: Exception) -> str:
    """Return what went wrong, without the name that the caller has put before it."""
    return getattr(error, "strerror", None) or type(error).__name__


def packing(name: str) -> str:
    """Return which of PACKINGS the name ends with, else nothing."""
    return next((suffix for suffix in PACKINGS if name.endswith(suffix)), "")


def unpacked_name(name: str) -> str:
    """Return a name without what says how the file is packed."""
    return name.removesuffix(packing(name))


def unpacked(file: BinaryIO, name: str) -> BinaryIO:
    """Return the stream inside a file that is packed as its name says, or the file itself."""
    suffix = packing(name)
    if suffix == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if suffix == ".xz":
        return cast(BinaryIO, lzma.LZMAFile(file))
    if suffix == ".bz2":
        return cast(BinaryIO, bz2.BZ2File(file))
    if suffix == ".zst":
        return cast(BinaryIO, io.BufferedReader(_Unzstd(file), 1 << 17))
    return file


def packed(data: bytes, name: str) -> bytes:
    """Return bytes packed as a file of that name; packed parts one after another are one file."""
    suffix = packing(name)
    if suffix == ".gz":
        return gzip.compress(data, compresslevel=6, mtime=0)
    if suffix == ".xz":
        return lzma.compress(data)
    if suffix == ".bz2":
        return bz2.compress(data)
    if suffix == ".zst":
        return cast(bytes, _zstandard().ZstdCompressor().compress(data))
    return data


def stream_errors(name: str) -> tuple[type[Exception], ...]:
    """Return what reading a file may raise when it breaks off; of a remote one, anything."""
    if is_url(name):
        return (Exception,)
    zstandard = sys.modules.get("zstandard")
    errors = (OSError, EOFError, zlib.error, lzma.LZMAError)
    return (*errors, zstandard.ZstdError) if zstandard is not None else errors


class _Unzstd(io.RawIOBase):
    """Unpacks frame after frame, and says where one breaks off."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._zstandard = _zstandard()
        self._frame: Any = None
        self._packed = b""
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and self._more():
            pass
        view = memoryview(buffer)
        taken = min(len(view), len(self._ready))
        view[:taken] = self._ready[:taken]
        self._ready = self._ready[taken:]
        return taken

    def _more(self) -> bool:
        """Unpack some more; False at the end of the file."""
        self._packed = self._packed or self._file.read(1 << 16)
        if not self._packed:
            if self._frame is not None:
                raise EOFError("the file ends inside a frame")
            return False
        if self._frame is None:
            self._frame = self._zstandard.ZstdDecompressor().decompressobj()
        self._ready = self._frame.decompress(self._packed)
        self._packed = self._frame.unused_data if self._frame.eof else b""
        if self._frame.eof:
            self._frame = None
        return True


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise MissingExtraError("zstandard", "zstd") from None
    return zstandard
