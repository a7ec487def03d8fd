"""FHIR R4: a Bundle of a DocumentReference for each document and an Observation for each entity.

By the library `fhir.resources` (extra `fhir`), whose R4B models say what R4 and R4B share. Why
these resources: the text is an attachment of a DocumentReference, which is what notes are in
FHIR. That a note names a substance says neither that it was taken (MedicationStatement) nor that
the patient reacts to it (AllergyIntolerance), so the entity is an Observation about the document
(`derivedFrom`): its `code` is the label, its value the code with the surface as text. Where it
was found says HL7's extension `derivation-reference`, one a fragment: offset and length, in code
points; the text beside the code is the surface for people to read, a plain blank in place of those
that FHIR's strings refuse. Scores are components; with a score the status is `preliminary`,
without `final`.
There is no subject: whose note it is, farmaner does not know.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from farmaner.document import Concept, Document, Entity
from farmaner.errors import FormatError, MissingExtraError, UnsupportedError
from farmaner.formats.files import decode_text, read_text, write_parts
from farmaner.formats.losses import Holds, Losses, fit
from farmaner.formats.reading import Where, entity_at

HOLDS = Holds()
DERIVATION = "http://hl7.org/fhir/StructureDefinition/derivation-reference"
LABEL, DOCUMENT = "urn:farmaner:label", "urn:farmaner:document"
# hl7.org/fhir/R4/terminologies-systems.html; a code of another form has farmaner's own system.
_SYSTEMS = (
    (re.compile(r"\d{6,18}", re.ASCII), "http://snomed.info/sct"),
    (re.compile(r"CHEBI:\d+", re.ASCII), "http://purl.obolibrary.org/obo/chebi.owl"),
)
_OTHER_CODE = "urn:farmaner:code"
_SCORES = ("score", "code_score")
_REFUSED_BLANK = re.compile(r"[^ \r\n\t\S]")  # hl7.org/fhir/R4/datatypes.html#string


def read_fhir(path: Path | str) -> list[Document]:
    """Read the documents of a Bundle: its DocumentReferences with a plain text in UTF-8.

    Their entities are the Observations derived from them that have a label of farmaner's; other
    resources are passed over. FormatError for anything else.
    """
    bundle_type, _, _ = _models()
    from pydantic import ValidationError

    where = Where(path)
    try:
        bundle = bundle_type.model_validate_json(read_text(path).removeprefix("\ufeff"))
    except (ValidationError, ValueError):
        raise where.error("a FHIR R4 Bundle", "something else") from None
    documents: dict[str, Document] = {}
    entities: dict[str, list[Entity]] = {}
    for number, entry in enumerate(bundle.entry or [], start=1):
        resource = entry.resource
        kind = None if resource is None else resource.get_resource_type()
        if kind == "DocumentReference":
            url = entry.fullUrl or f"DocumentReference/{resource.id}"
            documents[url] = _document(resource, Where(path, part=f"entry {number}"))
    for number, entry in enumerate(bundle.entry or [], start=1):
        resource = entry.resource
        if resource is None or resource.get_resource_type() != "Observation":
            continue
        label = next((c.code for c in resource.code.coding or [] if c.system == LABEL), None)
        source = next((one.reference for one in resource.derivedFrom or []), None)
        if label is None or source not in documents:
            continue
        there = Where(path, part=f"entry {number}")
        found = _entity(resource, label, documents[source].text, there)
        entities.setdefault(source, []).append(found)
    return [
        Document(document.id, document.text, tuple(entities.get(url, ())))
        for url, document in documents.items()
    ]


def write_fhir(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write documents to a Bundle, complete or not at all, and return what it cannot hold.

    UnsupportedError for an id, a label or a code that FHIR cannot hold.
    """
    losses: Losses = Counter()
    write_parts(Path(path), _parts(fit(document, HOLDS, losses) for document in documents))
    return losses


def _models() -> tuple[Any, Any, Any]:
    try:
        from fhir.resources.R4B.bundle import Bundle
        from fhir.resources.R4B.documentreference import DocumentReference
        from fhir.resources.R4B.observation import Observation
    except ImportError:
        raise MissingExtraError("fhir.resources", "fhir") from None
    return Bundle, DocumentReference, Observation


