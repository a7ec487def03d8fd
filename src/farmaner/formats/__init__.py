"""Foreign formats, each confined to its own file."""
