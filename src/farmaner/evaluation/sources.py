"""What scoring compares, taken from folders on disk or from documents in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import TypeAlias

from farmaner.document import Document, Entity
from farmaner.errors import CorpusError, UnsupportedError
from farmaner.formats.brat import read_ann
from farmaner.formats.indexing import document_codes, read_indexing

NerItem: TypeAlias = tuple[str, int, int]
Source: TypeAlias = Path | Document
Documents: TypeAlias = Path | str | Iterable[Document]


def sources_by_id(documents: Documents, suffix: str, side: str) -> dict[str, Source]:
    """Return each document's file or value under its id; a file's id is its stem.

    Files of another suffix and hidden files are no documents. `side` ("gold" or "system") is
    for messages. CorpusError where there is no document, or an id comes twice.
    """
    if isinstance(documents, (str, Path)):
        return _files_by_id(Path(documents), suffix, side)
    by_id: dict[str, Source] = {}
    for document in documents:
        if document.id in by_id:
            raise CorpusError(f"{side}: expected each document once, found {document.id} again")
        by_id[document.id] = document
    if not by_id:
        raise CorpusError(f"{side}: expected documents, found none")
    return by_id


def gold_suffix(gold: Documents, dropped_labels: Set[str]) -> str:
    """Return which files of a gold folder hold its codes: `.ann` where there is any, or `.tsv`.

    UnsupportedError where that is `.tsv` and labels are to be dropped.
    """
    if not isinstance(gold, (str, Path)) or _files(Path(gold), ".ann"):
        return ".ann"
    if dropped_labels and _files(Path(gold), ".tsv"):
        raise UnsupportedError(
            f"{gold}: expected brat .ann files, because these rules drop the codes of "
            f"{', '.join(sorted(dropped_labels))} entities; found .tsv files, which have no "
            "labels: give the brat folder, or use the standalone rules"
        )
    return ".tsv"


def ner_items(source: Source, dropped_labels: Set[str]) -> frozenset[NerItem]:
    """Return a document's (label, start, end), less the dropped labels.

    UnsupportedError on a discontinuous entity, whatever its label.
    """
    entities = source.entities if isinstance(source, Document) else read_ann(source).entities
    for entity in entities:
        if entity.discontinuous:
            raise UnsupportedError(
                f"{_place(source)}: {entity.id or entity.label}: expected an entity of one span, "
                f"which is all that PharmaCoNER scores, found {len(entity.fragments)} fragments "
                f"over {entity.start}-{entity.end}"
            )
    return frozenset(entity.key for entity in entities if entity.label not in dropped_labels)


def gold_codes(source: Source, dropped_labels: Set[str]) -> frozenset[str]:
    """Return a document's codes, less those that only entities of dropped labels carry.

    Where brat holds several AnnotatorNotes about an entity, each is a code: an entity's concept
    is the first, the others stand among the document's `other_lines`.
    """
    if isinstance(source, Path) and source.suffix == ".tsv":
        return frozenset(read_indexing(source))
    annotated = source if isinstance(source, Document) else read_ann(source)
    coded = entity_codes(annotated.entities, annotated.other_lines)
    return frozenset(code for entity, code in coded if entity.label not in dropped_labels)


def entity_codes(
    entities: Iterable[Entity], other_lines: Iterable[str]
) -> Iterator[tuple[Entity, str]]:
    """Yield entities with their codes, each pair once: the concept, and what other notes say."""
    notes: dict[str | None, list[str]] = {}
    for id_, code in _notes(other_lines):
        notes.setdefault(id_, []).append(code)
    for entity in entities:
        own = [entity.concept.code] if entity.concept else []
        for code in dict.fromkeys([*own, *notes.get(entity.id, ())]):
            yield entity, code


def system_codes(source: Source) -> frozenset[str]:
    """Return a document's codes, unfiltered: of a `.tsv` file, or of the entities' concepts."""
    return frozenset(
        document_codes(source) if isinstance(source, Document) else read_indexing(source)
    )


def _notes(other_lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield entity id and code of lines such as `#2<TAB>AnnotatorNotes T1<TAB>code`."""
    for line in other_lines:
        match line.split("\t", 2):
            case [_, about, code] if about.startswith("AnnotatorNotes ") and code.strip():
                yield about.removeprefix("AnnotatorNotes "), code.strip()


def _place(source: Source) -> str:
    return source.id if isinstance(source, Document) else str(source)


def _files(folder: Path, suffix: str) -> list[Path]:
    found = folder.glob(f"*{suffix}")
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def _files_by_id(folder: Path, suffix: str, side: str) -> dict[str, Source]:
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise CorpusError(f"{folder}: expected a {side} folder, found {found} there")
    files = _files(folder, suffix)
    if not files:
        raise CorpusError(
            f"{folder}: expected {suffix} files of the {side}, found none among "
            f"{sum(1 for _ in folder.iterdir())} files"
        )
    return {path.stem: path for path in files}
