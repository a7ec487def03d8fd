"""What a job reads: the files that its inputs name, in order, with what tells whether one changed.

The order: inputs as they are named; in a folder first its own files, then its subfolders, each
in order of name (code points, without the suffix of a text). Hidden files and folders are passed
over, and folders that are symbolic links are not followed.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from farmaner.errors import CorpusError, JobError
from farmaner.formats.opening import file_system, is_url, reason, unpacked_name

InputFormat: TypeAlias = Literal["txt", "jsonl", "csv", "parquet"]

STDIN = "-"
_SUFFIXES: dict[InputFormat, tuple[str, ...]] = {
    "txt": (".txt",),
    "jsonl": (".jsonl", ".ndjson"),
    "csv": (".csv", ".tsv"),
    "parquet": (".parquet",),
}
_NAMES_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to read: its name, its format, the id of its document if it is a text.

    `n_bytes` (None: unknown) and `stamp` are those of the time when the job began.
    """

    name: str
    format: InputFormat
    id: str = ""
    n_bytes: int | None = None
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs as they are named; `format` None goes by each name, which may mean a text.

    In a folder that means its `.txt` files, unless the folder's name says another format.
    `passed_over` are files and folders that are no input wherever they lie: what the job itself
    writes.
    """

    names: tuple[str, ...]
    format: InputFormat | None = None
    passed_over: frozenset[str] = field(default=frozenset())

    def files(self) -> Iterator[InputFile]:
        """Yield every file; CorpusError for a name that is none, or a folder without any."""
        for name in self.names:
            if name == STDIN:
                yield InputFile(STDIN, self.format or "txt", "stdin")
            elif is_url(name):
                yield from self._remote_files(name)
            elif Path(name).is_dir():
                format_ = self.format or format_of(name.rstrip("/")) or "txt"
                yield from _some(self._walk(name, "", format_), name, format_)
            elif Path(name).is_file():
                yield self._local_file(name)
            else:
                raise CorpusError(f"{name}: expected a text file or a folder, found neither")

    def _local_file(self, name: str) -> InputFile:
        format_ = self.format or format_of(name) or "txt"
        return _with_stamp(InputFile(name, format_, Path(unpacked_name(name)).stem))

    def _walk(self, folder: str, prefix: str, format_: InputFormat) -> Iterator[InputFile]:
        for stem, name in _sorted_names(folder, format_):
            path = os.path.join(folder, name)  # noqa: PTH118  a million times
            if not self._passes_over(path):
                yield _with_stamp(InputFile(path, format_, prefix + stem))
        for name in sorted(_folders(folder)):
            path = os.path.join(folder, name)  # noqa: PTH118
            if not self._passes_over(path):
                yield from self._walk(path, f"{prefix}{name}/", format_)

    def _passes_over(self, path: str) -> bool:
        name = os.path.basename(path)  # noqa: PTH119  asking for the real path takes longer
        alike = any(own.endswith(name) for own in self.passed_over)
        return alike and os.path.realpath(path) in self.passed_over

    def _remote_files(self, url: str) -> Iterator[InputFile]:
        system, path = file_system(url)
        info = _remote_info(system, path, url)
        format_ = self.format or format_of(url.rstrip("/")) or "txt"
        if info["type"] == "directory":
            yield from _some(_remote_walk(system, path, "", format_), url, format_)
            return
        stem = Path(unpacked_name(path)).stem
        yield InputFile(url, format_, stem, info.get("size"), _remote_stamp(info))


def _some(files: Iterator[InputFile], name: str, format_: InputFormat) -> Iterator[InputFile]:
    first = next(files, None)
    if first is None:
        suffix = _SUFFIXES[format_][0]
        raise CorpusError(f"{name}: expected a folder with {suffix} files, found none")
    yield first
    yield from files


def _remote_walk(
    system: Any, folder: str, prefix: str, format_: InputFormat
) -> Iterator[InputFile]:
    folders: list[tuple[str, str]] = []
    files: list[tuple[str, dict[str, Any]]] = []
    for info in system.ls(folder, detail=True):
        name = str(info["name"]).rstrip("/").rsplit("/", 1)[-1]
        if name.startswith("."):
            continue
        if info["type"] == "directory":
            folders.append((name, info["name"]))
        elif (stem := _stem(name, format_)) is not None:
            files.append((stem, info))
    for stem, info in sorted(files, key=lambda file: file[0]):
        url = system.unstrip_protocol(info["name"])
        yield InputFile(url, format_, prefix + stem, info.get("size"), _remote_stamp(info))
    for name, path in sorted(folders):
        yield from _remote_walk(system, path, f"{prefix}{name}/", format_)


def format_of(name: str) -> InputFormat | None:
    """Return the format that a file's name says, packed or not; None where it says none."""
    name = unpacked_name(name)
    for format_ in get_args(InputFormat):
        if name.endswith(_SUFFIXES[format_]):
            return format_  # type: ignore[no-any-return]
    return None


