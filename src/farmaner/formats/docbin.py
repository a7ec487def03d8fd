"""spaCy's DocBin (extra `spacy`): the tokens, spans and texts that `spacy train` reads.

A document's tokens are our words, cut where an entity begins or ends inside one, and its white
space, so that text and offsets are exact; its entities are set as in `spacy_doc`, and its id is in
`doc.user_data["id"]`. Reading takes the span group, and `doc.ents` of a file that has none;
documents without an id are `FILE-1` and so on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from farmaner.document import Concept, Document
from farmaner.formats.files import read_bytes, write_bytes
from farmaner.formats.losses import Holds, Losses, fit
from farmaner.formats.reading import Where, entity_at
from farmaner.formats.spacy_doc import GROUP, set_entities, spacy_library
from farmaner.text import split_words

HOLDS = Holds(fragments=False)


def read_docbin(path: Path | str) -> list[Document]:
    """Read the documents of a `.spacy` file; FormatError for another."""
    spacy = spacy_library()
    data = read_bytes(path)
    try:
        docs = list(spacy.tokens.DocBin().from_bytes(data).get_docs(spacy.blank("es").vocab))
    except Exception as error:  # zlib, msgpack and spaCy each raise their own
        raise Where(path).error("a spaCy DocBin", type(error).__name__) from None
    return [_document(doc, f"{Path(path).stem}-{n}", path) for n, doc in enumerate(docs, start=1)]


def write_docbin(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write documents to a `.spacy` file, complete or not at all; return what it cannot hold."""
    spacy = spacy_library()
    losses: Losses = Counter()
    vocab = spacy.blank("es").vocab
    docs = spacy.tokens.DocBin(store_user_data=True)
    for document in documents:
        docs.add(_to_doc(fit(document, HOLDS, losses), vocab, spacy))
    write_bytes(Path(path), docs.to_bytes())
    return losses


def _to_doc(document: Document, vocab: Any, spacy: Any) -> Any:
    words: list[str] = []
    spaces: list[bool] = []
    for start, end, space in _tokens(document):
        words.append(document.text[start:end])
        spaces.append(space)
    doc = spacy.tokens.Doc(vocab, words=words, spaces=spaces)
    doc.user_data["id"] = document.id
    set_entities(doc, document.entities)
    return doc


def _tokens(document: Document) -> Iterator[tuple[int, int, bool]]:
    """Yield start and end of each token, and whether the space after it belongs to it."""
    text = document.text
    first = {entity.start for entity in document.entities}
    last = {entity.end for entity in document.entities}
    cuts = {0, len(text), *first, *last}
    for start, end in split_words(text).pairs():
        cuts |= {start, end}
    for match in re.finditer(r"(?<=\S) ", text):  # a space that a token before it may own
        cuts |= {match.start(), match.end()}
    ordered = sorted(cuts)
    place = 0
    while place < len(ordered) - 1:
        start, end = ordered[place : place + 2]
        place += 1
        owns = text[end : end + 1] == " " and not text[start:end].isspace()
        if owns and end not in first and end + 1 not in last:
            place += 1  # past the space, which is cut off on both sides
            yield start, end, True
        else:
            yield start, end, False


def _document(doc: Any, unnamed: str, path: Path | str) -> Document:
    where = Where(path, part=unnamed)
    group = doc.spans.get(GROUP)
    spans = list(doc.ents if group is None else group)
    attrs = {} if group is None else group.attrs
    scores, code_scores = (
        attrs.get(name) or [None] * len(spans) for name in ("scores", "code_scores")
    )
    if len(scores) != len(spans) or len(code_scores) != len(spans):
        raise where.error("a score for each span of the group", f"{len(scores)} of {len(spans)}")
    entities = []
    for span, score, code_score in zip(spans, scores, code_scores, strict=True):
        concept = Concept(span.kb_id_, code_score) if span.kb_id_ else None
        place = [(span.start_char, span.end_char)]
        entities.append(
            entity_at(doc.text, place, span.label_, where, score=score, concept=concept)
        )
    return Document(str(doc.user_data.get("id", unnamed)), doc.text, tuple(entities))
