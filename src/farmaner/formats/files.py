"""Texts on disk: read exactly as they are, written completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from farmaner.errors import CorpusError, FormatError, UnsupportedError


def read_text(path: Path | str) -> str:
    """Return a file's text exactly: UTF-8, line ends and byte-order mark as they are.

    Raises FormatError with the offset of the first byte that is not UTF-8, CorpusError for a
    file that cannot be opened.
    """
    return decode_text(read_bytes(path), path)


def read_bytes(path: Path | str) -> bytes:
    """Return a file's bytes; CorpusError for a file that cannot be opened."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: expected a readable file, found: {error.strerror}") from None


def decode_text(data: bytes, path: Path | str) -> str:
    """Return bytes as text, as `read_text` does; `path` is what the error calls them."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02X} at byte offset {error.start}"
        raise FormatError(path, None, "UTF-8 text", found) from None


def make_folder(path: Path) -> None:
    """Make a folder, and those it lies in, where they are missing; CorpusError if that fails."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CorpusError(
            f"{path}: expected a folder to write in, found: {error.strerror}"
        ) from None


def refuse_as_file_name(id_: str, folder: Path, seen: set[str]) -> None:
    """Raise CorpusError for an id that is no file name or is among `seen`, else add it there."""
    if not id_ or id_.startswith(".") or any(sign in id_ for sign in "/\\\0\n"):
        raise CorpusError(
            f"{folder}: expected a document id that is a file name and not hidden, found {id_!r}"
        )
    if id_ in seen:
        raise CorpusError(f"{folder}: expected each document id once, found {id_!r} again")
    seen.add(id_)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, its line ends as they are; the file is complete or not there.

    Raises UnsupportedError for a text that UTF-8 cannot hold, CorpusError for a file that
    cannot be written.
    """
    write_parts(path, [text])


def write_parts(path: Path, parts: Iterable[str]) -> None:
    """Write a text that comes in parts as `write_text` does, holding one part at a time."""
    try:
        _write_whole(path, (part.encode("utf-8") for part in parts))
    except UnicodeEncodeError as error:
        raise UnsupportedError(
            f"{path}: expected text that UTF-8 can hold, found a lone surrogate at character "
            f"{error.start}"
        ) from None


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, complete or not there; CorpusError for one that cannot be written."""
    _write_whole(path, [data])


def _write_whole(path: Path, parts: Iterable[bytes]) -> None:
    with writing_whole(path) as part, part.open("wb") as file:
        file.writelines(parts)


@contextmanager
def writing_whole(path: Path) -> Iterator[Path]:
    """Give a file to write that becomes `path` at the end, and is gone after an error."""
    whole = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield whole
        whole.replace(path)
    except OSError as error:
        raise CorpusError(f"{path}: expected a writable file, found: {error.strerror}") from None
    finally:
        whole.unlink(missing_ok=True)
