"""farmaner finds drugs, chemicals and proteins in Spanish clinical text."""

from farmaner.document import Concept, Document, Entity, Span
from farmaner.errors import FarmanerError
from farmaner.recognizer import Recognizer, load

__all__ = ["Concept", "Document", "Entity", "FarmanerError", "Recognizer", "Span", "load"]
