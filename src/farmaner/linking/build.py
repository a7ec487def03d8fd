"""Building terminologies: names from every source, what is known of names, and what was learned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from farmaner.document import Document
from farmaner.linking import compiled
from farmaner.linking.compiled import unpack
from farmaner.linking.learning import learn
from farmaner.linking.synonyms import (
    SynonymGroup,
    bundled_names,
    bundled_synonyms,
    expand,
    right_spellings,
    uncoded_names,
)
from farmaner.linking.terminology import Terminology, compile_terms
from farmaner.linking.terms import Term, terms_from_documents


def build_terminology(
    documents: Sequence[Document] = (),
    terms: Iterable[Term] = (),
    *,
    synonyms: Sequence[SynonymGroup] | None = None,
    output: Path | str | None = None,
) -> Terminology:
    """Return a terminology of what documents annotate and of other terms, and write it.

    `synonyms` are added to what is there, and None means those of the package; so are names
    that keep one drug from being taken for another. Where documents have codes, what evidence
    is worth is learned from them, each document being linked by the others' names. `output` is
    written complete or not at all.
    """
    groups = bundled_synonyms() if synonyms is None else list(synonyms)
    others = list(terms)
    meta: dict[str, Any] = {}
    if any(entity.concept for document in documents for entity in document.entities):
        # Terms of other sources would hide what unseen names of the corpus are like.
        meta["linking"] = learn(documents, lambda some: _compiled(some, (), groups, {}))
    if output is None:
        return _compiled(documents, others, groups, meta)
    compiled.write(output, _pack(documents, others, groups, meta))
    return Terminology.load(output)


def bundled_terminology() -> Path:
    """Return the file of the terminology that comes with the package."""
    return Path(str(resources.files("farmaner"))) / "models" / "terminology" / "pharmaconer.terms"


def load_terminology(path: Path | str | None = None) -> Terminology:
    """Map a compiled terminology: that file, or the bundled one. FormatError where it is none."""
    return Terminology.load(bundled_terminology() if path is None else path)


def _compiled(
    documents: Sequence[Document],
    terms: Sequence[Term],
    groups: Sequence[SynonymGroup],
    meta: dict[str, Any],
) -> Terminology:
    return Terminology(unpack(_pack(documents, terms, groups, meta)))


def _pack(
    documents: Sequence[Document],
    terms: Sequence[Term],
    groups: Sequence[SynonymGroup],
    meta: dict[str, Any],
) -> bytes:
    every = [*terms_from_documents(documents), *terms]
    names = bundled_names() if groups else []
    every += right_spellings(every, groups, names)
    every += expand(every, groups)
    return compile_terms([*every, *uncoded_names(every, groups, names)], meta)
