"""Training windows: the same windows that annotating walks, with a target for every piece."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farmaner.document import Document
from farmaner.tagging import Scheme, encode_entities
from farmaner.text import PieceTokenizer, split_sentences, split_words
from farmaner.windows import pack_windows, window_pieces


@dataclass(frozen=True, slots=True, eq=False)
class TrainingWindow:
    """One window's piece ids and their targets, both (pieces,).

    `soft` is (pieces, tags): what teachers say of a word's first piece, 0 for every other piece.
    """

    piece_ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    soft: NDArray[np.float16] | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What went into a training run, and the entities that its tags could not express.

    `widened` and `dropped` name the document, the label, the start and the end of each.
    """

    n_documents: int
    n_words: int
    n_pieces: int
    n_windows: int
    n_entities: int
    widened: tuple[tuple[str, str, int, int], ...]
    dropped: tuple[tuple[str, str, int, int], ...]

    def summary(self) -> str:
        """Return one line for a person."""
        return (
            f"{self.n_documents} documents, {self.n_words} words, {self.n_pieces} pieces, "
            f"{self.n_windows} windows, {self.n_entities} entities; not on word boundaries and "
            f"widened to them: {len(self.widened)}; not expressible and left out: "
            f"{len(self.dropped)}"
        )


def training_windows(
    documents: Iterable[Document], tokenizer: PieceTokenizer, scheme: Scheme, *, max_pieces: int
) -> tuple[list[TrainingWindow], Coverage]:
    """Return the windows of `documents` with targets, and what they cover."""
    windows: list[TrainingWindow] = []
    widened: list[tuple[str, str, int, int]] = []
    dropped: list[tuple[str, str, int, int]] = []
    n_documents = n_words = n_pieces = n_entities = 0
    for document in documents:
        words = split_words(document.text)
        pieces = tokenizer.encode(document.text, words)
        encoded = encode_entities(document.entities, words, scheme)
        counts = pieces.counts().tolist()
        sentences = split_sentences(document.text)
        for window in pack_windows(sentences, words, pieces, max_pieces=max_pieces):
            ids, _ = window_pieces(window, pieces, tokenizer.special, max_pieces=max_pieces)
            place = slice(window.start, window.end)
            targets = scheme.targets(encoded.tags[place], counts[place])
            inner = targets[1:-1][: len(ids) - 2]
            targets = [targets[0], *inner, targets[-1]]
            windows.append(TrainingWindow(ids, np.asarray(targets, dtype=np.int64)))
        n_documents += 1
        n_words += len(words)
        n_pieces += len(pieces.ids)
        n_entities += sum(entity.label in scheme.labels for entity in document.entities)
        widened += [(document.id, *entity.key) for entity in encoded.widened]
        dropped += [(document.id, *entity.key) for entity in encoded.dropped]
    coverage = Coverage(
        n_documents, n_words, n_pieces, len(windows), n_entities, tuple(widened), tuple(dropped)
    )
    return windows, coverage
