"""farmaner inside other frameworks; each is an extra of its own, imported by its users alone."""
