"""The tags of other taggers: which of ours each one is.

A tag is O, or a prefix and a label, `B-DRUG`. B, I, E and S are read as in IOB1, IOB2, IO and
BIOES, L and U as in BILOU, M as in BMES. Whatever else a tag may mean has to be said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from farmaner.errors import ConfigError
from farmaner.tagging.schemes import Scheme, SchemeName

_PREFIXES = {"B": "B", "I": "I", "E": "E", "S": "S", "L": "E", "U": "S", "M": "I"}
_TAG = re.compile(r"([BIESLUM])-(.+)")
_SPECIAL = ("X", "CLS", "SEP")


@dataclass(frozen=True, slots=True)
class ForeignTags:
    """A tagger's tags in the order of its rows, and ours in their place; None for a dropped one."""

    scheme: Scheme
    tags: tuple[str, ...]
    ours: tuple[str | None, ...]

    def rows(self) -> list[int | None]:
        """Return, for each tag of our scheme, the row that stands for it, None where none does."""
        return [
            self.ours.index(tag) if tag in self.ours else None  # one each, as was checked
            for tag in self.scheme.tags
        ]


def read_foreign_tags(
    tags: Sequence[str],
    *,
    names: Mapping[str, str] | None = None,
    dropped: Collection[str] = (),
    scheme: SchemeName | None = None,
) -> ForeignTags:
    """Return which of our tags each of a tagger's tags is.

    `names` says what a label (`DRUG` is `NORMALIZABLES`) or a whole tag (`LABEL_1` is `B-DRUG`)
    is called here; a label that it does not name keeps its own. `dropped` are labels and tags to
    do without. What is the name of a tag means that tag alone. The scheme is the one that the
    prefixes spell, if none is given; `io` takes labels without a prefix too.

    Raises ConfigError where a tag has no place, or two have one, or none is O.
    """
    names = names or {}
    _check_known([*names, *dropped], tags)
    ours = tuple(
        None
        if tag in dropped or (_label(tag) in dropped and _label(tag) not in tags)
        else _place(tag, names, scheme)
        for tag in tags
    )
    placed = [tag for tag in ours if tag is not None]
    if scheme is None:
        scheme = _spelt({tag[0] for tag in placed if _label(tag)})
    labels = tuple(dict.fromkeys(_label(tag) for tag in placed if _label(tag)))
    found = ForeignTags(Scheme(scheme, labels), tuple(tags), ours)
    _check_places(found)
    return found


def _label(tag: str) -> str:
    match = _TAG.fullmatch(tag)
    return match[2] if match else ""


def _place(tag: str, names: Mapping[str, str], scheme: SchemeName | None) -> str:
    named = names.get(tag)
    if named is not None and (named == "O" or named in _SPECIAL or _label(named)):
        return _normal(named)
    if tag == "O" or (scheme == "paper" and tag in _SPECIAL):
        return tag
    if label := _label(tag):
        return f"{_PREFIXES[tag[0]]}-{names.get(label, label)}"
    if scheme == "io":
        return f"I-{named or tag}"
    raise ConfigError(
        f"tag {tag!r}: expected O or one such as B-DRUG, found neither; say what it is "
        f"(--label {tag}=B-DRUG, --label {tag}=O), that labels stand alone (--scheme io), or to "
        f"do without it (--drop {tag})"
    )


def _normal(tag: str) -> str:
    label = _label(tag)
    return f"{_PREFIXES[tag[0]]}-{label}" if label else tag


def _spelt(prefixes: set[str]) -> SchemeName:
    if prefixes & {"E", "S"}:
        return "bioes"
    return "iob2" if "B" in prefixes else "io"


def _check_known(given: Sequence[str], tags: Sequence[str]) -> None:
    known = {*tags, *filter(None, map(_label, tags))}
    for name in given:
        if name not in known:
            raise ConfigError(
                f"{name}: expected a label or a tag of the model ({', '.join(tags)}), found neither"
            )


def _check_places(found: ForeignTags) -> None:
    expected = found.scheme.tags
    sources: dict[str, str] = {}
    for tag, place in zip(found.tags, found.ours):
        if place is None:
            continue
        if place not in expected:
            raise ConfigError(
                f"tag {tag!r}: expected a place in the scheme {found.scheme.name} "
                f"({', '.join(expected)}), found {place}"
            )
        if place in sources:
            raise ConfigError(
                f"tag {tag!r}: expected a place of its own, found {place}, the place of "
                f"{sources[place]!r}; labels can be joined only after annotating"
            )
        sources[place] = tag
    if "O" not in sources:
        raise ConfigError(f"tags {', '.join(found.tags)}: expected one that is O, found none")
