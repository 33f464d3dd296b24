"""Numbers read the same everywhere; the examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunegate.reports import figures

MODULES = ("checks", "document", "escape", "figures", "ledgers", "markup", "plots", "terminal", "worddiff")
NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name: str) -> None:
    """What a docstring shows is what the function gives."""
    assert doctest.testmod(importlib.import_module(f"tunegate.reports.{name}")).failed == 0


@pytest.mark.parametrize(
    ("function", "arguments", "text"),
    [
        (figures.score, (0.0, "points"), "0.0"),
        (figures.score, (1.0, "points"), "100.0"),
        (figures.score, (NAN, "points"), "–"),
        (figures.score, (1234.5678, "number"), "1234.568"),
        (figures.change, (0.0004, "points"), "0.0"),
        (figures.change, (-0.0004, "fine"), "−0.04"),
        (figures.change, (-INFINITE, "number"), "−∞"),
        (figures.interval, (-0.0001, 0.0001, "points"), "[0.0, 0.0]"),
        (figures.flips, (0, 12345), "−0 +12,345"),
        (figures.share, (0, 0), "–"),
        (figures.share, (5, 5), "100 %"),
        (figures.p_value, (0.0, ), "<0.001"),
        (figures.p_value, (1.0, ), "1.000"),
        (figures.p_value, (NAN, ), "–"),
        (figures.measure, (-0.5, ), "−0.5"),
        (figures.measure, (INFINITE, ), "–"),
        (figures.duration, (None, ), "–"),
        (figures.duration, (3599.9, ), "1 h 0 min"),
        (figures.plural, (1, "class", "classes"), "1 class"),
    ],
)  # fmt: skip
def test_a_number_reads_as_the_table_says(
    function: Callable[..., str], arguments: tuple[object, ...], text: str
) -> None:
    """One table of old value and new text for every formatter."""
    assert function(*arguments) == text


@given(st.floats(-1, 1))
def test_a_difference_has_one_sign_and_never_minus_nothing(value: float) -> None:
    """`−0.0` would read as a loss."""
    text = figures.change(value, "points")

    assert text[0] in "+−" or text == "0.0"
    assert text not in ("−0.0", "+0.0")
