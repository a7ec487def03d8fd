"""Linking: entities to concepts, by a terminology of names with codes."""

from farmaner.linking.linker import STEPS, Candidate, Linker, Step
from farmaner.linking.terminology import Terminology
from farmaner.linking.terms import NULL, Term, terms_from_documents

__all__ = [
    "NULL",
    "STEPS",
    "Candidate",
    "Linker",
    "Step",
    "Term",
    "Terminology",
    "terms_from_documents",
]
