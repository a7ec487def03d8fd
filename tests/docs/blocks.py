"""The blocks of code of the documentation, with what is said of running them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
OWN_TESTS = {"spark.md": "tests/integrations/spark/test_docs.py"}
"""Pages of docs/ whose blocks run in a setting of their own, and the tests that run them."""

PAGES = [
    *sorted(page for page in (ROOT / "docs").glob("*.md") if page.name not in OWN_TESTS),
    ROOT / "CONTRIBUTING.md",
    ROOT / "examples" / "README.md",
    ROOT / "src" / "farmaner" / "models" / "bundled" / "README.md",
]  # the README is run by tests/test_readme.py
SHELLS = ("bash", "console")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its text, the comment right before it."""

    page: str
    line: int
    language: str
    text: str
    comment: str = ""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def not_run(self) -> str:
        """Why it is not run; empty if it is."""
        match = re.fullmatch(r"not run: (.+)", self.comment, re.DOTALL)
        return match[1] if match else ""

    @property
    def as_run(self) -> str:
        """Its text with what the comment `run with: A => B; C => D` exchanges."""
        match = re.fullmatch(r"run with: (.+)", self.comment, re.DOTALL)
        text = self.text
        for exchange in match[1].split("; ") if match else ():
            shown, run = exchange.split(" => ")
            assert shown in text, f"{self.place}: `{shown}` is not in the block"
            text = text.replace(shown, run)
        return text

    def commands(self) -> Iterator[list[str]]:
        """Yield the words of every command: lines joined, pipes and lists cut, comments gone."""
        text = self.text.replace("\\\n", " ")
        lines = text.splitlines()
        if self.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        for line in lines:
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
            lexer.wordchars += "=:@%[]{}"
            words: list[str] = []
            redirected = False
            for word in lexer:
                if set(word) <= set("|&;"):
                    yield words
                    words = []
                elif set(word) <= set("<>"):
                    redirected = True
                    if words and words[-1].isdigit():
                        words.pop()
                elif redirected:
                    redirected = False
                else:
                    words.append(word)
            yield words


def blocks_of(path: Path) -> list[Block]:
    """Return the blocks of a page in their order."""
    page = str(path.relative_to(ROOT))
    blocks, comment = [], ""
    for token in MarkdownIt().parse(path.read_text(encoding="utf-8")):
        if token.type == "fence":
            line = token.map[0] + 1 if token.map else 0
            blocks.append(Block(page, line, token.info.strip(), token.content, comment))
        match = re.fullmatch(r"<!-- (.+?) -->\s*", token.content, re.DOTALL)
        comment = match[1] if token.type == "html_block" and match else ""
    return blocks


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
