"""The recognizer: text to documents with entities, one path for every face of farmaner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from farmaner.cutting import CutText, batch_windows
from farmaner.document import Document, Entity, Span
from farmaner.encoders import (
    Backend,
    Encoder,
    ModelSettings,
    load_encoder,
    load_lexicon,
    load_tokenizer,
)
from farmaner.tagging import Scheme, best_tags, decode_tags
from farmaner.text import Lexicon, PieceTokenizer
from farmaner.windows import plan_batches

MAX_BATCH_PIECES = 16_384
"""Padded pieces in one call of the encoder: a round of the bundled model's windows."""

_WINDOWS_AHEAD = 128
"""Windows gathered, over documents, before they are sorted by length and batched."""

_Answer: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]
"""The tag of each word that a window keeps, and its probability."""


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A document cut into words and windows."""

    document: Document
    cut: CutText


class Recognizer:
    """Finds the entities of texts with one model."""

    def __init__(
        self,
        encoder: Encoder,
        tokenizer: PieceTokenizer,
        settings: ModelSettings,
        *,
        lexicon: Lexicon | None = None,
        backend: str = "",
        max_batch_pieces: int = MAX_BATCH_PIECES,
    ) -> None:
        self.settings = settings
        self.backend = backend
        self._encoder = encoder
        self._cutter = settings.cutter(tokenizer, lexicon)
        self._scheme = settings.tagging_scheme()
        self._max_batch_pieces = max_batch_pieces

    def recognize(self, text: str) -> Document:
        """Return `text` as a document with its entities, each with a score from 0 to 1."""
        return next(self.recognize_documents([Document("", text)]))

    def recognize_documents(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Yield the documents in order, with recognized entities in place of their own.

        While the encoder reads one round of windows the next is prepared, and no more, so that
        any number of documents streams through in flat memory.
        """
        with ThreadPoolExecutor(1, "farmaner-rounds") as worker:
            before: tuple[list[_Prepared], Future[list[_Answer]]] | None = None
            for round_, last in self._rounds(documents):
                if last and before is None:  # alone: nothing to do meanwhile
                    yield from self._stitch_round(round_, self._encode(round_))
                    return
                answers = worker.submit(self._encode, round_)
                if before is not None:
                    yield from self._stitch_round(before[0], before[1].result())
                before = round_, answers
            if before is not None:
                yield from self._stitch_round(before[0], before[1].result())

    def _rounds(self, documents: Iterable[Document]) -> Iterator[tuple[list[_Prepared], bool]]:
        """Yield prepared documents in rounds, and whether the round is the last."""
        round_: list[_Prepared] = []
        n_windows = 0
        for document in documents:
            prepared = _Prepared(document, self._cutter.cut(document.text))
            round_.append(prepared)
            n_windows += max(1, len(prepared.cut.windows))  # blank documents fill a round too
            if n_windows >= _WINDOWS_AHEAD:
                yield round_, False
                round_, n_windows = [], 0
        yield round_, True

    def _encode(self, round_: list[_Prepared]) -> list[_Answer]:
        """Return the answers for the windows of a round, in their order."""
        windows = [window for prepared in round_ for window in prepared.cut.windows]
        answers: list[_Answer] = [_NOTHING] * len(windows)
        lengths = [len(window.piece_ids) for window in windows]
        pad = self._cutter.tokenizer.special.pad
        for rows in plan_batches(lengths, max_batch_pieces=self._max_batch_pieces):
            logits = self._encoder(batch_windows([windows[row] for row in rows], pad))
            for row, window_logits in zip(rows, logits):
                window = windows[row]
                scaled = window_logits[window.word_pieces] / np.float32(self.settings.temperature)
                tags, scores = _tags_and_scores(scaled, self._scheme)
                answers[row] = tags[window.kept], scores[window.kept]
        return answers

    def _stitch_round(self, round_: list[_Prepared], answers: list[_Answer]) -> Iterator[Document]:
        taken = 0
        for prepared in round_:
            mine = answers[taken : taken + len(prepared.cut.windows)]
            taken += len(mine)
            yield self._stitch(prepared, mine)

    def _stitch(self, prepared: _Prepared, answers: list[_Answer]) -> Document:
        tags: list[int] = []
        scores: list[float] = []
        for window_tags, window_scores in answers:
            tags.extend(window_tags.tolist())
            scores.extend(window_scores.tolist())
        text, words = prepared.document.text, prepared.cut.words
        entities = []
        for found in decode_tags(tags, self._scheme):
            span = Span(int(words.starts[found.start]), int(words.ends[found.end - 1]))
            score = sum(scores[found.start : found.end]) / (found.end - found.start)
            entities.append(Entity(span, found.label, span.of(text), score))
        return prepared.document.with_entities(entities)


_NOTHING: _Answer = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))


def _tags_and_scores(logits: NDArray[np.float32], scheme: Scheme) -> _Answer:
    """Return the tag of each word and its softmax probability; logits are (words, tags)."""
    tags = best_tags(logits, scheme)
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores: NDArray[np.float32] = shifted[np.arange(len(tags)), tags] / shifted.sum(axis=1)
    return tags, scores


def load(
    model: Path | str | None = None,
    *,
    backend: Backend = "auto",
    threads: int | None = None,
    max_batch_pieces: int = MAX_BATCH_PIECES,
) -> Recognizer:
    """Return a recognizer: of a model folder, or of the bundled model.

    Raises ModelError where the folder is no model or lacks the weights for `backend`.
    """
    folder = Path(model) if model is not None else bundled_model()
    settings = ModelSettings.read(folder)
    encoder, chosen = load_encoder(folder, backend, threads=threads)
    return Recognizer(
        encoder,
        load_tokenizer(folder, settings),
        settings,
        lexicon=load_lexicon(folder, settings),
        backend=chosen,
        max_batch_pieces=max_batch_pieces,
    )


def bundled_model() -> Path:
    """Return the folder of the model that comes with the package."""
    return Path(str(resources.files("farmaner"))) / "models" / "bundled"
