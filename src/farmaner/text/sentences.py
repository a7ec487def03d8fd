"""Sentences: spans that tile a text, so that packing them into windows skips nothing."""

from __future__ import annotations

import re

from farmaner.document import Span

# Written with a full stop before a capital inside a Spanish clinical sentence; compared in lower
# case. Units (mg, ml, h) are not among them: where a capital follows, their stop ends the
# sentence (some 240 times in train and dev of PharmaCoNER, with one exception).
ABBREVIATIONS = frozenset(
    "ac ag aprox art av avda cap cf col cols dept depto dpto doc dr dra dras dres ed ee ej excmo "
    "fdo fig figs hnos ing izq lic núm nº p p.ej pág págs prof profa ref sr sra sras sres srta "
    "tab tel v vol vs".split()
)

_LINE_END = r"(?:\r\n?|\n)\s*"
# Only at the first mark of a run: from each of the others the search would repeat the run.
_STOP = r"(?<![.!?…])[.!?…]+[»\"”’')\]]*\s+(?=[\"“«‘'(\[¿¡]*[A-ZÀ-ÖØ-Þ])"
_BREAK = re.compile(rf"{_LINE_END}|{_STOP}")
_LAST_WORD = re.compile(r"(?<![^\s(\[«“\"])[^\W_][\w.]*\Z")
_LONGEST_ABBREVIATION = 8
_LONGEST_ENUMERATOR = 2


def split_sentences(text: str) -> tuple[Span, ...]:
    """Return spans that cover `text` from its first to its last character, in order.

    A sentence ends after a line end, or after a full stop, question or exclamation mark (with
    closing quotes and brackets) that white space and a capital letter follow; but on one line not
    after the stop of an abbreviation, of a single initial or of the number that opens an item of
    a list. White space stays with the sentence before.
    """
    spans: list[Span] = []
    start = 0
    for match in _BREAK.finditer(text):
        if _goes_on(text, start, match):
            continue
        spans.append(Span(start, match.end()))
        start = match.end()
    if start < len(text):
        spans.append(Span(start, len(text)))
    return tuple(spans)


def _goes_on(text: str, start: int, match: re.Match[str]) -> bool:
    """Return whether the sentence from `start` goes on after what looks like its end."""
    stop, found = match.start(), match.group()
    if found[0] != "." or "\n" in found or "\r" in found:
        return False
    if stop - start <= _LONGEST_ENUMERATOR and text[start:stop].isdecimal():
        return True
    last = _LAST_WORD.search(text[max(0, stop - _LONGEST_ABBREVIATION) : stop])
    if last is None:
        return False
    word = last.group()
    return word.lower() in ABBREVIATIONS or (len(word) == 1 and word.isupper())
