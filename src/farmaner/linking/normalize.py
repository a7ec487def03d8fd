"""Keys: what two names of one concept have in common, from strict to lenient.

A key is a string; names with equal keys are taken for names of one thing. Four levels, each
coarser than the one before, measured one by one in `benchmarks/linking.py`:

- `plain`: lower case, single spaces.
- `squashed`: letters and digits alone, without accents; Greek letters and their Spanish or
  English names become one Latin letter (*β-HCG*, *beta-hCG*, *BHCG*).
- `inflected`: the set of words, each without its plural and gender ending and in a spelling
  that folds what sounds alike in Spanish (*amoxicilina/clavulánico*, *Gemzitabina*).
- `derived`: as before with derivational endings, head words that add nothing and words known
  to be alternatives folded (*sulfato magnésico*, *anticuerpos anti-DNA*, *valproico*).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, TypeAlias

from farmaner.linking.tables import (
    EMPTY_HEADS,
    GREEK_NAMES,
    GREEK_SIGNS,
    IG_CLASSES,
    STOP_WORDS,
    WORD_VARIANTS,
)

Level: TypeAlias = Literal["plain", "squashed", "inflected", "derived"]

_SIGNS = str.maketrans(GREEK_SIGNS | {"®": " ", "™": " ", "©": " ", "\u2019": "'"})
_NOT_KEY = re.compile(r"[^a-z0-9]+")
_BLANKS = re.compile(r"\s+")
_PLURAL_OF_CAPITALS = re.compile(r"(?<=[A-Z]{2})(?:s|['-][sS])\b|(?<=[A-Z])['’]s\b")
_ANTI = re.compile(
    r"\b(?:anti[- ]+|(?:frente|contra)\s+(?:al?\s+)?(?:el\s+|la\s+|los\s+|las\s+)?)(?=\w)",
    re.IGNORECASE,
)
_UNITS = re.compile(r"[a-z]+|\d+")
_GREEK_START = re.compile(rf"(?:{'|'.join(GREEK_NAMES)})(?=[a-z0-9]{{2}})")
_GREEK_END = re.compile(rf"(?<=[a-z0-9]{{2}})(?:{'|'.join(GREEK_NAMES)})$")
_ROMAN = MappingProxyType(
    {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
    | {"xi": "11", "xii": "12", "xiii": "13", "v": "5", "x": "10"}
)
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("ph", "f"),
        ("th", "t"),
        ("rh", "r"),
        ("ch", "c"),
        ("qu(?=[ei])", "k"),
        ("sc(?=[eiy])", "s"),
        ("c(?=[eiy])", "s"),
        ("[zx]", "s"),
        ("[cq]", "k"),
        ("g(?=[eiy])", "j"),
        ("y", "i"),
        ("[vw]", "b"),
        ("h", ""),
        ("m(?=[^aeiou]|$)", "n"),
        (r"([a-z])\1+", r"\1"),
    )
)
_DERIVATION = re.compile(r"(?<=[a-z]{3})(?:ik|i|at)$")


def fold(text: str) -> str:
    """Return the text in lower case without accents, Greek letters spelled out."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_SIGNS).lower())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).translate(_SIGNS)


def plain_key(text: str) -> str:
    """Return the text in lower case with single spaces."""
    return _BLANKS.sub(" ", text.lower()).strip()


def squashed_key(text: str) -> str:
    """Return the folded text's letters and digits, Greek names as one letter."""
    squashed = _NOT_KEY.sub("", fold(text))
    squashed = _GREEK_START.sub(_one_letter, squashed, count=1)
    return _GREEK_END.sub(_one_letter, squashed)


def split_key_words(text: str) -> list[str]:
    """Return the folded text's runs of letters and runs of digits, plurals of capitals undone."""
    return _UNITS.findall(fold(_PLURAL_OF_CAPITALS.sub("", text)))


def inflected_key(text: str) -> str:
    """Return the text's words without endings, sorted, stop words and repetitions left out."""
    words = _arabic(_PLURAL_OF_CAPITALS.sub("", text))
    kept = [word for word in words if word not in STOP_WORDS] or words
    return " ".join(sorted({stem(word) for word in kept}))


def derived_key(text: str) -> str:
    """Return the text's words as in `inflected_key`, coarser: see the module's description."""
    return " ".join(sorted({_DERIVATION.sub("", word) for word in core_stems(text)}))


def core_stems(text: str) -> list[str]:
    """Return the stems of a name's words in order, without heads and stop words.

    *Anti* is joined to what follows it, and says all that an immunoglobulin's class would.
    """
    words = _arabic(_ANTI.sub("anti", _PLURAL_OF_CAPITALS.sub("", text)))
    several = len(words) > 1
    folded: list[str] = []
    for index, word in enumerate(words):
        before_number = index + 1 < len(words) and words[index + 1].isdigit()
        folded += variants(word, several=several, before_number=before_number)
    if any(word.startswith("anti") and len(word) > 5 for word in folded):
        folded = [word for word in folded if word not in IG_CLASSES]
    words = [word for word in folded if word not in STOP_WORDS] or folded
    kept = [word for word in words if word not in EMPTY_HEADS] or words
    return [stem(word) for word in kept]


def variants(word: str, *, several: bool, before_number: bool) -> tuple[str, ...]:
    """Return the words that a word stands for inside a name: *dna* for *adn*, and so on."""
    if word.startswith("anti") and word[4:] in WORD_VARIANTS["always"]:
        return tuple("anti" + part for part in WORD_VARIANTS["always"][word[4:]])
    kind = "before number" if before_number else "in a name" if several else "alone"
    return WORD_VARIANTS[kind].get(word) or WORD_VARIANTS["always"].get(word) or (word,)


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return a word of letters without plural and gender ending, spelled as it sounds.

    Words of four letters lose a plural *s* alone, shorter ones nothing: most are abbreviations.
    """
    if len(word) < 5:
        return word[:-1] if len(word) == 4 and word.endswith("s") else word
    if len(word) > 3:
        if word.endswith("es") and word[-3] in "nrldzs":
            word = word[:-2]
        elif word.endswith("s"):
            word = word[:-1]
        if len(word) > 3 and word[-1] in "aeo":
            word = word[:-1]
    for pattern, sound in _SOUNDS:
        word = pattern.sub(sound, word)
    return word


KEYS: Mapping[Level, Callable[[str], str]] = MappingProxyType(
    {
        "plain": plain_key,
        "squashed": squashed_key,
        "inflected": inflected_key,
        "derived": derived_key,
    }
)


def _arabic(text: str) -> list[str]:
    """Return a text's words with Roman numerals after the first word in Arabic figures."""
    words = _UNITS.findall(fold(text))
    return words[:1] + [_ROMAN.get(word, word) for word in words[1:]]


def _one_letter(match: re.Match[str]) -> str:
    return GREEK_NAMES[match[0]]
