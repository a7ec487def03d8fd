"""Tagging schemes, and entities to word tags and back."""

from farmaner.tagging.codec import Encoded, TaggedEntity, best_tags, decode_tags, encode_entities
from farmaner.tagging.foreign import ForeignTags, read_foreign_tags
from farmaner.tagging.schemes import IGNORED, OUTSIDE, Scheme, SchemeName

__all__ = [
    "IGNORED",
    "OUTSIDE",
    "Encoded",
    "ForeignTags",
    "Scheme",
    "SchemeName",
    "TaggedEntity",
    "best_tags",
    "decode_tags",
    "encode_entities",
    "read_foreign_tags",
]
