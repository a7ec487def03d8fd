"""BioC, as XML and as JSON (Comeau et al. 2013), by the library `bioc` (extra `bioc`).

A document is one passage at offset 0; offsets count code points, as the library and the PubTator
service do. An annotation's infons are `type` (the label), `identifier` (the code), `score` and
`code_score`; a discontinuous entity has several locations. Reading puts passages and sentences
at their offsets and fills what lies between passages with line ends, between sentences with
spaces. Relations are passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from farmaner.document import Concept, Document, Entity
from farmaner.errors import MissingExtraError, UnsupportedError
from farmaner.formats.files import read_text, write_text
from farmaner.formats.losses import Holds, Losses, fit, fit_xml
from farmaner.formats.reading import Where, bare_entity, place_written

HOLDS = Holds()


def read_bioc_xml(path: Path | str) -> list[Document]:
    """Read the documents of an XML file; FormatError for anything that is no BioC."""
    _require_library()
    from bioc import biocxml
    from lxml.etree import XMLSyntaxError

    try:
        collection = biocxml.loads(read_text(path).removeprefix("\ufeff"))
    except XMLSyntaxError as error:
        raise Where(path, error.lineno).error("BioC XML", "broken XML") from None
    except (TypeError, ValueError, KeyError):
        raise Where(path).error("BioC XML", "numbers or attributes missing") from None
    return [_document(document, path) for document in collection.documents]


def read_bioc_json(path: Path | str) -> list[Document]:
    """Read the documents of a JSON file; FormatError for anything that is no BioC."""
    _require_library()
    from bioc import biocjson

    try:
        collection = biocjson.loads(read_text(path).removeprefix("\ufeff"))
        return [_document(document, path) for document in collection.documents]
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        raise Where(path).error("BioC JSON", "something else") from None


def write_bioc_xml(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write documents to an XML file, complete or not at all, and return what it cannot hold."""
    _require_library()
    from bioc import biocxml

    losses: Losses = Counter()
    fitted = (fit_xml(fit(document, HOLDS, losses), losses) for document in documents)
    _write(fitted, path, biocxml.dumps)
    return losses


def write_bioc_json(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write documents to a JSON file, complete or not at all, and return what it cannot hold."""
    _require_library()
    from bioc import biocjson

    losses: Losses = Counter()
    fitted = (fit(document, HOLDS, losses) for document in documents)
    _write(fitted, path, lambda collection: biocjson.dumps(collection, ensure_ascii=False) + "\n")
    return losses


def _require_library() -> None:
    try:
        import bioc  # noqa: F401
    except ImportError:
        raise MissingExtraError("bioc", "bioc") from None


def _write(documents: Iterable[Document], path: Path | str, dumps: Callable[[Any], str]) -> None:
    import bioc

    collection = bioc.BioCCollection()
    collection.source, collection.date, collection.key = "farmaner", "", "farmaner"
    for document in documents:
        collection.add_document(_to_bioc(document))
    try:
        text = dumps(collection)
    except ValueError:
        raise UnsupportedError(
            f"{path}: expected ids, labels and codes that XML can hold, found another"
        ) from None
    write_text(Path(path), text)


def _to_bioc(document: Document) -> Any:
    import bioc

    passage = bioc.BioCPassage()
    passage.offset, passage.text = 0, document.text
    for number, entity in enumerate(document.entities):
        annotation = bioc.BioCAnnotation()
        annotation.id, annotation.text = str(number), entity.text
        annotation.infons["type"] = entity.label
        if entity.concept is not None:
            annotation.infons["identifier"] = entity.concept.code
            if entity.concept.score is not None:
                annotation.infons["code_score"] = str(entity.concept.score)
        if entity.score is not None:
            annotation.infons["score"] = str(entity.score)
        for span in entity.fragments or (entity.span,):
            annotation.add_location(bioc.BioCLocation(span.start, len(span)))
        passage.add_annotation(annotation)
    made = bioc.BioCDocument()
    made.id = document.id
    made.add_passage(passage)
    return made


def _document(made: Any, path: Path | str) -> Document:
    where = Where(path, part=f"document {made.id}")
    text = _text(made.passages, where)
    annotations = list(_annotations(made))
    written = [(_entity(one, where), one.text) for one in annotations]
    return Document(made.id or "", text, place_written(text, written, [where] * len(written)))


def _annotations(made: Any) -> Iterator[Any]:
    yield from made.annotations
    for passage in made.passages:
        yield from passage.annotations
        for sentence in passage.sentences:
            yield from sentence.annotations


def _text(passages: Iterable[Any], where: Where) -> str:
    text = ""
    for passage in passages:
        filling = "\n"
        for part in [passage] if passage.text else passage.sentences:
            text = _put(text, part.offset, part.text or "", filling, where)
            filling = " "
    return text


def _put(before: str, offset: int, text: str, filling: str, where: Where) -> str:
    if not text:
        return before
    if offset < len(before):
        raise where.error(f"a passage at offset {len(before)} or later", f"one at {offset}")
    return before + filling * (offset - len(before)) + text


def _entity(annotation: Any, where: Where) -> Entity:
    infons = annotation.infons
    spans = sorted((one.offset, one.offset + one.length) for one in annotation.locations)
    code = infons.get("identifier")
    try:
        score, code_score = (_number(infons.get(name)) for name in ("score", "code_score"))
    except ValueError:
        raise where.error("a number as score", "something else") from None
    concept = Concept(code, code_score) if code else None
    return bare_entity(spans, infons.get("type") or "", where, score=score, concept=concept)


def _number(value: str | None) -> float | None:
    return None if value is None else float(value)
