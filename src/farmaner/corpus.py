"""A corpus on disk: what a brat folder holds, what is wrong with it, whether it is the original."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from farmaner.document import Entity
from farmaner.errors import CorpusError, FarmanerError, FormatError
from farmaner.formats.brat import (
    Alignment,
    AnnFile,
    list_folder,
    read_text,
    try_align,
    try_parse_ann,
)

ProblemKind: TypeAlias = Literal[
    "unreadable file", "malformed line", "mismatch", "text without ann", "ann without text"
]
WarningKind: TypeAlias = Literal[
    "realigned", "overlap", "duplicate", "discontinuous", "duplicate id", "note without entity"
]

_NOTE_TARGET = re.compile(r"#\d*\tAnnotatorNotes (T\S+)\t", re.ASCII)
_CHECKSUM = re.compile(r"([0-9A-Fa-f]{64}) [ *](.+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know about a line or a file: one sentence that begins with its place."""

    kind: ProblemKind | WarningKind
    path: str
    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class CorpusReport:
    """What a brat folder holds.

    `problems` are what `read_brat` refuses: there are none exactly when it can read the folder.
    `warnings` are what it reads and a reader should know of. Counts are of documents whose
    `.txt` can be read and of the entities that could be placed in them; characters are Unicode
    code points. A document without entities is one whose `.ann` was read and has none.
    """

    folder: str
    n_documents: int
    n_characters: int
    n_entities_by_label: Mapping[str, int]
    n_documents_without_entities: int
    n_coded_entities: int
    n_codes: int
    problems: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    @property
    def n_entities(self) -> int:
        """How many entities there are, of any label."""
        return sum(self.n_entities_by_label.values())

    def n_of(self, kind: ProblemKind | WarningKind) -> int:
        """Return how many findings are of that kind."""
        return sum(finding.kind == kind for finding in self.problems + self.warnings)


