"""The formats by name: what reads them, what writes them, and the endings that names have.

`convert` goes by this table. A format is chosen by its name or by the ending of a file's name,
never by what is in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from farmaner.document import Document
from farmaner.errors import ConfigError
from farmaner.formats.bioc import read_bioc_json, read_bioc_xml, write_bioc_json, write_bioc_xml
from farmaner.formats.brat import read_brat, write_brat
from farmaner.formats.conll import read_conll, write_conll
from farmaner.formats.csv import read_csv, write_csv
from farmaner.formats.docbin import read_docbin, write_docbin
from farmaner.formats.doccano import read_doccano, write_doccano
from farmaner.formats.fhir import read_fhir, write_fhir
from farmaner.formats.html import write_html
from farmaner.formats.inception import read_inception, write_inception
from farmaner.formats.iob2 import read_iob2, write_iob2
from farmaner.formats.jsonl import read_jsonl, write_jsonl
from farmaner.formats.label_studio import read_label_studio, write_label_studio
from farmaner.formats.losses import Holds, Losses, counting
from farmaner.formats.omop import read_omop, write_omop
from farmaner.formats.parquet import read_parquet, write_parquet
from farmaner.formats.pubtator import read_pubtator, write_pubtator

Reader: TypeAlias = Callable[[Path], Iterable[Document]]
Writer: TypeAlias = Callable[[Iterable[Document], Path], Losses]

_BRAT = Holds(scores=False, code_scores=False, other_lines=True)


@dataclass(frozen=True, slots=True)
class Format:
    """A format: `read` is None where it is only written; `endings` are those of its files' names.

    The ending "" is that of a name without any, which is a folder's.
    """

    name: str
    endings: tuple[str, ...]
    read: Reader | None
    write: Writer
    extra: str | None = None


FORMATS = (
    Format("brat", ("",), read_brat, counting(write_brat, _BRAT)),
    Format("jsonl", (".jsonl",), read_jsonl, counting(write_jsonl, Holds())),
    Format("csv", (".csv", ".tsv"), read_csv, write_csv),
    Format("parquet", (".parquet",), read_parquet, write_parquet, "tables"),
    Format("conll", (".conll",), read_conll, write_conll),
    Format("iob2", (".iob2",), read_iob2, write_iob2),
    Format("docbin", (".spacy",), read_docbin, write_docbin, "spacy"),
    Format("bioc-xml", (".bioc.xml",), read_bioc_xml, write_bioc_xml, "bioc"),
    Format("bioc-json", (".bioc.json",), read_bioc_json, write_bioc_json, "bioc"),
    Format("pubtator", (".pubtator",), read_pubtator, write_pubtator),
    Format("label-studio", (".label-studio.json",), read_label_studio, write_label_studio),
    Format("doccano", (".doccano.jsonl",), read_doccano, write_doccano),
    Format("inception", (".xmi",), read_inception, write_inception, "inception"),
    Format("fhir", (".fhir.json",), read_fhir, write_fhir, "fhir"),
    Format("omop", (), read_omop, write_omop),
    Format("html", (".html",), None, write_html),
)


def find_format(name: str) -> Format:
    """Return the format of that name; ConfigError if there is none."""
    for one in FORMATS:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in FORMATS)
    raise ConfigError(f"format: expected one of {known}, found {name!r}")


def format_of(path: Path) -> Format:
    """Return the format whose ending a path's name has, the longest first; else ConfigError."""
    pairs = [(ending, one) for one in FORMATS for ending in one.endings if ending]
    for ending, one in sorted(pairs, key=lambda pair: -len(pair[0])):
        if path.name.endswith(ending):
            return one
    if not path.suffix:
        return find_format("brat")
    known = " ".join(sorted(ending for ending, _ in pairs))
    raise ConfigError(f"{path}: expected a format by its name, or one of {known}, found neither")
