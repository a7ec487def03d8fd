"""What the shell is offered as the value of an option that typer knows no choices of.

Where nothing is offered the shell goes on to offer files.
"""

from __future__ import annotations

from collections.abc import Callable


def choices(*names: str) -> Callable[[str], list[str]]:
    """Return what offers those of the names that begin as the word to be completed."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


def readable_formats(incomplete: str) -> list[str]:
    """Offer the formats that `convert` reads."""
    from farmaner.formats.table import FORMATS

    return choices(*(one.name for one in FORMATS if one.read))(incomplete)


def writable_formats(incomplete: str) -> list[str]:
    """Offer the formats that `convert` writes."""
    from farmaner.formats.table import FORMATS

    return choices(*(one.name for one in FORMATS))(incomplete)
