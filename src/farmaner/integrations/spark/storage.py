"""Files wherever Hadoop finds them: on a disk, in HDFS, in a bucket.

Spark's own readers and writers move the data; this lists it and keeps a job's small files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from farmaner.errors import JobError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it is listed: its whole name, and what changes when it is written anew."""

    name: str
    n_bytes: int
    modified_ms: int


class Storage:
    """A folder, or a file, under the name that Spark has for it."""

    def __init__(self, spark: SparkSession, name: str) -> None:
        self._jvm: Any = spark.sparkContext._jvm
        java: Any = spark.sparkContext._jsc
        with _told(name, "a name that Hadoop can open"):
            path = self._path(name)
            self._system: Any = path.getFileSystem(java.hadoopConfiguration())
            self._root: Any = path.makeQualified(
                self._system.getUri(), self._system.getWorkingDirectory()
            )
        self.name: str = self._root.toString()

    def has(self, name: str) -> bool:
        """Return whether there is a file or a folder of that name."""
        with _told(self.name, "a folder that can be read"):
            return bool(self._system.exists(self._path(f"{self.name}/{name}")))

    def is_folder(self) -> bool:
        """Return whether this is a folder."""
        with _told(self.name, "a file or a folder"):
            return bool(self._system.getFileStatus(self._root).isDirectory())

    def is_empty(self) -> bool:
        """Return whether nothing lies here, the folder itself perhaps included."""
        with _told(self.name, "a folder that can be read"):
            return not self._system.exists(self._root) or not self._system.listStatus(self._root)

    def files(self) -> Iterator[StoredFile]:
        """Yield the files below in order of name; what begins with `_` or `.` is hidden."""
        with _told(self.name, "a file or a folder"):
            found = []
            statuses = self._system.listFiles(self._root, True)
            while statuses.hasNext():
                status = statuses.next()
                name: str = status.getPath().toString()
                below = name.removeprefix(self.name).split("/")
                if not any(part.startswith(("_", ".")) for part in below):
                    found.append(StoredFile(name, status.getLen(), status.getModificationTime()))
        yield from sorted(found, key=lambda file: file.name)

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        with _told(f"{self.name}/{name}", "a readable file"):
            stream = self._system.open(self._path(f"{self.name}/{name}"))
            try:
                return bytes(self._jvm.org.apache.commons.io.IOUtils.toByteArray(stream))
            finally:
                stream.close()

    def write(self, name: str, data: bytes) -> None:
        """Write a file that is not there yet; it is there whole, or not."""
        place = f"{self.name}/{name}"
        with _told(place, "a writable file"):
            growing, whole = self._path(f"{place}.part"), self._path(place)
            stream = self._system.create(growing, True)
            try:
                stream.write(bytearray(data))
            finally:
                stream.close()
            if not self._system.rename(growing, whole):
                raise JobError(f"{place}: expected a file to write, found one that is there")

    def _path(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(name)


@contextmanager
def _told(name: str, expected: str) -> Iterator[None]:
    """Say what Hadoop says in one line."""
    from py4j.protocol import Py4JJavaError

    try:
        yield
    except Py4JJavaError as error:
        found = error.java_exception.getClass().getSimpleName()
        raise JobError(f"{name}: expected {expected}, found: {found}") from None
    except Exception as error:
        if isinstance(error, JobError):
            raise
        raise JobError(f"{name}: expected {expected}, found: {type(error).__name__}") from None
