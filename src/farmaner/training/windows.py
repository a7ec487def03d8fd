"""Training windows: the same windows that annotating walks, with a target for every piece."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farmaner.cutting import Cutter, CutWindow
from farmaner.document import Document
from farmaner.tagging import IGNORED, Scheme, encode_entities


@dataclass(frozen=True, slots=True, eq=False)
class TrainingWindow:
    """One window's piece ids and their targets, both (pieces,).

    `features` are what a lexicon says, (pieces,), None without one. `soft` is (pieces, tags): what
    teachers say of a word's first piece, 0 for every other piece.
    """

    piece_ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    features: NDArray[np.int64] | None = None
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
    documents: Iterable[Document], cutter: Cutter, scheme: Scheme
) -> tuple[list[TrainingWindow], Coverage]:
    """Return the windows of `documents` with targets, and what they cover.

    With a context the pieces of the words that a window does not keep have no target, so that
    each word is learned once; without, words in the overlap of two windows are learned in both.
    """
    windows: list[TrainingWindow] = []
    widened: list[tuple[str, str, int, int]] = []
    dropped: list[tuple[str, str, int, int]] = []
    n_documents = n_words = n_pieces = n_entities = 0
    for document in documents:
        cut = cutter.cut(document.text)
        encoded = encode_entities(document.entities, cut.words, scheme)
        counts = cut.pieces.counts().tolist()
        for one in cut.windows:
            place = slice(one.window.start, one.window.end)
            targets = scheme.targets(encoded.tags[place], counts[place])
            inner = targets[1:-1][: len(one.piece_ids) - 2]
            whole = np.asarray([targets[0], *inner, targets[-1]], dtype=np.int64)
            if cutter.context != "none":
                whole[1:-1][~kept_pieces(one)] = IGNORED
            windows.append(TrainingWindow(one.piece_ids, whole, one.features))
        n_documents += 1
        n_words += len(cut.words)
        n_pieces += len(cut.pieces.ids)
        n_entities += sum(entity.label in scheme.labels for entity in document.entities)
        widened += [(document.id, *entity.key) for entity in encoded.widened]
        dropped += [(document.id, *entity.key) for entity in encoded.dropped]
    coverage = Coverage(
        n_documents, n_words, n_pieces, len(windows), n_entities, tuple(widened), tuple(dropped)
    )
    return windows, coverage


def kept_pieces(one: CutWindow) -> NDArray[np.bool_]:
    """Return which pieces of a window, its specials left out, are of words that it keeps."""
    firsts = [*one.word_pieces.tolist(), len(one.piece_ids) - 1]
    kept = np.zeros(len(one.piece_ids), dtype=np.bool_)
    kept[firsts[one.kept.start] : firsts[one.kept.stop]] = True
    return kept[1:-1]
