"""INCEpTION: UIMA CAS as XMI, a file a document with one `TypeSystem.xml` beside them.

By the library `dkpro-cassis` (extra `inception`), which turns UIMA's UTF-16 offsets into code
points and back. Entities are DKPro Core's NamedEntity, the layer that INCEpTION calls "Named
entity": `value` is the label, `identifier` the code. The file's name is the document's id.
Annotations of other layers are passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from farmaner.document import Concept, Document, Entity
from farmaner.errors import CorpusError, MissingExtraError, UnsupportedError
from farmaner.formats.files import make_folder, read_text, refuse_as_file_name, write_text
from farmaner.formats.losses import Holds, Losses, fit, fit_xml
from farmaner.formats.reading import Where, entity_at

HOLDS = Holds(scores=False, code_scores=False, fragments=False)
_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
_TYPES = "TypeSystem.xml"


def read_inception(path: Path | str) -> list[Document]:
    """Read a folder of `.xmi` files, sorted by id, or one such file; entities in order of place.

    Raises CorpusError for a folder without any, FormatError for what is no CAS.
    """
    cassis, path = _library(), Path(path)
    files = sorted(path.glob("*.xmi")) if path.is_dir() else [path]
    if not files:
        raise CorpusError(f"{path}: expected a folder with .xmi files, found none")
    from lxml.etree import XMLSyntaxError

    types_file = files[0].with_name(_TYPES)
    try:
        types = cassis.load_typesystem(read_text(types_file))
    except (XMLSyntaxError, ValueError, KeyError):
        raise Where(types_file).error("a UIMA type system", "something else") from None
    not_a_cas = (XMLSyntaxError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)
    documents = []
    for file in files:
        try:
            cas = cassis.load_cas_from_xmi(read_text(file), typesystem=types)
        except (*not_a_cas, cassis.typesystem.TypeNotFoundError):
            raise Where(file).error(f"a UIMA CAS of the types in {_TYPES}", "another") from None
        documents.append(_document(cas, file))
    return documents


def write_inception(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write a folder of `.xmi` files, each complete or absent; return what they cannot hold.

    A path that ends in `.xmi` is one file, for one document. Raises CorpusError for an id that
    comes twice or is no file name, UnsupportedError for more documents than the path has room.
    """
    cassis, path = _library(), Path(path)
    types = _types(cassis)
    losses: Losses = Counter()
    single = path.suffix == ".xmi"
    folder = path.parent if single else path
    make_folder(folder)
    write_text(folder / _TYPES, types.to_xml())
    seen: set[str] = set()
    for document in documents:
        refuse_as_file_name(document.id, folder, seen)
        if single and len(seen) > 1:
            raise UnsupportedError(f"{path}: expected one document for a file, found more")
        fitted = fit_xml(fit(document, HOLDS, losses), losses)
        file = path if single else folder / f"{document.id}.xmi"
        try:
            xmi = _to_cas(fitted, cassis, types).to_xmi()
        except ValueError:
            raise UnsupportedError(
                f"{file}: expected labels and codes that XML can hold, found another"
            ) from None
        write_text(file, xmi)
    return losses


def _library() -> Any:
    try:
        import cassis
    except ImportError:
        raise MissingExtraError("dkpro-cassis", "inception") from None
    return cassis


def _types(cassis: Any) -> Any:
    """Return the one type that is written, as DKPro Core has it."""
    types = cassis.TypeSystem()
    entity = types.create_type(_ENTITY)
    for feature in ("value", "identifier"):
        types.create_feature(entity, feature, cassis.typesystem.TYPE_NAME_STRING)
    return types


def _to_cas(document: Document, cassis: Any, types: Any) -> Any:
    cas = cassis.Cas(typesystem=types)
    cas.sofa_string, cas.sofa_mime = document.text, "text/plain"
    kind = types.get_type(_ENTITY)
    for entity in document.entities:
        code = None if entity.concept is None else entity.concept.code
        made = kind(begin=entity.start, end=entity.end, value=entity.label, identifier=code)
        cas.add(made)
    return cas


def _document(cas: Any, file: Path) -> Document:
    text = cas.sofa_string or ""
    where = Where(file)
    if not cas.typesystem.contains_type(_ENTITY):
        return Document(file.stem, text)
    entities = [_entity(made, text, where) for made in cas.select(_ENTITY)]
    return Document(file.stem, text).with_entities(entities)


def _entity(made: Any, text: str, where: Where) -> Entity:
    if not made.value:
        raise where.error("a value for each named entity", "none")
    concept = Concept(made.identifier) if made.identifier else None
    return entity_at(text, [(made.begin, made.end)], made.value, where, concept=concept)
