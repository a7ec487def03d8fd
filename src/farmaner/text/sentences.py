"""Sentences: spans that tile a text, so that packing them into windows skips nothing."""

from __future__ import annotations

import re

from farmaner.document import Span

# Written with a full stop inside a Spanish clinical sentence; compared in lower case.
ABBREVIATIONS = frozenset(
    "a.m aprox art c.c cap cc cols dept depto d doc dr dra dres ed ej etc excmo fdo fig figs gr "
    "h hnos ing izq kg lic mg min ml mm n nº núm p p.ej p.m pág págs prof ptas ref s seg sr sra "
    "sres srta tab tel v vol vs".split()
)

_LINE_END = r"(?:\r\n?|\n)\s*"
_STOP = r"[.!?…]+[»\"”’')\]]*\s+(?=[\"“«‘'(\[¿¡]*[A-ZÁÉÍÓÚÜÑ])"
_BREAK = re.compile(rf"{_LINE_END}|{_STOP}")
_LAST_WORD = re.compile(r"[^\W_][\w.]*$")
_LONGEST_ABBREVIATION = 8


def split_sentences(text: str) -> tuple[Span, ...]:
    """Return spans that cover `text` from its first to its last character, in order.

    A sentence ends after a line end, or after a full stop, question or exclamation mark (with
    closing quotes and brackets) that white space and a capital letter follow, unless the stop
    belongs to an abbreviation or to a single initial. White space stays with the sentence before.
    """
    spans: list[Span] = []
    start = 0
    for match in _BREAK.finditer(text):
        if text[match.start()] == "." and _abbreviates(text, match.start()):
            continue
        spans.append(Span(start, match.end()))
        start = match.end()
    if start < len(text):
        spans.append(Span(start, len(text)))
    return tuple(spans)


def _abbreviates(text: str, stop: int) -> bool:
    found = _LAST_WORD.search(text[max(0, stop - _LONGEST_ABBREVIATION) : stop])
    if found is None:
        return False
    word = found.group()
    return word.lower() in ABBREVIATIONS or (len(word) == 1 and word.isupper())
