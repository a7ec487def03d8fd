"""Tagging schemes, and entities to word tags and back."""

from farmaner.tagging.codec import Encoded, TaggedEntity, decode_tags, encode_entities
from farmaner.tagging.schemes import IGNORED, Scheme, SchemeName

__all__ = [
    "IGNORED",
    "Encoded",
    "Scheme",
    "SchemeName",
    "TaggedEntity",
    "decode_tags",
    "encode_entities",
]
