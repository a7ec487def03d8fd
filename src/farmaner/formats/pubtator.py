"""PubTator: `ID|t|title`, `ID|a|abstract`, then `ID<TAB>start<TAB>end<TAB>text<TAB>label<TAB>code`.

Offsets count code points over the title, one character, and the abstract
(ncbi.nlm.nih.gov/CBBresearch/Lu/Demo/tmTools/Format.html). A document's first line is the
title, the rest the abstract; line ends but the first become spaces, one for one, so that offsets
stay. Of a text of one line the abstract is empty and the title is all of it. A blank line ends a
document. Relations and other lines are passed over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from farmaner.document import Concept, Document
from farmaner.errors import UnsupportedError
from farmaner.formats.alignment import flatten
from farmaner.formats.files import read_text, write_parts
from farmaner.formats.losses import Holds, Loss, Losses, fit
from farmaner.formats.reading import Where, bare_entity, place_written

HOLDS = Holds(scores=False, code_scores=False, fragments=False)
_PART = re.compile(r"([^|\t]*)\|([ta])\|(.*)", re.DOTALL)
_LINE_ENDS = re.compile("[\r\n]")


def read_pubtator(path: Path | str) -> list[Document]:
    """Read the documents of a file.

    Offsets that count otherwise are realigned by the text column. FormatError with the line for
    an entity that has no place, for a document without title and for ids that differ in one.
    """
    return [_document(lines, path) for lines in _blocks(read_text(path).removeprefix("\ufeff"))]


def write_pubtator(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write documents to a file, complete or not at all, and return what it cannot hold.

    UnsupportedError for an id, a label or a code that would break a line.
    """
    losses: Losses = Counter()
    write_parts(Path(path), _parts(documents, losses))
    return losses


_Lines = list[tuple[int, str]]


def _blocks(text: str) -> Iterator[_Lines]:
    block: _Lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        if line:
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _document(lines: _Lines, path: Path | str) -> Document:
    head = [_PART.fullmatch(line) for _, line in lines[:2]]
    title, abstract = head[0], head[1] if len(head) > 1 else None
    if title is None or title[2] != "t":
        raise Where(path, lines[0][0]).error("a title, ID|t|...", "another line")
    id_, text = title[1], title[3]
    n_read = 1
    if abstract is not None and abstract[2] == "a":
        n_read = 2
        if abstract[1] != id_:
            raise Where(path, lines[1][0]).error("the title's id", "another")
        text += f"\n{abstract[3]}" if abstract[3] else ""
    written, where = [], []
    for number, line in lines[n_read:]:
        fields = line.split("\t")
        place = Where(path, number)
        if fields[0] != id_ or len(fields) < 4:
            raise place.error("the title's id and tabs", "another line")
        if len(fields) < 5:  # a relation
            continue
        if not (fields[1].isdecimal() and fields[2].isdecimal()):
            raise place.error("two offsets after the id", "something else")
        code = fields[5] if len(fields) > 5 and fields[5] not in ("", "-") else None
        concept = None if code is None else Concept(code)
        span = (int(fields[1]), int(fields[2]))
        written.append((bare_entity([span], fields[4], place, concept=concept), fields[3]))
        where.append(place)
    return Document(id_, text, place_written(text, written, where))


def _parts(documents: Iterable[Document], losses: Losses) -> Iterator[str]:
    for document in documents:
        document = fit(document, HOLDS, losses)
        id_ = document.id
        codes = [entity.concept.code for entity in document.entities if entity.concept]
        for value in (id_, *(entity.label for entity in document.entities), *codes):
            if not value or set(value) & set("\t\r\n") or (value is id_ and "|" in value):
                raise UnsupportedError(
                    f"{id_!r}: expected an id, labels and codes without tabs, line ends and, in "
                    "the id, |, found another"
                )
        title, _, rest = document.text.partition("\n")
        if not rest:  # a line end that is the last character stays in the title
            title = document.text
        losses[Loss.LINE_END] += len(_LINE_ENDS.findall(title + rest))
        title, abstract = (_LINE_ENDS.sub(" ", part) for part in (title, rest))
        yield f"{id_}|t|{title}\n{id_}|a|{abstract}\n"
        for entity in document.entities:
            code = "" if entity.concept is None else entity.concept.code
            fields = (id_, entity.start, entity.end, flatten(entity.text), entity.label, code)
            yield "\t".join(map(str, fields)).removesuffix("\t") + "\n"
        yield "\n"
