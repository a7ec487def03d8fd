"""Documents as tagged words, what both CoNLL formats are made of, in both directions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from farmaner.document import Document, Entity, Span
from farmaner.formats.losses import Holds, Loss, Losses, fit
from farmaner.formats.reading import Where
from farmaner.tagging import Scheme, decode_tags, encode_entities
from farmaner.text import split_sentences, split_words

HOLDS = Holds(scores=False, codes=False, code_scores=False, fragments=False, overlaps=False)


@dataclass(frozen=True, slots=True)
class TaggedWord:
    """A word of a document, its place there and its IOB2 tag."""

    text: str
    span: Span
    tag: str


def tag_words(document: Document, losses: Losses) -> list[list[TaggedWord]]:
    """Return a document's sentences as tagged words, and count what tags cannot say.

    Words and sentences are those of `farmaner.text`; a sentence without words is left out.
    """
    document = fit(document, HOLDS, losses)
    words = split_words(document.text)
    scheme = _scheme(entity.label for entity in document.entities)
    encoded = encode_entities(document.entities, words, scheme)
    wordless = [entity for entity in encoded.dropped if not entity.text.strip()]
    losses[Loss.WORDLESS] += len(wordless)
    losses[Loss.OVERLAP] += len(encoded.dropped) - len(wordless)  # over one another once widened
    losses[Loss.BOUNDARY] += len(encoded.widened)
    tagged = [
        TaggedWord(word.of(document.text), word, scheme.tags[tag])
        for word, tag in zip(words, encoded.tags, strict=True)
    ]
    sentences: list[list[TaggedWord]] = []
    first = 0
    for sentence in split_sentences(document.text):
        last = first
        while last < len(tagged) and tagged[last].span.start < sentence.end:
            last += 1
        if last > first:
            sentences.append(tagged[first:last])
        first = last
    return sentences


def read_tags(
    text: str, words: Sequence[Span], tags: Sequence[str], where: Sequence[Where]
) -> tuple[Entity, ...]:
    """Return the entities that the tags of words spell; FormatError for a tag that is none."""
    for tag, place in zip(tags, where, strict=True):
        prefix, _, label = tag.partition("-")
        if tag != "O" and (prefix not in ("B", "I") or not label):
            raise place.error("a tag O, B-LABEL or I-LABEL", "another")
    scheme = _scheme(tag.partition("-")[2] for tag in tags if tag != "O")
    numbers = {tag: number for number, tag in enumerate(scheme.tags)}
    found = decode_tags([numbers[tag] for tag in tags], scheme)
    spans = [(Span(words[one.start].start, words[one.end - 1].end), one.label) for one in found]
    return tuple(Entity(span, label, span.of(text)) for span, label in spans)


def _scheme(labels: Iterable[str]) -> Scheme:
    return Scheme("iob2", tuple(Counter(labels)) or ("NONE",))
