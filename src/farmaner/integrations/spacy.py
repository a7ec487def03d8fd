"""The spaCy component `farmaner` (extra `spacy`): entities of a Doc, with scores and codes.

    import spacy

    nlp = spacy.blank("es")
    nlp.add_pipe("farmaner")
    doc = nlp("Niega alergia a penicilina.")

spaCy finds the factory by its entry point. A Doc that was read has

    doc.ents, doc.spans["farmaner"]     spans over whole tokens, set as in `formats.spacy_doc`
    span._.score, ._.code, ._.code_score
    doc._.farmaner                      the entities as they were found, offsets in characters
    doc._.farmaner_counts               how many there are, were widened, are not in `doc.ents`
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import islice
from multiprocessing import util as multiprocessing_util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farmaner.document import Concept, Document, Entity
from farmaner.encoders import Backend
from farmaner.encoders.folder import MODEL_FILES, model_files
from farmaner.errors import FarmanerError, MissingExtraError, ModelError
from farmaner.formats.spacy_doc import GROUP, set_entities

if TYPE_CHECKING:
    from farmaner.jobs.annotator import Annotator

try:
    import srsly
    from spacy.language import Language
    from spacy.tokens import Doc, Span
    from spacy.util import raise_error
except ImportError as error:
    raise MissingExtraError(error.name or "spacy", "spacy") from error

_log = logging.getLogger("farmaner.spacy")

_ENTITIES = "farmaner"
_COUNTS = "farmaner_counts"
_SPAN_ATTRIBUTES = ("score", "code", "code_score")

_MODEL = "model"
_TERMINOLOGY = "terminology"
_HELD_FILE = "farmaner-pipe.json"
"""In a saved component's folder: whether the model and the terminology are its own."""

ErrorHandler = Callable[[str, Any, list[Any], Exception], Any]


@Language.factory(
    "farmaner",
    default_config={
        "model": None,
        "backend": "auto",
        "threads": None,
        "link": False,
        "terminology": None,
        "spans_key": GROUP,
        "annotate_ents": True,
        "overwrite": False,
    },
    assigns=[
        *("doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", "token.ent_kb_id"),
        *("doc._.farmaner", "doc._.farmaner_counts"),
        *(f"span._.{name}" for name in _SPAN_ATTRIBUTES),
    ],
)
def create_component(
    nlp: Language,
    name: str,
    model: str | None,
    backend: Backend,
    threads: int | None,
    link: bool,
    terminology: str | None,
    spans_key: str | None,
    annotate_ents: bool,
    overwrite: bool,
) -> FarmanerComponent:
    """Return the component that `nlp.add_pipe("farmaner", config={...})` adds."""
    return FarmanerComponent(
        name,
        model=model,
        backend=backend,
        threads=threads,
        link=link,
        terminology=terminology,
        spans_key=spans_key,
        annotate_ents=annotate_ents,
        overwrite=overwrite,
    )


