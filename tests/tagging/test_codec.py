"""Entities to word tags and back: the identity where tags can express it, counted where not."""

import re
from itertools import groupby, pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmaner.document import Document, Entity, Span
from farmaner.tagging import (
    Encoded,
    Scheme,
    SchemeName,
    TaggedEntity,
    best_tags,
    decode_tags,
    encode_entities,
)
from farmaner.text import split_words

TEXT = "Toma ácido fólico, IgG-anti y AAS 100mg."
#       0    5     11    17 19 22-23  28 30  34 37
DOCUMENT = Document("d", TEXT)
WORDS = split_words(TEXT)
SCHEME = Scheme("iob2", ("N", "P"))
_, B_N, I_N, B_P, I_P = range(5)  # _ is _, outside
both_schemes = pytest.mark.parametrize("name", ["iob2", "paper"])


def encode(*entities: Entity) -> Encoded:
    return encode_entities(entities, WORDS, SCHEME)


def test_an_entity_is_b_on_its_first_word_and_i_on_the_others() -> None:
    encoded = encode(DOCUMENT.entity("N", 5, 17), DOCUMENT.entity("P", 19, 22))

    # Toma ácido fólico , IgG - anti y AAS 100 mg .
    assert encoded == Encoded([_, B_N, I_N, _, B_P, _, _, _, _, _, _, _], (), ())


def test_a_document_without_entities_is_all_outside() -> None:
    assert encode() == Encoded([_] * 12, (), ())
    assert encode_entities([], split_words(""), SCHEME) == Encoded([], (), ())


def test_the_order_of_entities_does_not_matter() -> None:
    entities = [DOCUMENT.entity("P", 19, 22), DOCUMENT.entity("N", 5, 17)]

    assert encode(*entities) == encode(*reversed(entities))


@pytest.mark.parametrize(
    ("start", "end"),
    [(6, 17), (5, 16), (7, 15)],
    ids=["begins inside a word", "ends inside a word", "both"],
)
def test_an_entity_inside_words_is_widened_to_them_and_reported(start: int, end: int) -> None:
    entity = DOCUMENT.entity("N", start, end)

    assert encode(entity) == Encoded([_, B_N, I_N, *[_] * 9], (entity,), ())


def test_an_entity_with_white_space_around_is_tagged_on_its_words_and_reported() -> None:
    entity = DOCUMENT.entity("N", 4, 17)

    assert encode(entity) == Encoded([_, B_N, I_N, *[_] * 9], (entity,), ())


def test_an_entity_of_white_space_alone_is_dropped_and_reported() -> None:
    entity = DOCUMENT.entity("N", 4, 5)

    assert encode(entity) == Encoded([_] * 12, (), (entity,))


def test_of_overlapping_entities_the_first_and_then_the_longest_stays() -> None:
    whole, begin = DOCUMENT.entity("N", 5, 17), DOCUMENT.entity("P", 5, 10)
    inner, after = DOCUMENT.entity("P", 11, 17), DOCUMENT.entity("N", 11, 22)

    assert encode(after, inner, begin, whole) == Encoded(
        [_, B_N, I_N, *[_] * 9], (), (begin, after, inner)
    )


def test_two_entities_in_one_word_are_one_widened_and_one_dropped() -> None:
    first, second = DOCUMENT.entity("N", 11, 13), DOCUMENT.entity("P", 13, 17)

    assert encode(first, second) == Encoded([_, _, B_N, *[_] * 9], (first,), (second,))


def test_a_discontinuous_entity_is_dropped_and_reported() -> None:
    fragments = (Span(5, 10), Span(19, 22))
    entity = Entity(Span(5, 22), "N", "ácido IgG", fragments=fragments)

    assert encode(entity) == Encoded([_] * 12, (), (entity,))


def test_entities_of_labels_that_are_not_learned_are_left_out_on_purpose() -> None:
    """A label outside the scheme is a choice of the user, not a loss of the tags."""
    unclear = DOCUMENT.entity("UNCLEAR", 5, 17)

    assert encode(unclear, DOCUMENT.entity("N", 11, 17)) == Encoded([_, _, B_N, *[_] * 9], (), ())


