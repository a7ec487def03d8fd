"""IOB2 in two columns: a word a line, `word<TAB>tag`, a blank line after a sentence.

A line `# newdoc id = ID` (as in CoNLL-U) or `-DOCSTART-` (as in CoNLL-2003) begins a document,
and blank lines then part its sentences. In a file with neither every block between blank lines
is a document of its own.

The file has no offsets, so the text is rebuilt: the words of a sentence joined by one space,
without one before `, . ; : ) ] } % ? ! » ”` and after `( [ { ¿ ¡ « “`; sentences joined by a
line end. Offsets are those of the text so rebuilt. Documents without an id are `FILE-1`,
`FILE-2` and so on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from farmaner.document import Document, Span
from farmaner.errors import UnsupportedError
from farmaner.formats.files import read_text, write_parts
from farmaner.formats.losses import Loss, Losses
from farmaner.formats.reading import Where
from farmaner.formats.tagged import read_tags, tag_words

_NEW = "# newdoc id = "
_START = "-DOCSTART-"
_CLOSING = frozenset(",.;:)]}%?!»”")
_OPENING = frozenset("([{¿¡«“")


@dataclass(slots=True)
class _Block:
    """The words of one document as they are read: sentences of (word, tag, line)."""

    id: str
    sentences: list[list[tuple[str, str, int]]] = field(default_factory=lambda: [[]])


def read_iob2(path: Path | str) -> list[Document]:
    """Read the documents of a file; FormatError with the line for anything else than words."""
    blocks = _blocks(read_text(path).removeprefix("\ufeff"), Path(path))
    return [_document(block, path) for block in blocks]


def write_iob2(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write documents to a file, complete or not at all, and return what it cannot hold.

    UnsupportedError for an id or a label with a tab or a line end in it.
    """
    losses: Losses = Counter()
    write_parts(Path(path), _parts(documents, losses))
    return losses


def _blocks(text: str, path: Path) -> Iterator[_Block]:
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    marked = any(line.startswith(_NEW) or line.split("\t")[0] == _START for line in lines)
    block: _Block | None = None
    n_unnamed = 0
    for number, line in enumerate(lines, start=1):
        starts = line.split("\t")[0] == _START
        if line.startswith(_NEW) or starts or (line and block is None):
            if block is not None:
                yield block
            n_unnamed += not line.startswith(_NEW)
            named = line.startswith(_NEW)
            block = _Block(line[len(_NEW) :] if named else f"{path.stem}-{n_unnamed}")
            if named or starts:
                continue
        if line and block is not None:
            word, _, tag = line.partition("\t")
            if not word or not tag or "\t" in tag:
                raise Where(path, number).error("a word, one tab and a tag", "another line")
            block.sentences[-1].append((word, tag, number))
        elif block is not None and marked:
            block.sentences.append([])
        elif block is not None:
            yield block
            block = None
    if block is not None:
        yield block


def _document(block: _Block, path: Path | str) -> Document:
    sentences = [sentence for sentence in block.sentences if sentence]
    text, words = _rebuilt([[word for word, _, _ in sentence] for sentence in sentences])
    tagged = [word for sentence in sentences for word in sentence]
    where = [Where(path, number) for _, _, number in tagged]
    return Document(block.id, text, read_tags(text, words, [tag for _, tag, _ in tagged], where))


def _rebuilt(sentences: Iterable[list[str]]) -> tuple[str, list[Span]]:
    """Return the text that the sentences' words make, and where in it each word is."""
    parts: list[str] = []
    spans: list[Span] = []
    end = 0
    for sentence in sentences:
        before = ""
        for word in sentence:
            gap = "" if not end else " " if before else "\n"
            if before and (word in _CLOSING or before in _OPENING):
                gap = ""
            parts += [gap, word]
            spans.append(Span(end + len(gap), end + len(gap) + len(word)))
            end, before = spans[-1].end, word
    return "".join(parts), spans


def _parts(documents: Iterable[Document], losses: Losses) -> Iterator[str]:
    for document in documents:
        for value in (document.id, *(entity.label for entity in document.entities)):
            if not value or set(value) & set("\t\r\n"):
                raise UnsupportedError(
                    f"{document.id!r}: expected an id and labels without tabs and line ends, "
                    "found another"
                )
        sentences = tag_words(document, losses)
        text, _ = _rebuilt([[word.text for word in sentence] for sentence in sentences])
        losses[Loss.TEXT] += text != document.text
        yield f"{_NEW}{document.id}\n"
        for sentence in sentences:
            yield "".join(f"{word.text}\t{word.tag}\n" for word in sentence)
            yield "\n"
        if not sentences:
            yield "\n"
