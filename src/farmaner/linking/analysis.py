"""What goes wrong in linking, by class: counts, ready for JSON; no surface is ever quoted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from farmaner.document import Document
from farmaner.errors import CorpusError
from farmaner.linking.linker import UNSCORED_LABELS
from farmaner.linking.normalize import plain_key
from farmaner.linking.terminology import Terminology
from farmaner.linking.terms import NULL, UNCODED

Outcome: TypeAlias = Literal[
    "right code",
    "wrong code",
    "no code",
    "code unknown to the terminology",
    "missed entity",
    "spurious entity, code of the document",
    "spurious entity, other code",
    "entity without a gold code",
]
"""What became of a gold entity with a code, or of a system entity that gold does not have."""


@dataclass(frozen=True, slots=True)
class LinkingErrors:
    """Counts of outcomes, for surfaces seen in the terminology and for unseen ones.

    Wrong codes are also counted by kind: `<null>` for a code, a code for `<null>`, or another.
    """

    seen: Mapping[Outcome, int]
    unseen: Mapping[Outcome, int]
    wrong_codes: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return the counts, ready for JSON."""
        outcomes = sorted({*self.seen, *self.unseen})
        return {
            "outcomes": {
                outcome: {"seen": self.seen.get(outcome, 0), "unseen": self.unseen.get(outcome, 0)}
                for outcome in outcomes
            },
            "wrong_codes": dict(self.wrong_codes),
        }


def count_linking_errors(
    gold: Iterable[Document],
    system: Iterable[Document],
    terminology: Terminology,
    *,
    ignored_labels: Iterable[str] = UNSCORED_LABELS,
) -> LinkingErrors:
    """Return what became of gold's entities in a system's linked documents.

    Entities are matched by start and end, whatever their label; those of `ignored_labels` are
    passed over in gold and system alike. A surface is seen if an annotated term equals it but for
    case. CorpusError where the documents are not the same.
    """
    systems = {document.id: document for document in system}
    codes = {terminology.code(index) for index in range(len(terminology))} - {UNCODED}
    ignored = frozenset(ignored_labels)
    outcomes: dict[bool, Counter[Outcome]] = {True: Counter(), False: Counter()}
    wrong: Counter[str] = Counter()
    for document in gold:
        if document.id not in systems:
            raise CorpusError(f"system: expected document {document.id}, found none")
        for surface, outcome, kind in _outcomes(document, systems[document.id], ignored, codes):
            outcomes[_is_seen(surface, terminology)][outcome] += 1
            if kind:
                wrong[kind] += 1
    return LinkingErrors(dict(outcomes[True]), dict(outcomes[False]), dict(wrong))


def _outcomes(
    gold: Document, system: Document, ignored: frozenset[str], codes: set[str]
) -> Iterable[tuple[str, Outcome, str]]:
    found = {e.span: e for e in system.entities if e.label not in ignored}
    expected = {e.span: e for e in gold.entities}
    document_codes = {e.concept.code for e in gold.entities if e.concept}
    for span, entity in expected.items():
        if entity.label in ignored:
            continue
        code = entity.concept.code if entity.concept else None
        if span not in found:
            if code:
                yield entity.text, "missed entity", ""
            continue
        concept = found[span].concept
        if code is None:
            if concept:
                yield entity.text, "entity without a gold code", ""
        elif concept is None:
            outcome: Outcome = "no code" if code in codes else "code unknown to the terminology"
            yield entity.text, outcome, ""
        elif concept.code == code:
            yield entity.text, "right code", ""
        else:
            yield entity.text, "wrong code", _kind(code, concept.code)
    for span, entity in found.items():
        if span not in expected and entity.concept:
            shared = entity.concept.code in document_codes
            of_document: Outcome = "spurious entity, code of the document"
            yield entity.text, of_document if shared else "spurious entity, other code", ""


def _kind(gold: str, system: str) -> str:
    if system == NULL:
        return "<null> for a code"
    return "a code for <null>" if gold == NULL else "another code"


def _is_seen(surface: str, terminology: Terminology) -> bool:
    name = plain_key(surface)
    return any(terminology[index].count > 0 for index in terminology.lookup(name, "plain"))
