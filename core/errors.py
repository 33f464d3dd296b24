"""Every error tunegate raises on purpose, and the exit code that each one means.

TunegateError              4   something is broken that the user did not cause
├── IntegrityError         4   results do not fit together: missing items, foreign or damaged files
└── InputError             2   the user can mend it: the message says what, where, which value, and how
    ├── DataError          2   a data file, a column or every row of it
    ├── RecipeError        2   one or more keys of a recipe (all problems at once)
    ├── ModelError         2   a model folder, tokenizer or chat template
    └── MissingExtraError  2   an optional dependency is not installed
"""

from __future__ import annotations


class TunegateError(Exception):
    """Root of the tree; its message is shown to the user as it is, without a traceback."""

    exit_code = 4


class IntegrityError(TunegateError):
    """Two things that must agree do not: item sets, prompts, hashes, a truncated or foreign results file."""


class InputError(TunegateError):
    """The user gave something that cannot be used; the message names place, value and remedy."""

    exit_code = 2


class DataError(InputError):
    """A data file cannot be read, or has no usable row."""


class RecipeError(InputError):
    """A recipe has one or more problems; the message lists all of them, one a line."""


class ModelError(InputError):
    """A model cannot be loaded, or cannot do what the recipe asks of it."""


class MissingExtraError(InputError):
    """An optional dependency is missing.

    >>> str(MissingExtraError("langid", "fasttext"))
    "'fasttext' is not installed; run: pip install 'tunegate[langid]'"
    """

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(f"{package!r} is not installed; run: pip install 'tunegate[{extra}]'")
