"""Splits: the counts of a system by what its entities look like.

A gold entity is counted, found or missed, in the group that it belongs to; a spurious one in the
group that it belongs to itself. So the counts of every split add up to the system's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import TypeAlias

from farmaner.document import Document, Entity
from farmaner.evaluation.error_classes import Matching
from farmaner.evaluation.scoring import Counts
from farmaner.text import split_words

Group: TypeAlias = Callable[[Entity], str]

LONGEST_ABBREVIATION = 6
"""In characters; 15.0 % of the entities of the PharmaCoNER dev split are abbreviations by it."""

_LENGTHS = ((1, "1 word"), (2, "2 words"), (3, "3 words"), (5, "4–5 words"))


def normalized(surface: str) -> str:
    """Return a surface form as splits compare it: case folded, each run of white space a space."""
    return " ".join(surface.split()).casefold()


def is_abbreviation(surface: str) -> bool:
    """Return whether a surface form is a short all-caps one.

    That is: at most six characters, no white space among them, at least one capital and no small
    letter. `K`, `CD20` and `TNF-α` without its α are; `Na`, `HbA1c` and `LH baja` are not.
    """
    spaced = any(sign.isspace() for sign in surface)
    return len(surface) <= LONGEST_ABBREVIATION and surface.isupper() and not spaced


def length_group(surface: str) -> str:
    """Return the band of lengths in words, as `farmaner.text.split_words` counts them."""
    n_words = len(split_words(surface))
    return next((name for longest, name in _LENGTHS if n_words <= longest), "6 words or more")


def seen_labels(train: Iterable[Document], dropped_labels: Set[str]) -> dict[str, set[str]]:
    """Return the labels that each normalized surface form has in train, less the dropped ones."""
    labels: dict[str, set[str]] = {}
    for document in train:
        for entity in document.entities:
            if entity.label not in dropped_labels:
                labels.setdefault(normalized(entity.text), set()).add(entity.label)
    return labels


def groups(seen: Mapping[str, Set[str]] | None) -> dict[str, tuple[Group, tuple[str, ...]]]:
    """Return each split's rule and its groups in order; "seen" only where train is given."""

    def seen_group(entity: Entity) -> str:
        labels = (seen or {}).get(normalized(entity.text))
        if labels is None:
            return "unseen"
        return "seen" if entity.label in labels else "seen, other label"

    splits: dict[str, tuple[Group, tuple[str, ...]]] = {"label": (lambda entity: entity.label, ())}
    if seen is not None:
        splits["seen"] = seen_group, ("seen", "seen, other label", "unseen")
    splits["length"] = (
        lambda entity: length_group(entity.text),
        (*(name for _, name in _LENGTHS), "6 words or more"),
    )
    splits["abbreviation"] = (
        lambda entity: "abbreviation" if is_abbreviation(entity.text) else "other form",
        ("abbreviation", "other form"),
    )
    return splits


def split_counts(
    matchings: Iterable[Matching], group: Group, order: tuple[str, ...] = ()
) -> dict[str, Counts]:
    """Return the counts of each group that has any, in the order given or the names'."""
    counts: dict[str, Counts] = {}

    def add(entity: Entity, one: Counts) -> None:
        name = group(entity)
        counts[name] = counts.get(name, Counts()) + one

    for matching in matchings:
        for entity in matching.found:
            add(entity, Counts(1, 0, 0))
        for error in matching.errors:
            if error.spurious is not None:
                add(error.spurious, Counts(0, 1, 0))
            if error.missed is not None:
                add(error.missed, Counts(0, 0, 1))
    names = [name for name in order if name in counts]
    return {name: counts[name] for name in names + sorted(counts.keys() - set(names))}
