"""SNOMED CT in Release Format 2: the user's own snapshot folder, read file by file.

Layout and identifiers after the SNOMED CT Release File Specifications, sections 4.2 (components)
and 5.2 (language reference set): tab-separated UTF-8, a header line, CR LF line ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from farmaner.errors import CorpusError, FormatError
from farmaner.linking.terms import Term

HIERARCHIES = {
    "substance": "105590001",
    "product": "373873005",
}
"""The hierarchies that PharmaCoNER codes with, by name: their topmost concepts."""

IS_A = "116680003"
SYNONYM = "900000000000013009"
FULLY_SPECIFIED = "900000000000003001"
PREFERRED = "900000000000548007"
ACCEPTABLE = "900000000000549004"

_HEADERS = {
    "Concept": "id effectiveTime active moduleId definitionStatusId",
    "Description": (
        "id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId"
    ),
    "Relationship": (
        "id effectiveTime active moduleId sourceId destinationId relationshipGroup typeId "
        "characteristicTypeId modifierId"
    ),
    "Language": ("id effectiveTime active moduleId refsetId referencedComponentId acceptabilityId"),
}


@dataclass(frozen=True, slots=True)
class Rf2Files:
    """The files of a snapshot that give terms; language reference sets may be missing."""

    concepts: tuple[Path, ...]
    descriptions: tuple[Path, ...]
    relationships: tuple[Path, ...]
    languages: tuple[Path, ...]


def find_rf2(folder: Path | str) -> Rf2Files:
    """Return the snapshot's files, wherever they lie in the folder.

    Delta and Full files are passed over, and so are stated relationships. CorpusError where the
    folder lacks concepts, descriptions or relationships.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CorpusError(f"{folder}: expected a folder with an RF2 snapshot, found none")
    found: dict[str, list[Path]] = defaultdict(list)
    patterns = {
        "concepts": "*sct2_Concept_*Snapshot*.txt",
        "descriptions": "*sct2_Description_*Snapshot*.txt",
        "relationships": "*sct2_Relationship_*Snapshot*.txt",
        "languages": "*der2_cRefset_Language*Snapshot*.txt",
    }
    for kind, pattern in patterns.items():
        found[kind] = sorted(folder.rglob(pattern))
        if kind != "languages" and not found[kind]:
            raise CorpusError(f"{folder}: expected a file named {pattern}, found none")
    return Rf2Files(**{kind: tuple(paths) for kind, paths in found.items()})


def read_rf2(
    folder: Path | str,
    *,
    hierarchies: Collection[str] = ("substance", "product"),
    languages: Collection[str] = ("es",),
    refset: str | None = None,
) -> Iterator[Term]:
    """Yield the active descriptions of the active concepts under `hierarchies`.

    `hierarchies` are names of HIERARCHIES or concept identifiers; each is taken with all its
    descendants, and none means the whole terminology. Synonyms are taken as they are, fully
    specified names without their semantic tag. `refset` is the identifier of a language
    reference set: only descriptions that it holds as preferred or acceptable are taken, the
    preferred first. CorpusError for a folder that lacks files or holds no such concept,
    FormatError with file and row for a malformed line.
    """
    files = find_rf2(folder)
    active = {row[0] for path in files.concepts for row in _rows(path, "Concept") if row[2] == "1"}
    roots = [HIERARCHIES.get(name, name) for name in hierarchies]
    for name, root in zip(hierarchies, roots):
        if root not in active:
            raise CorpusError(f"{folder}: expected an active concept for {name!r}, found none")
    kept = _descendants(files.relationships, roots) & active if roots else active
    acceptability = _acceptability(files.languages, refset)
    if refset is not None and not acceptability:
        raise CorpusError(f"{folder}: expected language reference set {refset}, found none")
    later: list[Term] = []
    for path in files.descriptions:
        for row in _rows(path, "Description"):
            id_, _, is_active, _, concept, language, type_, text, _ = row
            if is_active != "1" or language not in languages or concept not in kept:
                continue
            if type_ not in (SYNONYM, FULLY_SPECIFIED):
                continue
            standing = acceptability.get(id_)
            if refset is not None and standing is None:
                continue
            name = _without_tag(text) if type_ == FULLY_SPECIFIED else text.strip()
            if name and standing == PREFERRED:
                yield Term(name, concept, source="rf2")
            elif name:
                later.append(Term(name, concept, source="rf2"))
    yield from later


def _rows(path: Path, kind: str) -> Iterator[Sequence[str]]:
    """Yield the rows of an RF2 file, its header checked; FormatError with file and row."""
    header = _HEADERS[kind].split()
    try:
        with path.open("rb") as file:
            for number, data in enumerate(file, start=1):
                try:
                    line = data.decode("utf-8")
                except UnicodeDecodeError:
                    raise FormatError(path, number, "UTF-8 text", "another encoding") from None
                row = line.removeprefix("\ufeff").rstrip("\r\n").split("\t")
                if number == 1:
                    _check_header(path, row, header)
                    continue
                if row == [""]:
                    continue
                if len(row) != len(header):
                    expected = f"{len(header)} columns between tabs"
                    raise FormatError(path, number, expected, str(len(row)))
                if row[2] not in ("0", "1") or not (row[1].isdigit() and len(row[1]) == 8):
                    expected = "an effective time of 8 digits and 0 or 1 as active"
                    raise FormatError(path, number, expected, "other values")
                yield row
    except OSError as error:
        raise CorpusError(f"{path}: expected a readable file, found: {error.strerror}") from None


def _check_header(path: Path, row: Sequence[str], header: Sequence[str]) -> None:
    if list(row) != list(header):
        differing = next(
            (name for name, written in zip(header, row) if name != written), header[-1]
        )
        expected = f"the RF2 header with column {differing!r}"
        raise FormatError(path, 1, expected, f"{len(row)} columns without it")


def _descendants(relationships: Sequence[Path], roots: Sequence[str]) -> set[str]:
    """Return the roots and all that is under them by active is-a relationships."""
    children: dict[str, list[str]] = defaultdict(list)
    for path in relationships:
        for row in _rows(path, "Relationship"):
            if row[2] == "1" and row[7] == IS_A:
                children[row[5]].append(row[4])
    kept, left = set(roots), list(roots)
    while left:
        for child in children[left.pop()]:
            if child not in kept:
                kept.add(child)
                left.append(child)
    return kept


def _acceptability(languages: Sequence[Path], refset: str | None) -> dict[str, str]:
    """Return the acceptability of each description; preferred wins where reference sets differ."""
    standing: dict[str, str] = {}
    for path in languages:
        for row in _rows(path, "Language"):
            if row[2] != "1" or (refset is not None and row[4] != refset):
                continue
            if standing.get(row[5]) != PREFERRED:
                standing[row[5]] = row[6]
    return standing


def _without_tag(name: str) -> str:
    """Return a fully specified name without its semantic tag: `amoxicilina (sustancia)`."""
    stripped = name.strip()
    if stripped.endswith(")") and " (" in stripped:
        return stripped[: stripped.rindex(" (")].strip()
    return stripped
