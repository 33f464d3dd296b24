"""Numbers to text: the one place where a report decides on decimals, signs and units.

Scores of binary items are shares and read as percentages, their differences as percentage points; any other metric
keeps its own scale. A figure that is absent reads `–`.
"""

from __future__ import annotations

import math
from typing import Literal

Unit = Literal["points", "fine", "number"]
"""points: shares with one decimal; fine: shares with two (a mean over many items); number: the metric's own scale."""

ABSENT = "–"
MINUS = "−"
_DECIMALS = {"points": 1, "fine": 2}


def count(value: int | None) -> str:
    """A number of things.

    >>> count(12345)
    '12,345'
    """
    return ABSENT if value is None else f"{value:,}"


def plural(value: int, one: str, many: str | None = None) -> str:
    """A number of things with their name.

    >>> plural(1, "row"), plural(2000, "row"), plural(0, "class", "classes")
    ('1 row', '2,000 rows', '0 classes')
    """
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def share(part: float, whole: float) -> str:
    """A part of a whole as a percentage; neither nothing nor everything is ever rounded to.

    >>> share(1, 3), share(0, 3), share(1, 100_000), share(99_999, 100_000)
    ('33.3 %', '0 %', '<0.1 %', '>99.9 %')
    """
    if not whole:
        return ABSENT
    ratio = 100 * part / whole
    if ratio in (0, 100):
        return f"{ratio:.0f} %"
    if ratio < 0.1:
        return "<0.1 %"
    return ">99.9 %" if ratio > 99.9 else f"{ratio:.1f} %"


def score(value: float | None, unit: Unit) -> str:
    """The level of a metric, without its unit.

    >>> score(0.8451, "points"), score(0.8451, "fine"), score(1.23456, "number"), score(None, "points")
    ('84.5', '84.51', '1.235', '–')
    """
    return _fixed(value, unit, signed=False)


def change(value: float | None, unit: Unit) -> str:
    """A difference, always with its sign unless it rounds to nothing.

    >>> change(-0.031, "points"), change(0.2, "points"), change(-0.0001, "points"), change(0.5, "number")
    ('−3.1', '+20.0', '0.0', '+0.500')
    """
    return _fixed(value, unit, signed=True)


def interval(low: float | None, high: float | None, unit: Unit) -> str:
    """Both ends of an interval of a difference.

    >>> interval(-0.05, 0.012, "points"), interval(None, 0.1, "points")
    ('[−5.0, +1.2]', '–')
    """
    if low is None or high is None:
        return ABSENT
    return f"[{change(low, unit)}, {change(high, unit)}]"


def level(left_out: float) -> str:
    """What an interval or a bound covers, given the share that it leaves out.

    >>> level(0.1), level(0.05), level(0.01114), level(1e-9)
    ('90 %', '95 %', '98.9 %', '> 99.9 %')
    """
    covered = f"{100 * (1 - left_out):.1f}"
    return "> 99.9 %" if covered == "100.0" else f"{covered.removesuffix('.0')} %"


def flips(lost: int | None, gained: int | None) -> str:
    """Items that got worse and better.

    >>> flips(70, 6), flips(None, None)
    ('−70 +6', '–')
    """
    return ABSENT if lost is None or gained is None else f"{MINUS}{lost:,} +{gained:,}"


def unit_name(unit: Unit) -> str:
    """What follows a difference in a sentence; empty for a metric on its own scale."""
    return "" if unit == "number" else " points"


def percent_sign(unit: Unit) -> str:
    """What follows a score in a sentence."""
    return "" if unit == "number" else " %"


def p_value(value: float | None) -> str:
    """A probability of a test.

    >>> p_value(0.0312), p_value(0.0000001), p_value(None)
    ('0.031', '<0.001', '–')
    """
    if value is None or math.isnan(value):
        return ABSENT
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def measure(value: float | None) -> str:
    """A loss, learning rate or similarity: four significant digits.

    >>> measure(2.30258), measure(3e-5), measure(12345.6), measure(None)
    ('2.303', '3e-05', '1.235e+04', '–')
    """
    return ABSENT if value is None else _significant(value)


def similarity(value: float | None) -> str:
    """A Jaccard similarity; 1 only where nothing differs.

    >>> similarity(0.9166), similarity(0.9999), similarity(1.0), similarity(None)
    ('0.92', '>0.99', '1', '–')
    """
    if value is None:
        return ABSENT
    return "1" if value == 1 else ">0.99" if value >= 0.995 else f"{value:.2f}"


def duration(seconds: float | None) -> str:
    """A span of time in its two largest units.

    >>> duration(0.25), duration(59.96), duration(75), duration(3725), duration(90_000)
    ('0.2 s', '1 min 0 s', '1 min 15 s', '1 h 2 min', '1 d 1 h')
    """
    if seconds is None:
        return ABSENT
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, name, lesser, lesser_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {name} {whole % size // lesser} {lesser_name}"
    return f"{whole} s"


def _fixed(value: float | None, unit: Unit, *, signed: bool) -> str:
    if value is None or math.isnan(value):
        return ABSENT
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{abs(value):.3f}" if unit == "number" else f"{abs(100 * value):.{_DECIMALS[unit]}f}"
    if not float(text):
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def _significant(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return ABSENT
    return f"{value:.4g}".replace("-", MINUS, 1) if value < 0 else f"{value:.4g}"


def axis_label(value: float, unit: Unit) -> str:
    """A tick of a scale of differences, as short as it can be.

    >>> axis_label(-0.15, "points"), axis_label(0.0, "points"), axis_label(0.025, "points")
    ('−15', '0', '+2.5')
    """
    shown = value if unit == "number" else 100 * value
    return f"{shown:+.3g}".replace("-", MINUS) if shown else "0"
