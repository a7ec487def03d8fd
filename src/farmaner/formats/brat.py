"""The brat standoff format: a folder of `DOC.txt` and `DOC.ann` (brat.nlplab.org/standoff.html).

Offsets count Unicode code points of the text as stored, end-exclusive. Texts are never
translated: line ends stay as they are, and a byte-order mark is the text's first character, as
brat counts it. Hidden files (`.name`) are passed over, as brat does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from farmaner.document import Document, Entity
from farmaner.errors import CorpusError, OffsetError
from farmaner.formats.alignment import AS_WRITTEN, place
from farmaner.formats.ann import AnnFile, format_ann, format_spans, parse_ann, try_parse_ann
from farmaner.formats.files import make_folder, read_text, refuse_as_file_name, write_text

__all__ = [
    "Alignment",
    "AnnFile",
    "Mismatch",
    "Realigned",
    "align",
    "format_ann",
    "list_folder",
    "parse_ann",
    "read_alignments",
    "read_ann",
    "read_brat",
    "read_text",
    "try_align",
    "try_parse_ann",
    "write_ann",
    "write_annotation_conf",
    "write_brat",
]


@dataclass(frozen=True, slots=True)
class Realigned:
    """An entity whose offsets were changed to the place its surface column names.

    `written` has the offsets and the surface column of the file, `entity` those of the text.
    """

    path: str
    line: int
    written: Entity
    entity: Entity
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.path}:{self.line}: {self.written.label} {format_spans(self.written)} "
            f"realigned to {format_spans(self.entity)} ({self.reason})"
        )


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An entity whose surface column is not in the text at its offsets, nor near them."""

    path: str
    line: int
    written: Entity
    found: str

    def __str__(self) -> str:
        return (
            f"{self.path}:{self.line}: expected the surface column at {self.written.label} "
            f"{format_spans(self.written)}, found {self.found}"
        )


@dataclass(frozen=True, slots=True)
class Alignment:
    """A document with the entities that fit its text, and what happened to the others.

    `path` is the `.ann` file, `lines` are the line numbers of the document's entities in it.
    """

    path: str
    document: Document
    lines: tuple[int, ...] = ()
    realigned: tuple[Realigned, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()


def read_brat(
    folder: Path | str, *, realign: bool = True, missing_ann_ok: bool = False
) -> list[Document]:
    """Read a folder of `.txt` and `.ann` files as documents, sorted by id.

    Entities keep the file's order. Offsets that disagree with the surface column are realigned
    (`farmaner.formats.alignment.place` says how); `read_alignments` reports which. Raises
    CorpusError for a folder without `.txt` or a file without its partner, FormatError for a
    file that cannot be read, OffsetError for an entity that cannot be placed.
    """
    alignments = read_alignments(folder, realign=realign, missing_ann_ok=missing_ann_ok)
    return [alignment.document for alignment in alignments]


def read_brat_folders(
    folders: Iterable[Path | str], *, missing_ann_ok: bool = False
) -> list[Document]:
    """Read several folders, one behind the other, each as `read_brat` does."""
    return [
        document
        for folder in folders
        for document in read_brat(folder, missing_ann_ok=missing_ann_ok)
    ]


def read_alignments(
    folder: Path | str, *, realign: bool = True, missing_ann_ok: bool = False
) -> list[Alignment]:
    """Read a folder as `read_brat` does, and say of each document what was realigned."""
    texts, anns = list_folder(folder)
    if not texts:
        raise CorpusError(f"{folder}: expected a folder with .txt files, found none")
    for id_ in sorted(texts.keys() - anns.keys()):
        if not missing_ann_ok:
            raise CorpusError(f"{texts[id_]}: expected {id_}.ann beside it, found none")
    for id_ in sorted(anns.keys() - texts.keys()):
        raise CorpusError(f"{anns[id_]}: expected {id_}.txt beside it, found none")
    alignments = []
    for id_, path in sorted(texts.items()):
        ann = read_ann(anns[id_]) if id_ in anns else AnnFile(str(path))
        alignments.append(align(id_, read_text(path), ann, realign=realign))
    return alignments


def list_folder(folder: Path | str) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return a folder's `.txt` and `.ann` files by document id; CorpusError if it is no folder.

    Folders inside it and hidden files are passed over.
    """
    folder = Path(folder)
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise CorpusError(f"{folder}: expected a folder, found {found}")
    files = [path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file()]
    texts, anns = (
        {path.name[: -len(suffix)]: path for path in files if path.name.endswith(suffix)}
        for suffix in (".txt", ".ann")
    )
    return texts, anns


def align(id_: str, text: str, ann: AnnFile, *, realign: bool = True) -> Alignment:
    """Put the entities of an `.ann` file on their text; OffsetError if one has no place."""
    alignment = try_align(id_, text, ann, realign=realign)
    if alignment.mismatches:
        raise OffsetError(str(alignment.mismatches[0]))
    return alignment


def try_align(id_: str, text: str, ann: AnnFile, *, realign: bool = True) -> Alignment:
    """Put the entities of an `.ann` file on their text; those that have no place are reported."""
    entities, lines, realigned, mismatches = [], [], [], []
    placements = place(text, ann.entities, realign=realign)
    for written, line, placement in zip(ann.entities, ann.lines, placements, strict=True):
        if placement.entity is None:
            mismatches.append(Mismatch(ann.path, line, written, placement.reason))
            continue
        entities.append(placement.entity)
        lines.append(line)
        if placement.reason != AS_WRITTEN:
            moved = Realigned(ann.path, line, written, placement.entity, placement.reason)
            realigned.append(moved)
    document = Document(id_, text, tuple(entities), ann.other_lines)
    return Alignment(ann.path, document, tuple(lines), tuple(realigned), tuple(mismatches))


def read_ann(path: Path | str) -> AnnFile:
    """Read an `.ann` file; FormatError with file and line at the first line that is malformed."""
    return parse_ann(read_text(path), path)


def write_brat(documents: Iterable[Document], folder: Path | str) -> None:
    """Write each document as `ID.txt`, byte for byte its text, and `ID.ann`, in `folder`.

    The folder is made where it is missing; each file is complete or absent, never half written.
    Raises CorpusError for an id that comes twice or is no file name.
    """
    folder = Path(folder)
    make_folder(folder)
    seen: set[str] = set()
    for document in documents:
        refuse_as_file_name(document.id, folder, seen)
        ann = format_ann(document)
        write_text(folder / f"{document.id}.txt", document.text)
        write_text(folder / f"{document.id}.ann", ann)


def write_ann(document: Document, path: Path | str) -> None:
    """Write a document's `.ann` file alone, complete or not at all."""
    write_text(Path(path), format_ann(document))


def write_annotation_conf(folder: Path | str, labels: Iterable[str]) -> None:
    """Write the `annotation.conf` with which brat opens and edits a folder of these labels.

    brat reads the four sections below (brat.nlplab.org/configuration.html).
    """
    entities = "".join(f"{label}\n" for label in labels)
    text = f"[entities]\n{entities}\n[relations]\n\n[events]\n\n[attributes]\n"
    write_text(Path(folder) / "annotation.conf", text)
