"""`python -m farmaner`."""

from farmaner.cli import main

main()
