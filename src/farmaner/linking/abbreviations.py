"""Abbreviations that a text defines itself: *ácido acetilsalicílico (AAS)*.

After Schwartz and Hearst, "A simple algorithm for identifying abbreviation definitions in
biomedical text" (2003), with two additions for Spanish: accents are folded before letters are
compared, and an abbreviation made in English is not looked for (its letters do not match).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from farmaner.document import Span
from farmaner.linking.normalize import fold

MIN_SHORT, MAX_SHORT = 2, 10
"""Characters of a short form; the bounds of Schwartz and Hearst, section 3."""

_PARENTHESIS = re.compile(r"[(\[]([^()\[\]\n]{1,120})[)\]]")
_SENTENCE_END = re.compile(r"[.;:!?\n][\s\"»)]|[()\[\]\n]")
_WORD = re.compile(r"\S+")
_EDGE = " \t\r\n.,;:\"'«»“”"


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """A short form, the long form that the text gives it, and their places."""

    short: str
    long: str
    short_span: Span
    long_span: Span


def find_abbreviations(text: str) -> list[Abbreviation]:
    """Return the definitions in a text, in order: `long (SHORT)` and `SHORT (long)`."""
    found = []
    for match in _PARENTHESIS.finditer(text):
        inner = _trim(text, match.start(1), _first_part_end(text, match))
        if inner is None:
            continue
        short = inner.of(text)
        if _is_short(short):
            before = _words_before(text, match.start(), min(len(short) + 5, len(short) * 2))
            long = _best_long(text, short, before)
            if long is not None:
                found.append(Abbreviation(short, long.of(text), inner, long))
                continue
        outer = _words_before(text, match.start(), 1)
        if outer is None or not _is_short(outer.of(text)) or len(short) <= len(outer):
            continue
        long = _best_long(text, outer.of(text), inner)
        if long is not None:
            found.append(Abbreviation(outer.of(text), long.of(text), outer, long))
    return found


def _first_part_end(text: str, match: re.Match[str]) -> int:
    """Return where the first part inside the parenthesis ends: at a comma, semicolon or end."""
    cut = re.search(r"[,;:=]\s", text[match.start(1) : match.end(1)])
    return match.start(1) + cut.start() if cut else match.end(1)


def _is_short(form: str) -> bool:
    plain = form.replace(" ", "")
    return (
        MIN_SHORT <= len(plain) <= MAX_SHORT
        and len(form.split()) <= 2
        and form[0].isalnum()
        and any(sign.isupper() for sign in form)
        and not (form[1:].islower() and len(form) > 4)
    )


def _words_before(text: str, end: int, n_words: int) -> Span | None:
    """Return the span of up to `n_words` words of the same sentence that end before `end`."""
    start = max(0, end - 200)
    for stop in _SENTENCE_END.finditer(text, start, end):
        start = stop.end()
    words = list(_WORD.finditer(text, start, end))[-n_words:]
    return _trim(text, words[0].start(), end) if words else None


def _best_long(text: str, short: str, where: Span | None) -> Span | None:
    """Return the shortest span at the end of `where` that holds the short form's characters.

    The first character must begin a word; the matching runs from right to left (Schwartz and
    Hearst, section 3.2).
    """
    if where is None:
        return None
    characters = [sign for sign in fold_one_by_one(short) if sign.isalnum()]
    long = fold_one_by_one(where.of(text))
    at = len(long)
    for index in range(len(characters) - 1, -1, -1):
        at -= 1
        while at >= 0 and (
            long[at] != characters[index] or (index == 0 and at > 0 and long[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return None
    span = _trim(text, where.start + at, where.end)
    if span is None or len(span) <= len(short) or short in span.of(text).split():
        return None
    return span


def fold_one_by_one(text: str) -> str:
    """Return the text folded so that every character keeps its place."""
    return "".join((fold(sign) or " ")[0] for sign in text)


def _trim(text: str, start: int, end: int) -> Span | None:
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE:
        end -= 1
    return Span(start, end) if start < end else None
