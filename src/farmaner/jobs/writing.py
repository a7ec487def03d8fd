"""Annotated documents to bytes, shard by shard, in the format of the output."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol, TypeAlias

from farmaner.document import Document
from farmaner.formats.ann import format_ann
from farmaner.formats.brat import write_annotation_conf
from farmaner.formats.csv import HEAD, format_csv
from farmaner.formats.files import make_folder
from farmaner.formats.jsonl import Keys, format_jsonl
from farmaner.formats.opening import file_system, is_url, packed, unpacked_name
from farmaner.jobs.disk import sync_folder, unwritable, write_durably
from farmaner.jobs.names import brat_name

OutputFormat: TypeAlias = Literal["jsonl", "brat", "csv", "parquet"]

_FILES_AT_ONCE = 16
"""Files that are synced at a time: a disk does many about as fast as one."""


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """What is written and where; an empty `output` is stdout."""

    output: str
    format: OutputFormat
    keys: Keys = "farmaner"


class ShardWriter(Protocol):
    """A format: documents one by one, then a shard of them together."""

    head: bytes

    def write(self, document: Document) -> Any:
        """Return a document in the format; FarmanerError where it cannot hold it."""

    def pack(self, written: Sequence[Any]) -> bytes:
        """Return what `write` returned as a shard's share of the output."""


def shard_writer(settings: OutputSettings, temporary: Path) -> ShardWriter:
    """Return the writer of a format; `temporary` is where its files may grow."""
    if settings.format == "brat":
        return (
            RemoteBratWriter(settings.output)
            if is_url(settings.output)
            else BratWriter(Path(settings.output), temporary)
        )
    if settings.format == "parquet":
        return ParquetWriter()
    return LineWriter(settings)


class LineWriter:
    """JSON Lines or CSV, packed as the output's name says."""

    def __init__(self, settings: OutputSettings) -> None:
        self._settings = settings
        is_csv = settings.format == "csv"
        self.head = packed(HEAD.encode(), settings.output) if is_csv else b""

    def write(self, document: Document) -> bytes:
        """Return a document's lines."""
        if self._settings.format == "csv":
            return format_csv(document).encode("utf-8")
        return format_jsonl(document, keys=self._settings.keys).encode("utf-8")

    def pack(self, written: Sequence[bytes]) -> bytes:
        """Return the lines of a shard."""
        return packed(b"".join(written), self._settings.output) if written else b""


class ParquetWriter:
    """Arrow streams, of which `write_packed_rows` makes the file in the end."""

    head = b""

    def write(self, document: Document) -> Document:
        """Return the document: any can be held."""
        return document

    def pack(self, written: Sequence[Document]) -> bytes:
        """Return a shard's rows as one Arrow stream."""
        from farmaner.formats.parquet import pack_rows

        return pack_rows(written)


class BratWriter:
    """A brat folder: the files themselves, under their last names."""

    head = b""

    def __init__(self, folder: Path, temporary: Path) -> None:
        self._folder = folder
        self._temporary = temporary

    def write(self, document: Document) -> tuple[str, bytes, bytes]:
        """Return a document's name, text and annotations."""
        ann = format_ann(document)
        return brat_name(document.id), document.text.encode("utf-8"), ann.encode("utf-8")

    def pack(self, written: Sequence[tuple[str, bytes, bytes]]) -> bytes:
        """Write a shard's files, those that are not there already."""
        from concurrent.futures import ThreadPoolExecutor

        places = [self._folder / name for name, _, _ in written]
        folders = {place.parent for place in places}
        for folder in folders:
            make_folder(folder)
        files = [
            (place.with_name(place.name + suffix), data)
            for place, (_, text, ann) in zip(places, written, strict=True)
            for suffix, data in ((".txt", text), (".ann", ann))
        ]
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
            list(pool.map(self._write_file, range(len(files)), files))
        above = {parent for folder in folders for parent in folder.parents}
        for folder in folders | {f for f in above if f.is_relative_to(self._folder.parent)}:
            sync_folder(folder)  # a new one is lasting when the one it lies in is synced
        return b""

    def _write_file(self, number: int, file: tuple[Path, bytes]) -> None:
        path, data = file
        if not _holds(path, data):
            temporary = self._temporary / f"{os.getpid()}-{number}.part"
            write_durably(path, [data], temporary=temporary)


class RemoteBratWriter:
    """A brat folder where only fsspec comes; a file is whole as soon as its store says so."""

    head = b""

    def __init__(self, url: str) -> None:
        self._folder = url.rstrip("/")

    def write(self, document: Document) -> dict[str, bytes]:
        """Return a document's files by URL."""
        name = f"{self._folder}/{brat_name(document.id)}"
        ann = format_ann(document).encode("utf-8")
        return {f"{name}.txt": document.text.encode("utf-8"), f"{name}.ann": ann}

    def pack(self, written: Sequence[dict[str, bytes]]) -> bytes:
        """Write a shard's files."""
        for files in written:
            for url, data in files.items():
                write_remote(url, [data])
        return b""


def write_conf(settings: OutputSettings, labels: Iterable[str]) -> None:
    """Write the `annotation.conf` of a brat folder."""
    if not is_url(settings.output):
        make_folder(Path(settings.output))
        write_annotation_conf(settings.output, labels)
        return
    with TemporaryDirectory() as folder:
        write_annotation_conf(folder, labels)
        conf = Path(folder) / "annotation.conf"
        write_remote(f"{settings.output.rstrip('/')}/{conf.name}", [conf.read_bytes()])


def write_remote(url: str, parts: Iterable[bytes]) -> None:
    """Write a file where only fsspec comes; what is whole there, and when, its store decides."""
    system, path = file_system(url)
    try:  # each store has errors of its own
        system.makedirs(path.rpartition("/")[0], exist_ok=True)
        with system.open(path, "wb") as file:
            for part in parts:
                file.write(part)
    except Exception as error:
        raise unwritable(url, error) from None


def format_of_output(output: str | None) -> OutputFormat:
    """Return the format that an output's name says: a folder's name ends in a slash."""
    name = "" if output is None else unpacked_name(output)
    if name.endswith("/"):
        return "brat"
    if name.endswith(".csv"):
        return "csv"
    return "parquet" if name.endswith(".parquet") else "jsonl"


def failure_line(id_: str | None, place: str, reason: str) -> bytes:
    """Return a failure as a line of `errors.jsonl`, in ASCII."""
    return json.dumps({"id": id_, "place": place, "reason": reason}).encode("ascii") + b"\n"


def _holds(path: Path, data: bytes) -> bool:
    """Return whether a file is there with these bytes: then it is left as it is."""
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False
