"""The task's concept indexing files: `DOC.tsv`, one `DOC<TAB>code` a line, no header.

PharmaCoNER, subtrack 2 (Gonzalez-Agirre et al. 2019): one file for every document, empty where
the document has no code. `<null>` and `CHEBI:...` are codes like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from farmaner.document import Document
from farmaner.errors import FormatError, UnsupportedError
from farmaner.formats.brat import read_text


def read_indexing(path: Path) -> tuple[str, ...]:
    """Return the codes of one document's file, in the file's order, repetitions included.

    A byte-order mark, CRLF and blank lines are tolerated. FormatError where the file is not
    UTF-8, or a line is not the file's stem, one tab and a code without blanks around it;
    CorpusError where the file cannot be read.
    """
    text = read_text(path).removeprefix("\ufeff")
    lines = enumerate(text.split("\n"), start=1)
    return tuple(_code(path, number, line) for number, line in lines if line.strip())


def write_indexing(path: Path, codes: Iterable[str]) -> None:
    """Write one document's codes, each once, in the order given; an empty file where none.

    The document's id is the stem of `path`. UnsupportedError where a code is empty, has blanks
    around it or holds a tab or a line end.
    """
    unique = dict.fromkeys(codes)
    for code in unique:
        if code != code.strip() or not code or set(code) & set("\t\r\n"):
            raise UnsupportedError(
                f"{path}: expected a code of one line without tabs or blanks around, found {code!r}"
            )
    path.write_bytes("".join(f"{path.stem}\t{code}\n" for code in unique).encode())


def document_codes(document: Document) -> tuple[str, ...]:
    """Return the codes of the document's entities, each once, in order of first appearance."""
    concepts = (entity.concept for entity in document.entities)
    return tuple(dict.fromkeys(concept.code for concept in concepts if concept is not None))


def _code(path: Path, number: int, line: str) -> str:
    expected = f"{path.stem}, one tab and a code"
    fields = line.removesuffix("\r").split("\t")
    if len(fields) != 2:
        raise FormatError(path, number, expected, f"{len(fields) - 1} tabs")
    document_id, code = fields
    if document_id != path.stem:
        raise FormatError(path, number, expected, "another document's id in the first column")
    if not code.strip():
        raise FormatError(path, number, expected, "no code")
    if code != code.strip():
        raise FormatError(path, number, expected, "blanks around the code")
    return code