def _parts(documents: Iterable[Document]) -> Iterator[str]:
    _, reference_type, observation_type = _models()
    from pydantic import ValidationError

    yield '{"resourceType": "Bundle", "type": "collection"'
    before = ', "entry": [\n'
    for number, document in enumerate(documents):
        url = uuid.uuid5(uuid.NAMESPACE_URL, f"{DOCUMENT}:{number}:{document.id}").urn
        resources = [(url, _reference(document), reference_type)]
        for place, entity in enumerate(document.entities):
            made = _observation(entity, url)
            resources.append((uuid.uuid5(uuid.UUID(url), str(place)).urn, made, observation_type))
        for full_url, resource, model in resources:
            try:
                model.model_validate(resource)
            except (ValidationError, ValueError):
                raise UnsupportedError(
                    f"{document.id!r}: expected an id, labels and codes that FHIR can hold, "
                    "found another"
                ) from None
            entry = {"fullUrl": full_url, "resource": resource}
            yield before + json.dumps(entry, ensure_ascii=False)
            before = ",\n"
    yield "}\n" if before.startswith(", ") else "\n]}\n"


def _reference(document: Document) -> dict[str, Any]:
    attachment: dict[str, Any] = {"contentType": "text/plain; charset=utf-8"}
    try:
        data = document.text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UnsupportedError(
            f"{document.id}: expected text that UTF-8 can hold, found a lone surrogate at "
            f"character {error.start}"
        ) from None
    if data:  # FHIR has no empty values
        attachment["data"] = base64.b64encode(data).decode("ascii")
    return {
        "resourceType": "DocumentReference",
        "identifier": [{"system": DOCUMENT, "value": document.id}],
        "status": "current",
        "content": [{"attachment": attachment}],
    }


def _observation(entity: Entity, url: str) -> dict[str, Any]:
    value: dict[str, Any] = {"text": _REFUSED_BLANK.sub(" ", entity.text)}
    concept = entity.concept
    if concept is not None:
        system = next((s for form, s in _SYSTEMS if form.fullmatch(concept.code)), _OTHER_CODE)
        value["coding"] = [{"system": system, "code": concept.code}]
    scores = (entity.score, None if concept is None else concept.score)
    components = [
        {"code": {"text": name}, "valueQuantity": {"value": score}}
        for name, score in zip(_SCORES, scores, strict=True)
        if score is not None
    ]
    observation = {
        "resourceType": "Observation",
        "extension": [
            {
                "url": DERIVATION,
                "extension": [
                    {"url": "reference", "valueReference": {"reference": url}},
                    {"url": "offset", "valueInteger": span.start},
                    {"url": "length", "valueInteger": len(span)},
                ],
            }
            for span in entity.fragments or (entity.span,)
        ],
        "status": "final" if entity.score is None else "preliminary",
        "code": {"coding": [{"system": LABEL, "code": entity.label}]},
        "valueCodeableConcept": value,
        "derivedFrom": [{"reference": url}],
    }
    return observation | ({"component": components} if components else {})


def _document(resource: Any, where: Where) -> Document:
    attachment = resource.content[0].attachment
    content_type = (attachment.contentType or "").replace(" ", "").lower()
    if content_type not in ("text/plain", "text/plain;charset=utf-8") or attachment.url:
        raise where.error("an attached text/plain in UTF-8", "another attachment")
    ours = [one.value for one in resource.identifier or [] if one.system == DOCUMENT]
    others = [one.value for one in resource.identifier or [] if one.value]
    id_ = next(iter(ours + others), None) or resource.id or ""
    try:
        text = decode_text(attachment.data or b"", where.part)
    except FormatError as error:
        raise where.error(error.expected, error.found) from None
    return Document(id_, text)


def _entity(resource: Any, label: str, text: str, where: Where) -> Entity:
    spans = []
    for extension in resource.extension or []:
        if extension.url == DERIVATION:
            parts = {part.url: part.valueInteger for part in extension.extension or []}
            start, length = parts.get("offset"), parts.get("length")
            if start is None or length is None:
                raise where.error("offset and length in derivation-reference", "one missing")
            spans.append((start, start + length))
    if not spans:
        raise where.error("an extension derivation-reference", "none")
    scores = {
        part.code.text: float(part.valueQuantity.value)
        for part in resource.component or []
        if part.code.text in _SCORES and part.valueQuantity is not None
    }
    value = resource.valueCodeableConcept
    codings = [] if value is None else value.coding or []
    concept = Concept(codings[0].code, scores.get("code_score")) if codings else None
    return entity_at(text, spans, label, where, score=scores.get("score"), concept=concept)