class FarmanerComponent:
    """Recognizes, and links if asked for, the entities of Docs.

    `model` is a model folder and `terminology` a compiled file, None the bundled ones; either is
    loaded when the first Doc is read, anew in every process. `threads` limits the cores used.
    `spans_key` names the span group that gets all entities, None for no group; `annotate_ents`
    says whether `doc.ents` gets those that it can hold. Entities of earlier components stay in
    `doc.ents`, and ours that overlap them are left out; `overwrite` turns that round.
    """

    def __init__(
        self,
        name: str = "farmaner",
        *,
        model: str | None = None,
        backend: Backend = "auto",
        threads: int | None = None,
        link: bool = False,
        terminology: str | None = None,
        spans_key: str | None = GROUP,
        annotate_ents: bool = True,
        overwrite: bool = False,
    ) -> None:
        self.name = name
        self.model = model
        self.terminology = terminology
        self._backend = backend
        self._threads = threads
        self._link = link or terminology is not None
        self._spans_key = spans_key
        self._annotate_ents = annotate_ents
        self._overwrite = overwrite
        self._error_handler: ErrorHandler = raise_error
        self._held: dict[str, bytes] | None = None  # files read from bytes, by their names
        self._loaded: tuple[int, Annotator] | None = None  # and the process that loaded it
        _add_attributes()

    def __call__(self, doc: Any) -> Any:
        """Set the entities of one Doc and return it."""
        counts: Counter[str] = Counter()
        (answer,) = self._annotator().annotate([_document(doc)], _as_it_is)
        self._set(doc, answer, counts)
        _report(counts)
        return doc

    def pipe(self, stream: Iterable[Any], *, batch_size: int = 128) -> Iterator[Any]:
        """Yield the Docs of a stream with their entities, read in batches of `batch_size`.

        A Doc that fails goes to the error handler alone; the default one raises.
        """
        counts: Counter[str] = Counter()
        docs_left = iter(stream)
        while docs := list(islice(docs_left, batch_size)):
            answers = self._annotator().annotate([_document(doc) for doc in docs], _as_it_is)
            for doc, answer in zip(docs, answers):
                try:
                    self._set(doc, answer, counts)
                except Exception as error:  # spaCy's user says what becomes of it
                    self._error_handler(self.name, self, [doc], error)
                else:
                    yield doc
        _report(counts)

    def set_error_handler(self, error_handler: ErrorHandler) -> None:
        """Set what is called with the name, the component, a list of one Doc, and its error."""
        self._error_handler = error_handler

    def get_error_handler(self) -> ErrorHandler:
        """Return what is called for a Doc that fails."""
        return self._error_handler

    def _set(self, doc: Any, answer: Document | str, counts: Counter[str]) -> None:
        if isinstance(answer, str):
            raise FarmanerError(answer)
        placed = set_entities(
            doc,
            answer.entities,
            group=self._spans_key,
            ents=self._annotate_ents,
            overwrite=self._overwrite,
        )
        doc.user_data[_ENTITIES] = [_row(entity) for entity in answer.entities]
        doc.user_data[_COUNTS] = asdict(placed)
        counts.update(n_documents=1, **asdict(placed))

    def _annotator(self) -> Annotator:
        """Return what reads texts in this process: a session of the encoder outlives no fork."""
        from farmaner.jobs.annotator import Annotator, AnnotatorSettings

        if self._loaded is None or self._loaded[0] != os.getpid():
            model, terminology = self.model, self.terminology
            if self._held is not None:
                folder = self._unpacked(self._held)
                model = str(folder / _MODEL) if model else None
                terminology = str(folder / _TERMINOLOGY) if terminology else None
            settings = AnnotatorSettings(model, self._backend, self._link, terminology)
            self._loaded = os.getpid(), Annotator(settings, self._threads)
        return self._loaded[1]

    # What is saved: a model and a terminology of one's own as files, the bundled ones by name.

    def to_disk(self, path: Path | str, *, exclude: Sequence[str] = ()) -> None:
        """Write the component into a folder, a copy of a model of one's own included."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        written = [_write(folder, name, data) for name, data in self._files()]
        for stale in (f"{_MODEL}/{name}" for name in MODEL_FILES):
            if stale not in written:
                (folder / stale).unlink(missing_ok=True)
        srsly.write_json(folder / _HELD_FILE, self._own())

    def from_disk(self, path: Path | str, *, exclude: Sequence[str] = ()) -> FarmanerComponent:
        """Take model and terminology from a folder that `to_disk` wrote."""
        folder = Path(path)
        if not (folder / _HELD_FILE).is_file():
            raise ModelError(f"{folder}: expected a saved component with {_HELD_FILE}, found none")
        own = srsly.read_json(folder / _HELD_FILE)
        self.model = str(folder / _MODEL) if own[_MODEL] else None
        self.terminology = str(folder / _TERMINOLOGY) if own[_TERMINOLOGY] else None
        self._held = self._loaded = None
        return self

    def to_bytes(self, *, exclude: Sequence[str] = ()) -> bytes:
        """Return the component as bytes, the files of a model of one's own included."""
        data: bytes = srsly.msgpack_dumps({"own": self._own(), "files": dict(self._files())})
        return data

    def from_bytes(self, data: bytes, *, exclude: Sequence[str] = ()) -> FarmanerComponent:
        """Take model and terminology from what `to_bytes` gave."""
        content = srsly.msgpack_loads(data)
        self.model = _MODEL if content["own"][_MODEL] else None
        self.terminology = _TERMINOLOGY if content["own"][_TERMINOLOGY] else None
        self._held, self._loaded = content["files"], None
        return self

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loaded": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        _add_attributes()

    def _own(self) -> dict[str, bool]:
        return {_MODEL: self.model is not None, _TERMINOLOGY: self.terminology is not None}

    def _files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the files of a model and a terminology of one's own, by name."""
        if self._held is not None:
            yield from self._held.items()
            return
        if self.model is not None:
            for name in model_files(Path(self.model)):
                yield f"{_MODEL}/{name}", (Path(self.model) / name).read_bytes()
        if self.terminology is not None:
            yield _TERMINOLOGY, Path(self.terminology).read_bytes()

    def _unpacked(self, files: Mapping[str, bytes]) -> Path:
        """Write files into a folder that is gone with the component or with this process."""
        folder = Path(tempfile.mkdtemp(prefix="farmaner-"))
        multiprocessing_util.Finalize(self, shutil.rmtree, (folder, True), exitpriority=0)
        for name, data in files.items():
            _write(folder, name, data)
        return folder


