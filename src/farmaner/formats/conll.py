"""CoNLL with offsets: a word a line, `word<TAB>document<TAB>start_end<TAB>tag`, IOB2 tags.

The form in which the Barcelona Supercomputing Center distributes PharmaCoNER for token
classification. A blank line ends a sentence; the second column says where a document ends.

The file has the words and their places, not the white space between them. The text is rebuilt
so: a space for each character between two words, but a line end for the last one before a new
sentence. What came after the last word is lost.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from farmaner.document import Document, Span
from farmaner.errors import UnsupportedError
from farmaner.formats.files import read_text, write_parts
from farmaner.formats.losses import Loss, Losses
from farmaner.formats.reading import Where
from farmaner.formats.tagged import TaggedWord, read_tags, tag_words

_PLACE = re.compile(r"(\d{1,18})[_-](\d{1,18})", re.ASCII)


def read_conll(path: Path | str) -> list[Document]:
    """Read the documents of a file; FormatError with the line for anything else than words."""
    return [_document(id_, lines) for id_, lines in _blocks(read_text(path), path).items()]


def write_conll(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write documents to a file, complete or not at all, and return what it cannot hold.

    UnsupportedError for an id or a label with a tab or a line end in it, or an id that comes
    twice.
    """
    losses: Losses = Counter()
    write_parts(Path(path), _parts(documents, losses))
    return losses


_Line = tuple[Where, TaggedWord, bool]  # whether a sentence begins with it


def _blocks(text: str, path: Path | str) -> dict[str, list[_Line]]:
    if text.startswith("\ufeff") and not text.startswith("\ufeff\t"):  # else it is a word
        text = text[1:]
    documents: dict[str, list[_Line]] = {}
    last, begins = "", True
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        if not line:
            begins = True
            continue
        where = Where(path, number)
        fields = line.split("\t")
        if len(fields) != 4:
            raise where.error("a word, a document, start_end and a tag", f"{len(fields)} fields")
        word, id_, place, tag = fields
        if id_ != last and id_ in documents:
            raise where.error("each document in one piece", "more of an earlier one")
        lines = documents.setdefault(id_, [])
        end = lines[-1][1].span.end if lines else 0
        lines.append((where, TaggedWord(word, _place(word, place, end, where), tag), begins))
        last, begins = id_, False
    return documents


def _place(word: str, place: str, after: int, where: Where) -> Span:
    match = _PLACE.fullmatch(place)
    if match is None:
        raise where.error("a place such as 27_46", "another form")
    start, end = int(match[1]), int(match[2])
    if not word or end - start != len(word):
        raise where.error(f"a place of {len(word)} characters", f"one of {end - start}")
    if start < after:
        raise where.error("words in order", "one that begins before the last one's end")
    return Span(start, end)


def _document(id_: str, lines: Sequence[_Line]) -> Document:
    text = _rebuilt([(word, begins) for _, word, begins in lines])
    words = [word for _, word, _ in lines]
    tags = [word.tag for word in words]
    entities = read_tags(text, [word.span for word in words], tags, [line[0] for line in lines])
    return Document(id_, text, entities)


def _rebuilt(words: Iterable[tuple[TaggedWord, bool]]) -> str:
    """Return the text of words, each with whether a sentence begins with it."""
    parts: list[str] = []
    end = 0
    for word, begins in words:
        gap = word.span.start - end
        ends_line = begins and end and gap
        parts += [" " * (gap - 1), "\n"] if ends_line else [" " * gap]
        parts.append(word.text)
        end = word.span.end
    return "".join(parts)


def _parts(documents: Iterable[Document], losses: Losses) -> Iterator[str]:
    seen: set[str] = set()
    for document in documents:
        for value in (document.id, *(entity.label for entity in document.entities)):
            if not value or set(value) & set("\t\r\n"):
                raise UnsupportedError(
                    f"{document.id!r}: expected an id and labels without tabs and line ends, "
                    "found another"
                )
        if document.id in seen:
            raise UnsupportedError(f"{document.id}: expected each id once, found it again")
        seen.add(document.id)
        sentences = tag_words(document, losses)
        losses[Loss.DOCUMENT] += not sentences
        pairs = [(word, not index) for sentence in sentences for index, word in enumerate(sentence)]
        losses[Loss.TEXT] += bool(sentences) and _rebuilt(pairs) != document.text
        for sentence in sentences:
            for word in sentence:
                place = f"{word.span.start}_{word.span.end}"
                yield f"{word.text}\t{document.id}\t{place}\t{word.tag}\n"
            yield "\n"
