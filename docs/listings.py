"""For mkdocstrings: listings in the docstrings of modules are shown as they are written."""

from __future__ import annotations

import re
from typing import Any

import griffe

_COLUMNS = re.compile(r"\S {2,}\S|^[\w.]+ = |^\[+[\w.]+\]+$", re.MULTILINE)


class Listings(griffe.Extension):
    """Fences every run of paragraphs that have columns or settings."""

    def on_module(self, *, mod: griffe.Module, **_: Any) -> None:
        """Rewrite the docstring of a module."""
        if mod.docstring is None:
            return
        first, *others = mod.docstring.value.split("\n\n")
        shown = [first]
        for paragraph in others:
            if not _COLUMNS.search(paragraph):
                shown.append(paragraph)
            elif shown[-1].endswith("```"):
                shown[-1] = f"{shown[-1].removesuffix('```')}\n{paragraph}\n```"
            else:
                shown.append(f"```text\n{paragraph}\n```")
        mod.docstring.value = "\n\n".join(shown)