def _write(folder: Path, name: str, data: bytes) -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return name


def _document(doc: Any) -> Document:
    return Document("", doc.text)


def _as_it_is(document: Document) -> Document:
    return document


def _row(entity: Entity) -> dict[str, Any]:
    """Return an entity as plain values, which a Doc takes along wherever it is written."""
    concept = entity.concept
    return {
        "label": entity.label,
        "start": entity.start,
        "end": entity.end,
        "score": entity.score,
        "code": concept and concept.code,
        "code_score": concept and concept.score,
    }


def _report(counts: Counter[str]) -> None:
    if counts["n_widened"] or counts["n_left_out"]:
        _log.info(
            "%d documents, %d entities, %d widened to whole tokens, %d not in doc.ents",
            *(counts[name] for name in ("n_documents", "n_entities", "n_widened", "n_left_out")),
        )


# What the attributes of Docs and Spans give. Those of a Span go by label and tokens, for spaCy
# keeps values by place alone, where an entity of another component may be too.


def _entities(doc: Any) -> tuple[Entity, ...] | None:
    """Return the entities that were found in a Doc; None where it was not read."""
    rows = doc.user_data.get(_ENTITIES)
    if rows is None:
        return None
    text = Document("", doc.text)
    return tuple(
        text.entity(
            row["label"],
            row["start"],
            row["end"],
            score=row["score"],
            concept=None if row["code"] is None else Concept(row["code"], row["code_score"]),
        )
        for row in rows
    )


def _counts(doc: Any) -> dict[str, int] | None:
    """Return `n_entities`, `n_widened` and `n_left_out` of a Doc; None where it was not read."""
    counts: dict[str, int] | None = doc.user_data.get(_COUNTS)
    return counts


def _value(name: str, span: Any) -> Any:
    """Return a score or a code of the entity that a Span stands for; None where it has none."""
    for row in span.doc.user_data.get(_ENTITIES, ()):
        start, end = row["start"], row["end"]
        if row["label"] == span.label_ and span.start_char <= start and end <= span.end_char:
            whole = span.doc.char_span(start, end, alignment_mode="expand")
            if (whole.start, whole.end) == (span.start, span.end):
                return row[name]
    return None


def _add_attributes() -> None:
    """Register the attributes of Doc and Span; one that another library has put there stays."""
    for name, getter in ((_ENTITIES, _entities), (_COUNTS, _counts)):
        if not Doc.has_extension(name):
            Doc.set_extension(name, getter=getter)
    for name in _SPAN_ATTRIBUTES:
        if not Span.has_extension(name):
            Span.set_extension(name, getter=partial(_value, name))
