"""Label Studio: a JSON list of tasks, for a labeling config with `<Text>` and `<Labels>`.

    <View><Labels name="label" toName="text"><Label value="PROTEINAS"/></Labels>
    <Text name="text" value="$text"/></View>

Offsets of a Text region count code points, CR and LF as one each (the editor's
`selection-tools.js`; old exports count UTF-16 code units, label-studio #1347). Since each region
says its text, either is read. A document with a score is written as `predictions`, one without
as `annotations`; of several annotations the first that was not cancelled is read, else the first
prediction. A code stands in the region's note, `meta.text`, where the editor shows it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from farmaner.document import Concept, Document, Entity
from farmaner.formats.files import read_text, write_parts
from farmaner.formats.losses import Holds, Losses, fit
from farmaner.formats.reading import (
    Where,
    bare_entity,
    need,
    need_object,
    optional_number,
    place_written,
)

HOLDS = Holds(fragments=False)
_NOTE = "code_score"


def read_label_studio(path: Path | str) -> list[Document]:
    """Read the tasks of a file, the text of each under `text` in its `data`.

    Regions without labels (choices, relations) are passed over. FormatError with the number of
    the task for anything else.
    """
    try:
        tasks = json.loads(read_text(path).removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        raise Where(path).error("a JSON list of tasks", "something else") from None
    if not isinstance(tasks, list):
        raise Where(path).error("a JSON list of tasks", "something else")
    return [
        _document(task, number, Where(path, part=f"task {number}"))
        for number, task in enumerate(tasks, start=1)
    ]


def write_label_studio(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write documents to a file, complete or not at all, and return what it cannot hold."""
    losses: Losses = Counter()
    write_parts(Path(path), _parts(fit(document, HOLDS, losses) for document in documents))
    return losses


def _parts(documents: Iterable[Document]) -> Iterator[str]:
    before = "[\n"
    for document in documents:
        yield before + json.dumps(_task(document), ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _task(document: Document) -> dict[str, Any]:
    regions = [_region(entity, number) for number, entity in enumerate(document.entities)]
    predicted = any(entity.score is not None for entity in document.entities)
    key = "predictions" if predicted else "annotations"
    return {"data": {"id": document.id, "text": document.text}, key: [{"result": regions}]}


def _region(entity: Entity, number: int) -> dict[str, Any]:
    region: dict[str, Any] = {
        "id": f"e{number}",
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "value": {
            "start": entity.start,
            "end": entity.end,
            "text": entity.text,
            "labels": [entity.label],
        },
    }
    if entity.score is not None:
        region["score"] = entity.score
    if entity.concept is not None:
        region["meta"] = {"text": [entity.concept.code]}
        if entity.concept.score is not None:
            region["meta"][_NOTE] = entity.concept.score
    return region


def _document(value: object, number: int, where: Where) -> Document:
    task = need_object(value, where)
    data = need(task, "data", dict, where)
    text = need(data, "text", str, where)
    id_ = data.get("id", task.get("id", number))
    written = [
        pair
        for region in _regions(task, where)
        for pair in _read_region(need_object(region, where), text, where)
    ]
    return Document(str(id_), text, place_written(text, written, [where] * len(written)))


def _regions(task: dict[str, Any], where: Where) -> list[Any]:
    for key in ("annotations", "completions", "predictions"):
        for answer in task.get(key) or []:
            answer = need_object(answer, where)
            if not answer.get("was_cancelled"):
                return need(answer, "result", list, where)
    return []


def _read_region(
    region: dict[str, Any], text: str, where: Where
) -> Iterator[tuple[Entity, str | None]]:
    value = region.get("value")
    if not isinstance(value, dict) or "labels" not in value:
        return
    span = (need(value, "start", int, where), need(value, "end", int, where))
    surface = value.get("text")
    if isinstance(surface, str) and "\\n" in surface and surface != text[slice(*span)]:
        surface = surface.replace("\\n", "\n")  # how the editor writes a line end inside
    score = optional_number(region, "score", where)
    concept = _concept(region.get("meta"), where)
    for label in need(value, "labels", list, where):
        entity = bare_entity([span], str(label), where, score=score, concept=concept)
        yield entity, surface if isinstance(surface, str) else None


def _concept(meta: object, where: Where) -> Concept | None:
    if not isinstance(meta, dict) or not meta.get("text"):
        return None
    notes = meta["text"] if isinstance(meta["text"], list) else [meta["text"]]
    return Concept(str(notes[0]), optional_number(meta, _NOTE, where))
