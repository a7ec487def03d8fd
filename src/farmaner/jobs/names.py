"""The file names of documents in a brat folder, whatever their ids hold."""

from __future__ import annotations

import re
from hashlib import blake2b

_MAX_BYTES = 200
# What no file name holds, what would hide it, and what would be read back as one of these.
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\]|^\.|%(?=[0-9A-Fa-f]{2})")
_SUFFIX = re.compile(r"\.(?=(?:txt|ann)$)")


def brat_name(id_: str) -> str:
    """Return the path under which brat has a document: `2024/0417` stays `2024/0417`.

    A slash begins a subfolder. Control characters, backslashes and a leading dot are written as
    in URLs (`%0A`), as is a percent sign where it would be mistaken for that, and the dot of a
    folder named like a text; an empty part is `%`. A part of more than 200 bytes is cut and ends
    in `~` and 16 digits of a hash of the whole part.
    """
    *folders, name = id_.split("/")
    return "/".join([*(_SUFFIX.sub("%2E", _part(folder)) for folder in folders), _part(name)])


def _part(part: str) -> str:
    written = _UNFIT.sub(lambda match: f"%{ord(match[0]):02X}", part) or "%"
    data = written.encode("utf-8")
    if len(data) <= _MAX_BYTES:
        return written
    digest = blake2b(part.encode("utf-8"), digest_size=8).hexdigest()
    return f"{data[: _MAX_BYTES - 17].decode('utf-8', 'ignore')}~{digest}"
