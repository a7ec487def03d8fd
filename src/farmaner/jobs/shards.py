"""Shards: items in order, cut by a rule that depends on nothing but the items."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

from farmaner.document import Document
from farmaner.jobs.reading import Failure, Item

MAX_SHARD_DOCUMENTS = 128
MAX_SHARD_CHARACTERS = 500_000
"""A shard ends with the item that reaches either: the most work that a kill can undo."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Items that are annotated, written and noted together."""

    number: int
    items: tuple[Item, ...]

    @property
    def documents(self) -> tuple[tuple[int, Document], ...]:
        """The documents with their indices among the items."""
        pairs = enumerate(item.found for item in self.items)
        return tuple((index, found) for index, found in pairs if isinstance(found, Document))

    @property
    def failures(self) -> dict[int, Failure]:
        """What could not be read, by index among the items."""
        pairs = enumerate(item.found for item in self.items)
        return {index: found for index, found in pairs if isinstance(found, Failure)}

    @property
    def n_characters(self) -> int:
        """Characters of the documents."""
        return sum(len(document.text) for _, document in self.documents)

    @property
    def n_bytes(self) -> int:
        """About how many bytes of the input the items took."""
        return sum(item.n_bytes for item in self.items)

    def digest(self, left_out: Collection[int]) -> str:
        """Return a hash of the documents' places, ids and texts, those of some indices left out."""
        hash_ = blake2b(digest_size=16)
        for index, document in self.documents:
            if index not in left_out:
                for value in (str(index), document.id, document.text):
                    data = value.encode("utf-8")
                    hash_.update(len(data).to_bytes(8, "little") + data)
        return hash_.hexdigest()


def cut(items: Iterable[Item], *, first_number: int = 0) -> Iterator[Shard]:
    """Yield items in shards, holding one at a time."""
    number, held, n_characters = first_number, [], 0
    for item in items:
        held.append(item)
        if isinstance(item.found, Document):
            n_characters += len(item.found.text)
        if len(held) == MAX_SHARD_DOCUMENTS or n_characters >= MAX_SHARD_CHARACTERS:
            yield Shard(number, tuple(held))
            number, held, n_characters = number + 1, [], 0
    if held:
        yield Shard(number, tuple(held))
