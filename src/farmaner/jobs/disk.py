"""Files that are there after a power cut: written, synced, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from farmaner.errors import JobError
from farmaner.formats.opening import reason


def write_durably(path: Path, parts: Iterable[bytes], *, temporary: Path | None = None) -> None:
    """Write a file that is complete, on the disk, or not there; its folder is not synced.

    `temporary` is where it grows, on the same file system.
    """
    growing = temporary or path.with_name(f"{path.name}.part")
    try:
        with growing.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        growing.replace(path)
    except OSError as error:
        raise unwritable(path, error) from None


def sync_file(path: Path) -> None:
    """Make a file's content last."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make what was renamed in a folder last; where folders cannot be synced, nothing."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(path: Path | str, error: Exception) -> JobError:
    """Return what to raise where a file cannot be written."""
    return JobError(f"{path}: expected a writable file, found: {reason(error)}")
