"""Soft tags: what teachers think of each word of a text, stored without the text.

A teacher's answer to a text is a float16 array (words, tags): its probabilities for the tags that
a word can have, taken from the window in which the word is most central. Words are those of
`split_words`, whatever the teacher's pieces are, so that teachers with other tokenizers agree on
what a row means.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farmaner.cutting import Cutter, batch_windows
from farmaner.document import Document, Entity, Span
from farmaner.encoders import Encoder
from farmaner.errors import FormatError
from farmaner.tagging import IGNORED, OUTSIDE, Scheme, best_tags, decode_tags
from farmaner.text import Lexicon, split_words
from farmaner.training.windows import TrainingWindow
from farmaner.windows import plan_batches

TEXTS_A_FILE = 128

CERTAINTY = 0.9
"""How sure the answers become of a name that was decided."""

_NOTHING = np.empty((0, 0), dtype=np.float32)

Probabilities = NDArray[np.float16]


@dataclass(frozen=True, slots=True, eq=False)
class SoftText:
    """A text and the averaged probabilities of its words' tags, (words, tags)."""

    text: str
    probabilities: Probabilities


def text_key(text: str) -> str:
    """Return what a text's answers are stored under: the SHA-256 of its UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def label_texts(
    texts: Iterable[str],
    encoder: Encoder,
    cutter: Cutter,
    folder: Path,
    *,
    max_batch_pieces: int = 2048,
    columns: Sequence[int] | None = None,
) -> int:
    """Store a teacher's answers to texts in `folder`; return how many texts it had to read.

    `columns` are the teacher's numbers of the student's tags, none: all of its own; what it gives
    to other tags is shared out among these. Texts that the folder has answers to already are
    passed over, so that an interrupted run goes on; each file of answers is complete or not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = set(_keys(folder))
    unique = {key: text for text in texts if (key := text_key(text)) not in done}
    left = iter(unique.items())
    number = len(list(folder.glob("*.npz")))
    while part := dict(islice(left, TEXTS_A_FILE)):
        read = _answers(list(part.values()), encoder, cutter, max_batch_pieces)
        answers = [_probabilities(logits, columns) for logits in read]
        whole = folder / f".{number:06}.{os.getpid()}.part"
        with whole.open("wb") as file:
            arrays: Any = dict(zip(part, answers, strict=True))
            np.savez_compressed(file, **arrays)
        whole.replace(folder / f"{number:06}.npz")
        number += 1
    return len(unique)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.npz"))


def _keys(folder: Path) -> Iterator[str]:
    for path in _files(folder):
        with np.load(path) as stored:
            yield from stored.files


def read_answers(folder: Path) -> dict[str, Probabilities]:
    """Return a teacher's stored answers by the texts' keys; FormatError for a broken file."""
    answers: dict[str, Probabilities] = {}
    for path in _files(folder):
        try:
            with np.load(path) as stored:
                answers.update({key: stored[key] for key in stored.files})
        except (OSError, ValueError, EOFError) as error:
            raise FormatError(path, None, "answers of a teacher", type(error).__name__) from None
    return answers


def average(answers: Sequence[Probabilities]) -> Probabilities:
    """Return the mean of several teachers' answers to one text, each row summing to 1."""
    mean = np.mean([answer.astype(np.float32) for answer in answers], axis=0)
    result: Probabilities = (mean / mean.sum(axis=1, keepdims=True)).astype(np.float16)
    return result


