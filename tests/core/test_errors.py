"""The exit code of an error says whose turn it is, and the examples in docstrings hold."""

from __future__ import annotations

import doctest
import importlib
from types import ModuleType

import pytest
from tunegate.core import errors


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (errors.TunegateError, 4),
        (errors.IntegrityError, 4),
        (errors.InputError, 2),
        (errors.DataError, 2),
        (errors.RecipeError, 2),
        (errors.ModelError, 2),
        (errors.MissingExtraError, 2),
    ],
)
def test_the_exit_code_follows_the_tree(kind: type[errors.TunegateError], exit_code: int) -> None:
    """What the user can mend exits with 2, what is broken with 4, as the drawn tree says."""
    assert kind.exit_code == exit_code
    assert f"{kind.__name__} " in str(errors.__doc__)


@pytest.mark.parametrize(
    "name", ["errors", "store", "console", "prompts", "canonical", "turns", "models", "records", "blocks", "kinds"]
)
def test_examples_in_docstrings_hold(name: str) -> None:
    """What a docstring of the core shows is what happens."""
    module: ModuleType = importlib.import_module(f"tunegate.core.{name}")

    assert doctest.testmod(module).failed == 0