def naive_reading(tags: list[str]) -> list[TaggedEntity]:
    """Read tags by another road: mark where entities begin, then group the words between."""
    owner: list[tuple[int, str] | None] = []
    for index, tag in enumerate(tags):
        prefix, label = tag[:1], tag[2:]
        before = owner[-1] if owner else None
        if tag in ("O", "X", "CLS", "SEP"):
            owner.append(None)
        elif prefix == "I" and before is not None and before[1] == label:
            owner.append(before)
        else:
            owner.append((index, label))
    return [
        TaggedEntity(key[0], key[0] + len(list(group)), key[1])
        for key, group in groupby(owner)
        if key is not None
    ]


@both_schemes
@pytest.mark.parametrize("length", range(5))
def test_every_sequence_of_tags_is_read_as_a_naive_reader_does(
    name: SchemeName, length: int
) -> None:
    scheme = Scheme(name, ("N", "P"))
    for numbers in product(range(len(scheme.tags)), repeat=length):
        tags = [scheme.tags[number] for number in numbers]

        assert decode_tags(numbers, scheme) == naive_reading(tags), tags


@pytest.mark.parametrize(
    ("tags", "entities"),
    [
        ("I-N I-N", [(0, 2, "N")]),
        ("B-N I-P", [(0, 1, "N"), (1, 2, "P")]),
        ("B-N B-N I-N", [(0, 1, "N"), (1, 3, "N")]),
        ("B-N O I-N", [(0, 1, "N"), (2, 3, "N")]),
        ("B-N X I-N", [(0, 1, "N"), (2, 3, "N")]),
        ("CLS B-P I-P SEP", [(1, 3, "P")]),
        ("O X O", []),
        ("", []),
    ],
)
def test_invalid_sequences_have_a_reading(tags: str, entities: list[tuple[int, int, str]]) -> None:
    scheme = Scheme("paper", ("N", "P"))
    numbers = [scheme.number(tag) for tag in tags.split()]

    assert decode_tags(numbers, scheme) == [TaggedEntity(*entity) for entity in entities]


@pytest.mark.parametrize(
    ("tags", "entities"),
    [
        ("S-N B-N E-N S-P", [(0, 1, "N"), (1, 3, "N"), (3, 4, "P")]),
        ("B-N I-N E-N I-N", [(0, 3, "N"), (3, 4, "N")]),
        ("E-N B-P E-N", [(0, 1, "N"), (1, 2, "P"), (2, 3, "N")]),
        ("B-N S-N O I-P", [(0, 1, "N"), (1, 2, "N"), (3, 4, "P")]),
        ("B-N E-N E-N", [(0, 2, "N"), (2, 3, "N")]),
    ],
)
def test_bioes_ends_entities_by_their_last_word(
    tags: str, entities: list[tuple[int, int, str]]
) -> None:
    scheme = Scheme("bioes", ("N", "P"))
    numbers = [scheme.number(tag) for tag in tags.split()]

    assert decode_tags(numbers, scheme) == [TaggedEntity(*entity) for entity in entities]


def is_allowed(tags: list[str]) -> bool:
    """Whether a sequence is one that some entities are written as, by another road."""
    spelled = " ".join(tags)
    for label in ("N", "P"):
        spelled = re.sub(rf"B-{label}( I-{label})*", "O", spelled)
    return "-" not in spelled


@pytest.mark.parametrize("name", ["iob2", "paper"])
@given(numbers=st.lists(st.lists(st.integers(-6, 6), min_size=8, max_size=8), max_size=4))
def test_the_best_tags_are_those_of_the_best_of_all_allowed_sequences(
    name: SchemeName, numbers: list[list[int]]
) -> None:
    scheme = Scheme(name, ("N", "P"))
    n_tags = len(scheme.tags)
    logits = np.array(numbers, dtype=np.float32).reshape(-1, 8)[:, :n_tags]
    found = best_tags(logits, scheme).tolist()
    sums = {
        tags: sum(logits[word, tag] for word, tag in enumerate(tags))
        for tags in product(range(n_tags), repeat=len(logits))
        if is_allowed([scheme.tags[tag] for tag in tags])
    }

    assert sums[tuple(found)] == max(sums.values())


