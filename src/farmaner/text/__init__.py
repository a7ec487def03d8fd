"""From text to sentences, words and pieces; nothing is normalized in place."""

from farmaner.text.lexicon import Lexicon, read_lexicon
from farmaner.text.pieces import Pieces, PieceTokenizer
from farmaner.text.sentences import split_sentences
from farmaner.text.words import Words, split_words

__all__ = [
    "Lexicon",
    "PieceTokenizer",
    "Pieces",
    "Words",
    "read_lexicon",
    "split_sentences",
    "split_words",
]
