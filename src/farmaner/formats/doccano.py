"""doccano: JSON Lines, `{"text": ..., "label": [[start, end, "LABEL"], ...]}`.

Offsets count UTF-16 code units, as doccano's editor does and as its server stores and exports
them (doccano/v-annotator, `Text.ts`; doccano #2290); projects that count grapheme clusters are
not read. The document's id is under `document_id`, which doccano keeps and gives back. Reading
also takes `labels`, the `entities` of JSONL(relation), and for the id doccano's own `id`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from farmaner.document import Document, Entity
from farmaner.errors import OffsetError
from farmaner.formats.files import read_text, write_parts
from farmaner.formats.losses import Holds, Losses, fit
from farmaner.formats.reading import Where, entity_at, need, need_object
from farmaner.formats.utf16 import Utf16Offsets

HOLDS = Holds(scores=False, codes=False, code_scores=False, fragments=False)


def read_doccano(path: Path | str) -> list[Document]:
    """Read the documents of a file; FormatError with the line for what is none."""
    lines = enumerate(read_text(path).removeprefix("\ufeff").split("\n"), start=1)
    return [_document(line, Where(path, number)) for number, line in lines if line.strip()]


def write_doccano(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write documents to a file, complete or not at all, and return what it cannot hold."""
    losses: Losses = Counter()
    write_parts(Path(path), (_line(fit(document, HOLDS, losses)) for document in documents))
    return losses


def _line(document: Document) -> str:
    to_utf16 = Utf16Offsets(document.text).to_utf16
    labels = [[to_utf16(e.start), to_utf16(e.end), e.label] for e in document.entities]
    row = {"document_id": document.id, "text": document.text, "label": labels}
    return json.dumps(row, ensure_ascii=False) + "\n"


def _document(line: str, where: Where) -> Document:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise where.error("a JSON object", "something else") from None
    row = need_object(value, where)
    text = need(row, "text", str, where)
    id_ = row.get("document_id", row.get("id", where.line))
    units = Utf16Offsets(text)
    entities = tuple(_entity(triple, text, units, where) for triple in _triples(row, where))
    return Document(str(id_), text, entities)


def _triples(row: dict[str, Any], where: Where) -> list[Any]:
    for key in ("label", "labels"):
        if key in row:
            return need(row, key, list, where)
    entities = need(row, "entities", list, where) if "entities" in row else []
    rows = [need_object(entity, where) for entity in entities]
    return [[row.get("start_offset"), row.get("end_offset"), row.get("label")] for row in rows]


def _entity(triple: object, text: str, units: Utf16Offsets, where: Where) -> Entity:
    if not isinstance(triple, list) or [type(value) for value in triple] != [int, int, str]:
        raise where.error("[start, end, label] for an entity", "something else")
    start, end, label = triple
    try:
        span = (units.to_code_points(start), units.to_code_points(end))
    except OffsetError as error:
        raise where.error("UTF-16 offsets of whole characters", f"others: {error}") from None
    return entity_at(text, [span], label, where)
