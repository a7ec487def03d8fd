"""farmaner as a part of other people's frameworks; each is an extra of its own."""
