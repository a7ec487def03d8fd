"""Documents to documents with entities; what one document does costs that document alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from farmaner import recognizer
from farmaner.document import Document
from farmaner.encoders import Backend
from farmaner.errors import FarmanerError

if TYPE_CHECKING:
    from farmaner.linking import Linker

MIN_BATCH_PIECES = 128
"""Where even a batch of so few padded pieces finds no memory, the document is given up."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AnnotatorSettings:
    """What annotates: a model, what runs it, and whether entities get their codes."""

    model: str | None = None
    backend: Backend = "auto"
    link: bool = False
    terminology: str | None = None


class Annotator:
    """One loaded model, and a terminology if asked for."""

    def __init__(self, settings: AnnotatorSettings, threads: int | None) -> None:
        model = None if settings.model is None else Path(settings.model)
        self._load = partial(recognizer.load, model, backend=settings.backend, threads=threads)
        self._max_batch_pieces = recognizer.MAX_BATCH_PIECES
        self._recognizer = self._load()
        self.labels = self._recognizer.settings.labels
        self._linker: Linker | None = None
        if settings.link or settings.terminology is not None:
            from farmaner.linking import Linker
            from farmaner.linking.build import load_terminology

            self._linker = Linker(load_terminology(settings.terminology))

    def annotate(
        self,
        documents: Sequence[Document],
        finish: Callable[[Document], T],
        *,
        one_by_one: Callable[[int], None] | None = None,
    ) -> list[T | str]:
        """Return `finish` of each annotated document, or why there is none.

        With `one_by_one` no two documents are annotated together, and it is told the index of
        each before.
        """
        if one_by_one is None:
            try:
                return [_finished(found, finish) for found in self._annotated(documents)]
            except Exception:  # one of them is to blame: found out below, and told
                one_by_one = _tell_nobody
        answers: list[T | str] = []
        for index, document in enumerate(documents):
            one_by_one(index)
            try:
                (found,) = self._annotated([document])
                answers.append(_finished(found, finish))
            except FarmanerError as error:
                answers.append(str(error))
            except Exception as error:  # whatever it is, its message may quote the text
                answers.append(f"expected to annotate it, found {type(error).__name__}")
        return answers

    def _annotated(self, documents: Sequence[Document]) -> list[Document]:
        """Annotate documents; where memory runs out, again in batches of half the size.

        A size that helped is kept. Where none does the documents are too large themselves, and
        those that follow get the size that there was.
        """
        before = self._max_batch_pieces
        while True:
            try:
                found = self._recognizer.recognize_documents(documents)
                if self._linker is not None:
                    found = self._linker.link_documents(found)
                annotated = list(found)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if self._max_batch_pieces <= MIN_BATCH_PIECES:
                    self._set_batch(before)
                    raise
            else:
                if len(annotated) != len(documents):
                    raise RuntimeError("a document was not answered")
                return annotated
            self._set_batch(self._max_batch_pieces // 2)

    def _set_batch(self, max_batch_pieces: int) -> None:
        if max_batch_pieces != self._max_batch_pieces:
            self._recognizer = self._load(max_batch_pieces=max_batch_pieces)
            self._max_batch_pieces = max_batch_pieces


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error of Python or of a runtime says that memory ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    message = str(error).lower()
    return any(sign in message for sign in _SIGNS)


_SIGNS = ("allocate memory", "bad_alloc", "bad allocation", "out of memory", "alloc_failed")


def _finished(document: Document, finish: Callable[[Document], T]) -> T | str:
    try:
        return finish(document)
    except FarmanerError as error:
        return str(error)


def _tell_nobody(_: int) -> None:
    pass
