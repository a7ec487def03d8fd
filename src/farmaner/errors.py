"""The exception tree.

FarmanerError
├── FormatError          a file or a line that cannot be read as its format
├── CorpusError          a corpus folder that lacks what the job needs
├── OffsetError          an entity that does not fit its text
├── UnsupportedError     well-formed input that the task or format cannot express
├── ConfigError          a setting that is unknown or out of range
├── JobError             a job that cannot begin, go on or end
├── ModelError           a model folder or encoder that cannot be loaded
│   └── HubError         a model name that could not be fetched from its hub
└── MissingExtraError    an optional dependency that is not installed

Every message is one line and says where, what was expected and what was found.
No message quotes clinical text.
"""

from __future__ import annotations

from pathlib import Path


class FarmanerError(Exception):
    """The root of every error that farmaner raises on purpose."""


class FormatError(FarmanerError):
    """A file or a line that cannot be read as its format."""

    def __init__(self, path: Path | str, line: int | None, expected: str, found: str) -> None:
        self.path, self.line, self.expected, self.found = path, line, expected, found
        where = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{where}: expected {expected}, found {found}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.path, self.line, self.expected, self.found)


class CorpusError(FarmanerError):
    """A corpus folder that lacks what the job needs."""


class OffsetError(FarmanerError):
    """An entity or a span that does not fit its text."""


class UnsupportedError(FarmanerError):
    """Well-formed input that the task or the format at hand cannot express."""


class ConfigError(FarmanerError):
    """A setting that is unknown, of the wrong kind or out of range."""


class JobError(FarmanerError):
    """A job over many documents that cannot begin, go on or end."""


class ModelError(FarmanerError):
    """A model folder or an encoder that cannot be loaded."""


class HubError(ModelError):
    """A model name that could not be fetched from its hub."""


class MissingExtraError(FarmanerError):
    """An optional dependency that is not installed; the message names the pip line."""

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f'{package} is not installed; run: pip install "farmaner[{extra}]"')

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.package, self.extra)
