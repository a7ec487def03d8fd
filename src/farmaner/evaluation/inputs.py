"""What analysis and comparison read: gold with its texts, systems as folders or JSON lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from farmaner.document import Document
from farmaner.errors import CorpusError, OffsetError
from farmaner.evaluation.official import STRICT, cover
from farmaner.evaluation.sources import sources_by_id
from farmaner.formats.ann import AnnFile
from farmaner.formats.brat import list_folder, read_ann, read_text
from farmaner.formats.jsonl import read_jsonl


def read_gold(folder: Path | str) -> list[Document]:
    """Return a brat folder's documents with their entities at the offsets as written.

    Nothing is realigned, because scoring does not either. CorpusError for a folder without
    `.ann` files or a file without its partner; OffsetError for an entity past its text's end.
    """
    texts, anns = list_folder(folder)
    if not anns:
        raise CorpusError(f"{folder}: expected a folder of .txt and .ann files, found no .ann")
    for id_ in sorted(texts.keys() ^ anns.keys()):
        present, suffix = (texts[id_], "ann") if id_ in texts else (anns[id_], "txt")
        raise CorpusError(f"{present}: expected {id_}.{suffix} beside it, found none")
    return [
        _on_text(id_, read_text(texts[id_]), read_ann(path)) for id_, path in sorted(anns.items())
    ]


def read_system(path: Path | str, gold: Mapping[str, Document]) -> list[Document]:
    """Return a system's documents: of a folder of `.ann` on gold's texts, or of a `.jsonl`.

    Only JSON lines carry scores. Surface columns of a folder are not read: the text itself says
    what stands at the offsets. CorpusError for a document that gold lacks, for a path that is
    neither; FormatError and OffsetError as the formats raise them.
    """
    source = system_source(path)
    if not isinstance(source, Path):
        return source
    files = sources_by_id(source, ".ann", "system")
    cover(gold, files, STRICT, place=str(path))
    return [
        _on_text(id_, gold[id_].text, read_ann(file))
        for id_, file in sorted(files.items())
        if isinstance(file, Path)
    ]


def system_source(path: Path | str) -> Path | list[Document]:
    """Return a folder as it is, and a `.jsonl` file as its documents; CorpusError for another."""
    path = Path(path)
    if path.is_dir():
        return path
    if path.is_file() and path.suffix == ".jsonl":
        return read_jsonl(path)
    found = "another file" if path.is_file() else "nothing"
    raise CorpusError(f"{path}: expected a folder of .ann files or a .jsonl file, found {found}")


def _on_text(id_: str, text: str, ann: AnnFile) -> Document:
    for line, entity in zip(ann.lines, ann.entities, strict=True):
        if entity.end > len(text):
            raise OffsetError(
                f"{ann.path}:{line}: expected an entity inside the text of {len(text)} "
                f"characters, found one to {entity.end}"
            )
    placed = (replace(entity, text=entity.surface_in(text)) for entity in ann.entities)
    return Document(id_, text, tuple(placed), ann.other_lines)