def test_an_i_after_an_o_joins_or_opens_by_what_the_model_thinks_of_all_words() -> None:
    logits = np.full((3, 5), -9.0, dtype=np.float32)
    logits[0, [B_N, _]] = 3.0, 2.0
    logits[1, [_, I_N]] = 1.0, 0.9
    logits[2, I_N] = 5.0

    assert logits.argmax(axis=1).tolist() == [B_N, _, I_N]
    assert best_tags(logits, SCHEME).tolist() == [B_N, I_N, I_N]
    logits[1, [_, I_N]] = 1.0, -20.0
    logits[2, B_N] = 4.5
    assert best_tags(logits, SCHEME).tolist() == [B_N, _, B_N]


def test_without_words_there_are_no_tags() -> None:
    assert best_tags(np.empty((0, 5), dtype=np.float32), SCHEME).tolist() == []


def test_bioes_finishes_what_it_begins_and_io_allows_everything() -> None:
    scheme = Scheme("bioes", ("N",))  # O B I E S
    logits = np.zeros((2, 5), dtype=np.float32)
    logits[0, 1] = logits[1, 0] = 2.0
    logits[1, 3] = 1.0
    assert best_tags(logits, scheme).tolist() == [1, 3]
    logits = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=np.float32)
    assert best_tags(logits, Scheme("io", ("N", "P"))).tolist() == [1, 2, 0]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Draw a document whose entities do not overlap and lie on word boundaries."""
    text = draw(st.text(alphabet="aáZβ\u0301 0-(/.\n💊", max_size=60))
    words = split_words(text)
    edges = sorted(draw(st.sets(st.integers(0, len(words)))))
    document, entities = Document("d", text), list[Entity]()
    for first, last in pairwise(edges):
        if label := draw(st.sampled_from(["N", "P", ""])):
            entities.append(document.entity(label, words[first].start, words[last - 1].end))
    return document.with_entities(entities)


@pytest.mark.parametrize("name", ["iob2", "paper", "bioes"])
@given(document=documents())
def test_entities_on_word_boundaries_survive_encoding_and_decoding(
    name: SchemeName, document: Document
) -> None:
    scheme, words = Scheme(name, ("N", "P")), split_words(document.text)
    encoded = encode_entities(document.entities, words, scheme)
    decoded = [
        document.entity(found.label, words[found.start].start, words[found.end - 1].end)
        for found in decode_tags(encoded.tags, scheme)
    ]

    assert (encoded.widened, encoded.dropped) == ((), ())
    assert decoded == list(document.entities)
    surest = np.eye(len(scheme.tags), dtype=np.float32)[encoded.tags].reshape(-1, len(scheme.tags))
    assert best_tags(surest, scheme).tolist() == encoded.tags
    steps = pairwise([None, *encoded.tags, None])
    assert all(scheme.allows(before, after) for before, after in steps)


@given(
    text=st.text(alphabet="aáZ 0-.\n", min_size=1, max_size=40),
    cuts=st.lists(st.tuples(st.integers(0, 39), st.integers(1, 40), st.sampled_from("NPU"))),
)
def test_every_entity_is_decoded_widened_dropped_or_of_no_known_label(
    text: str, cuts: list[tuple[int, int, str]]
) -> None:
    document, words = Document("d", text), split_words(text)
    entities = [
        document.entity(label, start, end) for start, end, label in cuts if start < end <= len(text)
    ]
    encoded = encode_entities(entities, words, SCHEME)
    decoded = {
        (found.label, words[found.start].start, words[found.end - 1].end)
        for found in decode_tags(encoded.tags, SCHEME)
    }
    known = [entity for entity in entities if entity.label != "U"]
    inexact = [*encoded.widened, *encoded.dropped]

    exact = [entity for entity in known if entity not in inexact]
    assert {entity.key for entity in exact} <= decoded
    assert len(decoded) == len(known) - len(encoded.dropped)
    assert all(entity in known for entity in inexact)
