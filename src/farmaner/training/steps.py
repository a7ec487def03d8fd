"""Jobs of several steps, each done once and kept as long as its inputs stay the same.

A step has a name, inputs, and a folder, in which it leaves what it makes. `step.json` beside that
tells the inputs and, once the step is done, the digest of what it made; the steps that follow take
the step itself as an input, and so count that digest among theirs.

Wherever a job stops, by kill -9 too, the same job run again does what is left: steps that are done
are passed over, the interrupted one goes on if it can, and one whose inputs changed is done anew.
The result of the old inputs is moved to `NAME.DIGEST`, and comes back when the inputs do.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farmaner.errors import ConfigError, CorpusError, FormatError
from farmaner.formats.files import make_folder, write_text

STEP_FILE = "step.json"
LOCK_FILE = ".lock"

ShowLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is done: the folder of what it made, and the digest of that."""

    name: str
    folder: Path
    digest: str


def show_line(line: str) -> None:
    """Print a line to stderr at once."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def open_steps(folder: Path, *, show: ShowLine = show_line) -> Iterator[Steps]:
    """Yield the steps of a job whose folders lie in `folder`, for one process at a time.

    `show` is called with each line of progress. Raises ConfigError while another process is at
    work in the folder.
    """
    make_folder(folder)
    with (folder / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"{folder}: expected a folder that no other run is at work in, found one that is"
            ) from None
        yield Steps(folder, show)


class Steps:
    """Runs steps, or finds them done."""

    def __init__(self, folder: Path, show: ShowLine) -> None:
        self.folder = folder
        self.show = show

    def run(
        self,
        name: str,
        inputs: Mapping[str, object],
        work: Callable[[Path], object],
        *,
        resumable: bool = False,
    ) -> Step:
        """Return the step of this name, done: by `work` on its folder, or earlier on like inputs.

        `name` may have slashes. Inputs are settings (JSON values, dataclasses), a Path, which
        counts by the content of the file or of the folder's files, a Step, or lists and mappings
        of these. All that decides the result belongs among them. With `resumable` the folder
        comes to `work` as an interrupted run on the same inputs left it, else empty.

        Raises ConfigError where files that no step made are in the way, CorpusError where an
        input's path is not there, and whatever `work` raises.
        """
        wanted = {key: described(value) for key, value in inputs.items()}
        folder = self.folder / name
        found = self._take(folder, wanted)
        if found is not None and found["result"] is not None:
            self.show(f"{name}: already done")
            return Step(name, folder, found["result"])
        self.show(f"{name}: {'begins' if found is None or not resumable else 'goes on'}")
        began = time.monotonic()
        make_folder(folder)
        _write(folder, wanted, None)
        if not resumable:
            _empty(folder)
        work(folder)
        result = _digest_of(folder)
        _write(folder, wanted, result)
        self.show(f"{name}: done in {time.monotonic() - began:.0f} s")
        return Step(name, folder, result)

    def _take(self, folder: Path, wanted: dict[str, Any]) -> dict[str, Any] | None:
        """Return the record of the step's folder if its inputs are the wanted ones, else None.

        A folder of other inputs is moved out of the way first, one of these moved back.
        """
        record = _read(folder)
        if record is not None and record["inputs"] != wanted:
            keys = sorted(wanted.keys() | record["inputs"].keys())
            changed = [key for key in keys if wanted.get(key) != record["inputs"].get(key)]
            aside = _aside(folder, record["inputs"])
            folder.replace(aside)
            name = folder.relative_to(self.folder)
            self.show(f"{name}: inputs changed ({', '.join(changed)}); kept as {aside.name}")
            record = None
        if record is None and (kept := _aside(folder, wanted)).is_dir():
            kept.replace(folder)
            record = _read(folder)
        return record


def _read(folder: Path) -> dict[str, Any] | None:
    """Return the record in a step's folder, None where there is neither record nor file."""
    path = folder / STEP_FILE
    if not folder.exists() or (not path.exists() and not any(folder.iterdir())):
        return None
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{folder}: expected the folder of a step, found files without {STEP_FILE}"
        ) from None
    except ValueError:
        raise FormatError(path, None, "JSON in UTF-8", "something else") from None
    return record


def _write(folder: Path, inputs: dict[str, Any], result: str | None) -> None:
    record = {"inputs": inputs, "result": result}
    text = json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    write_text(folder / STEP_FILE, text)


def _aside(folder: Path, inputs: dict[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return folder.with_name(f"{folder.name}.{digest[:8]}")


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == STEP_FILE:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def described(value: object) -> Any:
    """Return an input as JSON has it: a path or a step as a digest, anything else as it is.

    Raises CorpusError for a path that is not there.
    """
    if isinstance(value, Step):
        return f"{value.name} {value.digest}"
    if isinstance(value, Path):
        return _digest_of(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return described(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return {str(key): described(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [described(part) for part in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} is no input of a step")


def _digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's names and files, hidden ones left out."""
    if path.is_file():
        return _digest_of_file(path)
    if not path.is_dir():
        raise CorpusError(f"{path}: expected a file or a folder, found neither")
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        if file.is_file() and not any(part.startswith(".") for part in name.parts):
            if name == Path(STEP_FILE):
                continue
            digest.update(f"{name.as_posix()}\0{_digest_of_file(file)}\n".encode())
    return digest.hexdigest()


def _digest_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
