"""Differences and limits to the words of a check's reason."""

from __future__ import annotations

from ...core.results import Check


def amount(value: float, scale: str, *, signed: bool = False) -> str:
    """A difference in points (hundredths), or in its own unit where the score is a ratio.

    >>> amount(0.05, "binary"), amount(-0.0213, "binary", signed=True), amount(0.02, "ratio")
    ('5.0 points', '-2.1 points', '0.0200')
    """
    sign = "+" if signed else ""
    return f"{value:{sign}.4f}" if scale == "ratio" else f"{100 * value:{sign}.1f} points"


def change(check: Check) -> str:
    """What was seen, with its interval."""
    delta, low, high = (value or 0.0 for value in (check.delta, check.low, check.high))
    if check.scale == "ratio":
        return f"{delta:+.4f} ({low:+.4f} to {high:+.4f})"
    return f"{100 * delta:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
