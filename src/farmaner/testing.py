"""Fakes for tests: tokenizers, an encoder and a recognizer without torch, network or model.

    from farmaner.testing import fake_recognizer

    recognizer = fake_recognizer({"ibuprofeno": "NORMALIZABLES"})
    document = recognizer.recognize("Toma ibuprofeno.")

The tokenizers are real ones of the `tokenizers` library, made in memory, in milliseconds, of a
few invented pieces; they know every Spanish letter and cut most words into several pieces.
The encoder tags the terms it is given wherever it sees their pieces whole, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from farmaner.encoders import ModelSettings
from farmaner.errors import ConfigError
from farmaner.recognizer import MAX_BATCH_PIECES, Recognizer
from farmaner.tagging import OUTSIDE, Scheme, SchemeName
from farmaner.text import PieceTokenizer, split_words
from farmaner.text.pieces import SpecialPieces
from farmaner.windows import Batch, Context

TokenizerFamily = Literal["wordpiece", "metaspace", "bytelevel"]
"""How BERT, how XLM-R and how RoBERTa make pieces."""

FAKE_TERMS: Mapping[str, str] = {
    "penicilina": "NORMALIZABLES",
    "paracetamol": "NORMALIZABLES",
    "ácido fólico": "NORMALIZABLES",
    "extracto de valeriana": "NO_NORMALIZABLES",
    "albúmina": "PROTEINAS",
    "PCR": "PROTEINAS",
}

_SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
_ALPHABET = "abcdefghijklmnopqrstuvwxyzáéíóúüñABCDEFGHIJKLMNOPQRSTUVWXYZÁÉÍÓÚÑ0123456789"
_SIGNS = ".,;:()[]/%+-*<>=¿?¡!\"'ºª&"
_BEGINNINGS = "a al de del en el la con se por para y mg niega alergia dolor paci penici ácido"
_ENDINGS = "ente ina ol mol osa ado ada ico cilina etam rico lico úmina acto mente ción es"


def fake_settings(
    labels: Sequence[str] = tuple(dict.fromkeys(FAKE_TERMS.values())),
    *,
    scheme: SchemeName = "iob2",
    max_pieces: int = 128,
    context: Context = "none",
) -> ModelSettings:
    """Return the settings of a model that does not exist; they fit every fake tokenizer."""
    special = SpecialPieces(cls=2, sep=3, pad=0, unk=1)
    return ModelSettings("fake", tuple(labels), scheme, max_pieces, special, context=context)


def fake_tokenizer(family: TokenizerFamily = "wordpiece") -> PieceTokenizer:
    """Return a piece tokenizer of one family; ConfigError for a family there is not."""
    return PieceTokenizer(library_tokenizer(family), fake_settings().special_pieces)


def library_tokenizer(family: TokenizerFamily = "wordpiece") -> Tokenizer:
    """Return the `tokenizers` object behind `fake_tokenizer`, set up as its family's models are.

    wordpiece is cased (as multilingual BERT), bytelevel puts a space before the text (as RoBERTa
    for tagging). An emoji is unknown to the first two and four or more pieces to the third.
    """
    beginnings, endings = _BEGINNINGS.split(), _ENDINGS.split()
    if family == "wordpiece":
        later = [f"##{piece}" for piece in (*_ALPHABET, *endings)]
        pieces = [*_SPECIAL, *_ALPHABET, *_SIGNS, *beginnings, *later]
        vocabulary = {piece: number for number, piece in enumerate(pieces)}
        tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=_SPECIAL[1]))
        tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False, lowercase=False)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    elif family == "metaspace":
        first = [f"▁{piece}" for piece in beginnings]
        pieces = [*_SPECIAL, "▁", *_ALPHABET, *_SIGNS, *first, *endings]
        scores = [(piece, -1.0 - number / 1000) for number, piece in enumerate(pieces)]
        tokenizer = Tokenizer(models.Unigram(scores, unk_id=1))
        spaces = normalizers.Replace(Regex(" {2,}"), " ")
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), spaces])
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
        )
    elif family == "bytelevel":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        trainer = trainers.BpeTrainer(
            vocab_size=320,
            show_progress=False,
            special_tokens=list(_SPECIAL),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        )
        tokenizer.train_from_iterator(beginnings + endings, trainer)
    else:
        known = ", ".join(get_args(TokenizerFamily))
        raise ConfigError(f"tokenizer: expected one of {known}, found {family!r}")
    return tokenizer


class FakeEncoder:
    """Answers logits that depend on the piece ids of one window alone.

    A term is found wherever a window holds all its pieces in a row, whether or not more letters
    follow; of terms that overlap, the one that comes first in the window wins, then the longest.
    The first piece of each word of a term gets the word's tag; the word's later pieces get X in
    the scheme `paper` and, as pieces that nothing was ever learned for, the tag of the term's first
    word in the others, which a reader must not mistake for an entity. The tag chosen has the logit
    `confidence`, all others 0. `shapes` records (windows, pieces) of every call.
    """

    def __init__(
        self,
        scheme: Scheme,
        terms: Mapping[str, str],
        tokenizer: PieceTokenizer,
        *,
        confidence: float = 6.0,
    ) -> None:
        self.shapes: list[tuple[int, int]] = []
        self._scheme = scheme
        self._confidence = confidence
        self._special = tokenizer.special
        self._terms: dict[int, dict[tuple[int, ...], list[int]]] = {}  # by their first piece
        for term, label in terms.items():
            for text in (term, f"-{term}"):  # led by a space, and glued to a sign
                self._add(text, text.removesuffix(term), label, tokenizer)

    def _add(self, text: str, before: str, label: str, tokenizer: PieceTokenizer) -> None:
        words = split_words(text)
        pieces = tokenizer.encode(text, words)
        skipped = len(split_words(before))
        ids = pieces.ids[pieces.starts[skipped] :].tolist()
        counts = pieces.counts().tolist()[skipped:]
        of_words = self._scheme.entity_tags(label, len(counts))
        later = self._scheme.number("X") if self._scheme.name == "paper" else of_words[0]
        tags: list[int] = []
        for tag, count in zip(of_words, counts):
            tags += [tag, *[later] * (count - 1)]
        self._terms.setdefault(ids[0], {})[tuple(ids)] = tags

    def __call__(self, batch: Batch) -> NDArray[np.float32]:
        """Return float32 logits, (windows, pieces, tags)."""
        self.shapes.append(batch.piece_ids.shape)
        logits = np.zeros((*batch.piece_ids.shape, len(self._scheme.tags)), dtype=np.float32)
        for row, (ids, mask) in enumerate(zip(batch.piece_ids.tolist(), batch.mask.tolist())):
            tags = list(self._tags(ids[: sum(mask)]))
            logits[row, np.arange(len(tags)), tags] = self._confidence
        return logits

    def _tags(self, ids: list[int]) -> Iterator[int]:
        outside = self._scheme.number(OUTSIDE)
        tag_of = {}
        if self._scheme.name == "paper":
            tag_of[self._special.cls] = self._scheme.number("CLS")
            tag_of[self._special.sep] = self._scheme.number("SEP")
        place = 0
        while place < len(ids):
            terms = self._terms.get(ids[place], {})
            held = [term for term in terms if tuple(ids[place : place + len(term)]) == term]
            found = terms[max(held, key=len)] if held else [tag_of.get(ids[place], outside)]
            yield from found
            place += len(found)


def fake_recognizer(
    terms: Mapping[str, str] = FAKE_TERMS,
    *,
    scheme: SchemeName = "iob2",
    max_pieces: int = 128,
    context: Context = "none",
    family: TokenizerFamily = "wordpiece",
    max_batch_pieces: int = MAX_BATCH_PIECES,
) -> Recognizer:
    """Return a recognizer that finds `terms` (surface to label) and nothing else."""
    settings = fake_settings(
        tuple(dict.fromkeys(terms.values())), scheme=scheme, max_pieces=max_pieces, context=context
    )
    tokenizer = fake_tokenizer(family)
    encoder = FakeEncoder(settings.tagging_scheme(), terms, tokenizer)
    return Recognizer(
        encoder, tokenizer, settings, backend="fake", max_batch_pieces=max_batch_pieces
    )