def corrected(soft: SoftText, decisions: Lexicon, scheme: Scheme) -> SoftText:
    """Return a text whose answers are set right where a decided name stands.

    The kinds of `decisions` are labels, or `OUTSIDE` for what is no entity. Where the likeliest
    tags spell no entity of a name's label on just its words, these words get its tags with
    `CERTAINTY`, the rest of each row staying with the teachers. A name inside a longer entity is
    left alone: *calcio* in *canales de calcio*.
    """
    decided = list(decisions.find(soft.text, split_words(soft.text)))
    if not decided:
        return soft
    found = {
        (one.start, one.end): one.label
        for one in decode_tags(_likeliest(soft.probabilities, scheme), scheme)
    }
    probabilities = soft.probabilities.astype(np.float32)
    for first, end, label in decided:
        over = {span for span in found if span[0] < end and first < span[1]}
        if any(a <= first and end <= b and (a, b) != (first, end) for a, b in over):
            continue
        if found.get((first, end)) == label or (label == OUTSIDE and not over):
            continue
        n_words = end - first
        outside = [scheme.number(OUTSIDE)] * n_words
        tags = outside if label == OUTSIDE else scheme.entity_tags(label, n_words)
        probabilities[first:end] *= 1 - CERTAINTY
        probabilities[np.arange(first, end), tags] += CERTAINTY
    return SoftText(soft.text, probabilities.astype(np.float16))


def _likeliest(probabilities: Probabilities, scheme: Scheme) -> list[int]:
    """Return the likeliest tags of a text's words that the scheme allows."""
    logits = np.log(np.maximum(probabilities.astype(np.float32), np.finfo(np.float32).tiny))
    tags: list[int] = best_tags(logits, scheme).tolist() if len(logits) else []
    return tags


def as_document(document: Document, probabilities: Probabilities, scheme: Scheme) -> Document:
    """Return a document with the entities that the likeliest tags of its words spell."""
    words = split_words(document.text)
    entities = []
    for found in decode_tags(_likeliest(probabilities, scheme), scheme):
        span = Span(int(words.starts[found.start]), int(words.ends[found.end - 1]))
        entities.append(Entity(span, found.label, span.of(document.text)))
    return document.with_entities(entities)


def soft_windows(texts: Iterable[SoftText], cutter: Cutter, scheme: Scheme) -> list[TrainingWindow]:
    """Return the windows of softly tagged texts; no piece of theirs has a hard target.

    With a context the words that a window does not keep have no soft tags either.
    """
    windows: list[TrainingWindow] = []
    for soft in texts:
        for one in cutter.cut(soft.text).windows:
            n_pieces = len(one.piece_ids)
            spoken = one.word_pieces < n_pieces - 1
            if cutter.context != "none":
                spoken[: one.kept.start] = spoken[one.kept.stop :] = False
            rows = np.zeros((n_pieces, len(scheme.tags)), dtype=np.float16)
            said = soft.probabilities[one.window.start : one.window.end][spoken]
            rows[one.word_pieces[spoken], : said.shape[1]] = said
            targets = np.full(n_pieces, IGNORED, dtype=np.int64)
            windows.append(TrainingWindow(one.piece_ids, targets, one.features, rows))
    return windows


def _answers(
    texts: Sequence[str], encoder: Encoder, cutter: Cutter, max_batch_pieces: int
) -> list[NDArray[np.float32]]:
    """Return the logits of each text's words, (words, tags)."""
    cut = [(place, one) for place, text in enumerate(texts) for one in cutter.cut(text).windows]
    rows: list[NDArray[np.float32]] = [_NOTHING] * len(cut)
    lengths = [len(one.piece_ids) for _, one in cut]
    for batch in plan_batches(lengths, max_batch_pieces=max_batch_pieces):
        padded = batch_windows([cut[index][1] for index in batch], cutter.tokenizer.special.pad)
        for index, logits in zip(batch, encoder(padded)):
            _, one = cut[index]
            kept = one.word_pieces[one.kept]
            rows[index] = logits[np.minimum(kept, len(one.piece_ids) - 1)]
    answers: list[NDArray[np.float32]] = []
    for place in range(len(texts)):
        mine = [row for (owner, *_), row in zip(cut, rows) if owner == place]
        answers.append(np.concatenate(mine) if mine else _NOTHING)
    return answers


def _probabilities(logits: NDArray[np.float32], columns: Sequence[int] | None) -> Probabilities:
    if not len(logits):
        return np.empty((0, 0), dtype=np.float16)
    if columns is not None:
        logits = logits[:, columns]
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Probabilities = (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float16)
    return result