@dataclass(frozen=True, slots=True)
class ChecksumReport:
    """How the files of a folder compare with a list of their SHA-256 sums; paths in order.

    `unlisted` are files of the folder that the list does not name; hidden files are passed over.
    """

    n_equal: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    unlisted: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the folder holds exactly the files of the list."""
        return not (self.missing or self.changed or self.unlisted)


def check_corpus(folder: Path | str) -> CorpusReport:
    """Look at every line of a brat folder and report all that is wrong with it, in one pass.

    Raises CorpusError for what is no folder, or one without `.txt` files.
    """
    texts, anns = list_folder(folder)
    if not texts:
        raise CorpusError(f"{folder}: expected a folder with .txt files, found none")
    problems: list[Finding] = []
    warnings: list[Finding] = []
    alignments: list[Alignment] = []
    n_empty = 0
    for id_ in sorted(texts.keys() | anns.keys()):
        text_path, ann_path = texts.get(id_), anns.get(id_)
        ann = _check_ann(ann_path, problems, warnings)
        if text_path is None:
            kind: ProblemKind = "ann without text"
            message = f"{ann_path}: expected {id_}.txt beside it, found none"
            problems.append(Finding(kind, str(ann_path), None, message))
            continue
        if ann_path is None:
            message = f"{text_path}: expected {id_}.ann beside it, found none"
            problems.append(Finding("text without ann", str(text_path), None, message))
        try:
            text = read_text(text_path)
        except FarmanerError as error:
            problems.append(Finding("unreadable file", str(text_path), None, str(error)))
            continue
        alignment = try_align(id_, text, ann or AnnFile(""))
        n_empty += ann is not None and not ann.entities
        alignments.append(alignment)
        problems += [Finding("mismatch", m.path, m.line, str(m)) for m in alignment.mismatches]
        warnings += _check_entities(alignment)
    return _report(str(folder), alignments, n_empty, problems, warnings)


def verify_checksums(list_file: Path | str, root: Path | str) -> ChecksumReport:
    """Compare the files of folder `root` with a list of sums, `<64 hex digits>  <path>` a line.

    Paths in the list count from the list's own folder. Where none of them then lies in `root`,
    as when the list was stored elsewhere, they count from the folder around `root`, and else
    from `root` itself. Entries outside `root` (another split) are passed over. Raises
    FormatError for a line of another form, CorpusError where no entry concerns `root`.
    """
    list_file, root = Path(list_file).resolve(), Path(root).resolve()
    list_folder(root)
    entries = _read_checksums(list_file)
    sums: dict[str, str] = {}
    for base in (list_file.parent, root.parent, root):
        paths = ((Path(os.path.normpath(base / name)), digest) for name, digest in entries)
        sums = {
            path.relative_to(root).as_posix(): digest
            for path, digest in paths
            if path.is_relative_to(root)
        }
        if any((root / name).exists() for name in sums):
            break
    else:
        raise CorpusError(f"{list_file}: expected sums of files in {root}, found none")
    files = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and path != list_file and not _is_hidden(path.relative_to(root))
    }
    found = {name: _sha256(root / name) for name in sorted(sums) if (root / name).is_file()}
    changed = tuple(name for name, digest in found.items() if digest != sums[name])
    return ChecksumReport(
        n_equal=len(found) - len(changed),
        missing=tuple(sorted(sums.keys() - found.keys())),
        changed=changed,
        unlisted=tuple(sorted(files - sums.keys())),
    )


def _check_ann(
    path: Path | None, problems: list[Finding], warnings: list[Finding]
) -> AnnFile | None:
    """Read what can be read of an `.ann` file, adding what cannot to `problems`."""
    if path is None:
        return None
    try:
        text = read_text(path)
    except FarmanerError as error:
        problems.append(Finding("unreadable file", str(path), None, str(error)))
        return None
    ann, errors = try_parse_ann(text, path)
    problems += [Finding("malformed line", ann.path, e.line, str(e)) for e in errors]
    first_lines: dict[str | None, int] = {}
    for entity, line in zip(ann.entities, ann.lines, strict=True):
        first = first_lines.setdefault(entity.id, line)
        if first != line:
            message = f"{path}:{line}: the id {entity.id} is already that of line {first}"
            warnings.append(Finding("duplicate id", ann.path, line, message))
    for target in _NOTE_TARGET.findall("\n".join(ann.other_lines)):
        if target not in first_lines:
            message = f"{path}: a note is about {target}, which is not in the file"
            warnings.append(Finding("note without entity", ann.path, None, message))
    return ann


def _check_entities(alignment: Alignment) -> Iterator[Finding]:
    """Yield what a reader should know of a document's entities."""
    for moved in alignment.realigned:
        yield Finding("realigned", moved.path, moved.line, str(moved))
    path = alignment.path
    placed = sorted(
        zip(alignment.document.entities, alignment.lines, strict=True),
        key=lambda pair: (pair[0].start, pair[0].end, pair[1]),
    )
    first_lines: dict[tuple[object, ...], int] = {}
    open_: list[tuple[Entity, int]] = []
    for entity, line in placed:
        where = f"{path}:{line}: {entity.label} {entity.start} {entity.end}"
        if entity.discontinuous:
            message = f"{where} is discontinuous, in {len(entity.fragments)} fragments"
            yield Finding("discontinuous", path, line, message)
        first = first_lines.setdefault((entity.key, entity.fragments), line)
        if first != line:
            yield Finding("duplicate", path, line, f"{where} is already that of line {first}")
            continue
        open_ = [(other, number) for other, number in open_ if other.end > entity.start]
        for other, number in open_:
            if _overlap(entity, other):
                message = (
                    f"{where} overlaps {other.label} {other.start} {other.end} of line {number}"
                )
                yield Finding("overlap", path, line, message)
        open_.append((entity, line))


def _overlap(one: Entity, other: Entity) -> bool:
    return any(
        a.overlaps(b)
        for a in one.fragments or (one.span,)
        for b in other.fragments or (other.span,)
    )


def _report(
    folder: str,
    alignments: list[Alignment],
    n_empty: int,
    problems: list[Finding],
    warnings: list[Finding],
) -> CorpusReport:
    documents = [alignment.document for alignment in alignments]
    entities = [entity for document in documents for entity in document.entities]
    codes = [entity.concept.code for entity in entities if entity.concept is not None]
    return CorpusReport(
        folder=folder,
        n_documents=len(documents),
        n_characters=sum(len(document.text) for document in documents),
        n_entities_by_label=dict(sorted(Counter(entity.label for entity in entities).items())),
        n_documents_without_entities=n_empty,
        n_coded_entities=len(codes),
        n_codes=len(set(codes)),
        problems=tuple(sorted(problems, key=_place)),
        warnings=tuple(sorted(warnings, key=_place)),
    )


def _place(finding: Finding) -> tuple[str, int]:
    return finding.path, finding.line or 0


def _read_checksums(list_file: Path) -> list[tuple[str, str]]:
    """Return the paths and lower-case sums of a list as `sha256sum` prints it."""
    entries = []
    for number, line in enumerate(read_text(list_file).split("\n"), start=1):
        line = line.removesuffix("\r")
        if not line.strip():
            continue
        match = _CHECKSUM.fullmatch(line)
        if not match:
            expected = "64 hexadecimal digits, two spaces and a path"
            raise FormatError(list_file, number, expected, "another form")
        entries.append((match[2], match[1].lower()))
    return entries


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
