"""`python -m tunegate`."""

from .cli import main

main()