def changed(file: InputFile) -> bool:
    """Return whether a file is no longer what it was when it was listed."""
    if file.name == STDIN:
        return False
    if is_url(file.name):
        system, path = file_system(file.name)
        try:
            info = _remote_info(system, path, file.name)
        except CorpusError:
            return True
        return (info.get("size"), _remote_stamp(info)) != (file.n_bytes, file.stamp)
    now = _with_stamp(file)
    return (now.n_bytes, now.stamp) != (file.n_bytes, file.stamp)


class Listing:
    """Files as they were when they were listed, on disk, to be gone through more than once."""

    def __init__(self, files: Iterable[InputFile]) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115  closed by exit
        self.n_bytes: int | None = 0
        try:
            for file in files:
                self._file.write(json.dumps(asdict(file)) + "\n")
                known = self.n_bytes is not None and file.n_bytes is not None
                self.n_bytes = (self.n_bytes or 0) + (file.n_bytes or 0) if known else None
            self._file.flush()
        except BaseException as error:
            with contextlib.suppress(OSError):
                self._file.close()
            if isinstance(error, OSError):
                where = tempfile.gettempdir()
                found = reason(error)
                raise JobError(
                    f"{where}: expected room for a list of files, found: {found}"
                ) from None
            raise

    def __enter__(self) -> Listing:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[InputFile]:
        self._file.seek(0)
        return (InputFile(**json.loads(line)) for line in self._file)


def _with_stamp(file: InputFile) -> InputFile:
    try:
        status = os.stat(file.name)  # noqa: PTH116  a million times
    except OSError:
        return replace(file, n_bytes=None, stamp="")  # reading it will say why
    return replace(file, n_bytes=status.st_size, stamp=str(status.st_mtime_ns))


def _remote_info(system: Any, path: str, url: str) -> dict[str, Any]:
    try:
        info: dict[str, Any] = system.info(path)
    except Exception as error:  # each store has errors of its own
        raise CorpusError(f"{url}: expected a file or a folder, found: {reason(error)}") from None
    return info


def _remote_stamp(info: dict[str, Any]) -> str:
    """Return what of a file's facts changes with its content."""
    names = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")
    return next((str(info[name]) for name in names if info.get(name)), "")


def _stem(name: str, format_: InputFormat) -> str | None:
    """Return the name of a folder's file without its suffix, None for a file of another format."""
    bare = unpacked_name(name) if format_ != "txt" else name
    suffix = next((suffix for suffix in _SUFFIXES[format_] if bare.endswith(suffix)), None)
    return None if suffix is None else bare.removesuffix(suffix)


def _folders(folder: str) -> Iterator[str]:
    with _scan(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                yield entry.name


def _scan(folder: str) -> Any:
    try:
        return os.scandir(folder)
    except OSError as error:
        raise CorpusError(f"{folder}: expected a readable folder, found: {reason(error)}") from None


def _sorted_names(folder: str, format_: InputFormat) -> Iterator[tuple[str, str]]:
    """Yield (stem, name) of a folder's files of a format in order of stem.

    Names past the first hundred thousand are sorted in runs on disk, so that memory stays flat.
    """
    with _scan(folder) as entries:
        names = _names(entries, format_)
        run = sorted(islice(names, _NAMES_AT_ONCE))
        runs: list[Iterator[tuple[str, str]]] = []
        while len(run) == _NAMES_AT_ONCE:
            runs.append(_on_disk(run))
            run = sorted(islice(names, _NAMES_AT_ONCE))
    yield from heapq.merge(*runs, run)


def _names(entries: Iterable[Any], format_: InputFormat) -> Iterator[tuple[str, str]]:
    for entry in entries:
        if entry.name.startswith("."):
            continue
        stem = _stem(entry.name, format_)
        if stem is not None and entry.is_file():
            yield stem, entry.name


def _on_disk(run: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    file = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115  closed when read
    file.writelines(f"{json.dumps(names)}\n" for names in run)
    file.seek(0)

    def names() -> Iterator[tuple[str, str]]:
        with file:
            for line in file:
                stem, name = json.loads(line)
                yield stem, name

    return names()
