"""Tagging schemes as tables: which tags there are, what pieces get them, how they are read back.

Two schemes to fit with. `iob2`: B-x opens an entity, I-x goes on with it, O is outside; the first
piece of a word carries the word's tag and the others take no part in the loss. `paper`: the tag set
T of Sun and Yang (2019, section 2.1), B-x and I-x and O with X for the later pieces of a word and
CLS and SEP for BERT's two special pieces; every piece has a target, and the special tags are taken
out of the answer.

Two more that taggers of others have, with targets as in `iob2`. `io`: I-x alone, so that two
entities of one label side by side are one. `bioes`: E-x ends an entity, S-x is one of one word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from farmaner.errors import ConfigError

SchemeName = Literal["iob2", "paper", "io", "bioes"]
Role = Literal["first", "later", "cls", "sep"]

OUTSIDE = "O"
"""The tag of a word in no entity."""

IGNORED = -100
"""The target of a piece that takes no part in the loss, as torch's cross-entropy has it."""

WORD_TAG = "word"
"""In a role's row of the table: the piece carries the tag of its word."""

# What a piece's role in the window makes its target; None: no target.
_FIRST_ALONE: dict[Role, str | None] = {"first": WORD_TAG, "later": None, "cls": None, "sep": None}
PIECE_TARGETS: dict[SchemeName, dict[Role, str | None]] = {
    "iob2": _FIRST_ALONE,
    "paper": {"first": WORD_TAG, "later": "X", "cls": "CLS", "sep": "SEP"},
    "io": _FIRST_ALONE,
    "bioes": _FIRST_ALONE,
}

# The prefixes of a label's tags, in their order.
PREFIXES: dict[SchemeName, str] = {"iob2": "BI", "paper": "BI", "io": "I", "bioes": "BIES"}

# The prefix of an entity's only word; else of its first, of those within, and of its last.
WORD_PREFIXES: dict[SchemeName, tuple[str, str, str, str]] = {
    "iob2": ("B", "B", "I", "I"),
    "paper": ("B", "B", "I", "I"),
    "io": ("I", "I", "I", "I"),
    "bioes": ("S", "B", "I", "E"),
}

# What stands right before a tag of this prefix: one of these, of the same label.
GOES_ON: dict[SchemeName, dict[str, str]] = {
    "iob2": {"I": "BI"},
    "paper": {"I": "BI"},
    "io": {},
    "bioes": {"I": "BI", "E": "BI"},
}

# The prefixes that a later word has to go on with.
UNFINISHED: dict[SchemeName, str] = {"iob2": "", "paper": "", "io": "", "bioes": "BI"}

# How a word's tag is read, given the label of the entity that is open before it (or none).
# Defined for every sequence of tags, valid or not: an I-x that no x precedes opens an entity, an
# E-x that none precedes is a whole one, and X, CLS or SEP, once removed, leave a word without an
# entity, as O does.
READING: dict[tuple[str, str], str] = {
    # (tag's prefix, open label is): what happens
    ("B", "none"): "open",
    ("B", "same"): "open",
    ("B", "other"): "open",
    ("I", "none"): "open",
    ("I", "same"): "continue",
    ("I", "other"): "open",
    ("O", "none"): "close",
    ("O", "same"): "close",
    ("O", "other"): "close",
    ("E", "none"): "whole",
    ("E", "same"): "end",
    ("E", "other"): "whole",
    ("S", "none"): "whole",
    ("S", "same"): "whole",
    ("S", "other"): "whole",
}


@dataclass(frozen=True, slots=True)
class Scheme:
    """A tagging scheme over labels: a tag's number is its place in `tags`."""

    name: SchemeName
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.name not in PIECE_TARGETS:
            known = ", ".join(PIECE_TARGETS)
            raise ConfigError(f"scheme: expected one of {known}, found {self.name!r}")
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise ConfigError(f"labels: expected distinct names, at least one, found {self.labels}")

    @property
    def word_tags(self) -> tuple[str, ...]:
        """The tags that a word can have, in order: O, then those of each label."""
        prefixes = PREFIXES[self.name]
        return (OUTSIDE, *(f"{prefix}-{label}" for label in self.labels for prefix in prefixes))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags in order: those of words, then the scheme's special tags."""
        targets = PIECE_TARGETS[self.name].values()
        return (*self.word_tags, *(tag for tag in targets if tag not in (None, WORD_TAG)))

    def number(self, tag: str) -> int:
        """Return the number of `tag`; ValueError if the scheme has no such tag."""
        return self.tags.index(tag)

    def entity_tags(self, label: str, n_words: int) -> list[int]:
        """Return the numbers of the tags of an entity of that many words."""
        only, first, within, last = WORD_PREFIXES[self.name]
        prefixes = [only] if n_words == 1 else [first, *[within] * (n_words - 2), last]
        return [self.number(f"{prefix}-{label}") for prefix in prefixes]

    def targets(self, word_tags: Sequence[int], piece_counts: Sequence[int]) -> list[int]:
        """Return the target of every piece of one window, its two special pieces included.

        `word_tags` and `piece_counts` are one a word; the result has their pieces plus two.
        """
        roles = PIECE_TARGETS[self.name]
        later, cls, sep = (self._fixed(roles[role]) for role in ("later", "cls", "sep"))
        targets = [cls]
        for tag, count in zip(word_tags, piece_counts):
            targets.append(tag)
            targets.extend([later] * (count - 1))
        targets.append(sep)
        return targets

    def allows(self, before: int | None, after: int | None) -> bool:
        """Whether a word's tag may stand right before another's; None: the end of the text.

        By the tables `GOES_ON` and `UNFINISHED`; the special tags stand where O does.
        """
        prefix, label = self.split(before) if before is not None else ("O", "")
        next_prefix, next_label = self.split(after) if after is not None else ("O", "")
        if needed := GOES_ON[self.name].get(next_prefix):
            return label == next_label and prefix in needed
        return prefix not in UNFINISHED[self.name]

    def _fixed(self, tag: str | None) -> int:
        return IGNORED if tag is None else self.number(tag)

    def split(self, number: int) -> tuple[str, str]:
        """Return a tag's prefix and label; the special tags read as ("O", "")."""
        prefix, _, label = self.tags[number].partition("-")
        return (prefix, label) if label else ("O", "")
