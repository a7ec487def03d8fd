"""What a job has done, on disk: hashes, counts and offsets, never text.

A job's folder holds

    files.jsonl      every file to read, as it was when the job began
    manifest.jsonl   what the job is, then a line a shard: a line is written, and synced, when the
                     shard's bytes are
    data             the output so far; what lies past the last line's offset is not yet true

and is removed when the output is in its place. A line that is not whole, the last one after a
kill, is not there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from farmaner.errors import JobError
from farmaner.formats.opening import reason
from farmaner.jobs.disk import sync_folder, unwritable, write_durably
from farmaner.jobs.inputs import InputFile

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Done:
    """A finished shard: what it read, as a hash, and where its share of the output ends.

    `failures` are id, place and reason, by index among the `n_items`.
    """

    shard: int
    n_items: int
    input_hash: str
    end: int
    output_hash: str
    n_documents: int
    n_characters: int
    n_entities: int
    n_bytes: int
    failures: dict[int, tuple[str | None, str, str]]


class JobFolder:
    """The folder of one job; one process at a time has it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "data"
        self._manifest = path / "manifest.jsonl"
        self._files = path / "files.jsonl"
        self._log: BinaryIO | None = None

    def exists(self) -> bool:
        """Return whether an unfinished job is there."""
        return self._manifest.exists()

    def begin(self, facts: dict[str, Any], files: Iterable[InputFile], head: bytes) -> None:
        """Note what the job is; from here on it can be resumed."""
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as error:
            raise JobError(
                f"{self.path}: expected a folder to write in, found: {reason(error)}"
            ) from None
        write_durably(self._files, (_line(dataclasses.asdict(file)) for file in files))
        write_durably(self.data, [head])
        header = {"format": _FORMAT, **facts, "head": len(head)}
        write_durably(self._manifest, [_line(header)])
        sync_folder(self.path)
        sync_folder(self.path.parent)

    def lock(self) -> None:
        """Open the manifest for this process alone, until it ends."""
        self.close()
        self._log = self._manifest.open("r+b")
        with contextlib.suppress(ImportError):
            import fcntl

            try:
                fcntl.flock(self._log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise JobError(
                    f"{self.path}: expected a job that no one works on, found another process at it"
                ) from None

    def facts(self) -> dict[str, Any]:
        """Return what the job is, as noted when it began."""
        with self._manifest.open("rb") as file:
            facts: dict[str, Any] = json.loads(file.readline())
        if facts.pop("format", None) != _FORMAT:
            raise JobError(f"{self.path}: expected a job of this version, found another")
        return facts

    def files(self) -> Iterator[InputFile]:
        """Yield the files to read, as they were when the job began."""
        with self._files.open("rb") as lines:
            for line in lines:
                yield InputFile(**json.loads(line))

    def done(self) -> Iterator[Done]:
        """Yield the finished shards in order."""
        for row in self._rows():
            if "shard" in row:
                failures = {int(index): tuple(f) for index, f in row.pop("failures").items()}
                yield Done(**row, failures=failures)

    def has_begun(self) -> bool:
        """Return whether there is anything in the job that would be lost."""
        return next(self._rows(), None) is not None

    def is_ended(self) -> bool:
        """Return whether all there is to do is to put the output in its place, or is done."""
        if not any("labels" in row for row in self._rows()):
            return False
        return not self.data.exists() or self.n_whole() == sum(1 for _ in self.done())

    def n_whole(self) -> int:
        """Return how many shards, from the first, have their bytes in the data as noted."""
        n_whole = 0
        for done, share in zip(self.done(), self.shares()):
            if hash_of(share) != done.output_hash:
                break
            n_whole += 1
        return n_whole

    def shares(self) -> Iterator[bytes]:
        """Yield each shard's share of the data."""
        with self.data.open("rb") as data:
            start = data.seek(self.facts()["head"])
            for done in self.done():
                yield data.read(done.end - start)
                start = done.end

    def keep(self, n_shards: int) -> int:
        """Forget all but the first shards, and what their lines and data leave behind.

        Returns how long the data is then.
        """
        log = self._opened()
        log.seek(0)
        end: int = json.loads(log.readline())["head"]
        for _ in range(n_shards):
            end = json.loads(log.readline())["end"]
        log.truncate()
        _sync(log)
        with self.data.open("r+b") as data:
            data.truncate(end)
            _sync(data)
        return end

    def append(self, row: Done | dict[str, Any]) -> None:
        """Note a shard, or that there are no more; it is on the disk when this returns."""
        log = self._opened()
        log.seek(0, os.SEEK_END)
        try:
            log.write(_line(row if isinstance(row, dict) else dataclasses.asdict(row)))
            _sync(log)
        except OSError as error:
            raise unwritable(self._manifest, error) from None

    def remove(self) -> None:
        """Remove what the job has put into its folder, the manifest last, and the folder."""
        self.close()
        for path in (*self.path.glob("*.part"), self.data, self._files, self._manifest):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something of someone else's lies in it
            self.path.rmdir()

    def close(self) -> None:
        """Let another process have the job."""
        if self._log is not None:
            self._log.close()

    def _opened(self) -> BinaryIO:
        if self._log is None:
            raise JobError(f"{self.path}: expected a job that is locked, found one that is not")
        return self._log

    def _rows(self) -> Iterator[dict[str, Any]]:
        with self._manifest.open("rb") as file:
            file.readline()
            for line in file:
                try:
                    yield json.loads(line if line.endswith(b"\n") else b"")
                except ValueError:
                    return


def hash_of(data: bytes) -> str:
    """Return the hash under which bytes are noted."""
    return blake2b(data, digest_size=16).hexdigest()


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode("ascii") + b"\n"


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
