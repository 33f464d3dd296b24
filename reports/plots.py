"""Numbers to inline SVG: intervals on one scale, bars, curves; drawn in percent, so that they fit any width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import figures
from .escape import clip
from .figures import Unit
from .markup import Html, join, tag, text

LABEL_TEXT = 200
"""Characters of what a screen reader says of a plot."""
MAX_POINTS = 400
"""Points a curve keeps; beyond that it is thinned evenly, its ends kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A range of values laid over the width of a plot."""

    low: float
    high: float

    def place(self, value: float) -> str:
        """Where a value stands, as a percentage inside the plot.

        >>> Scale(low=-1.0, high=1.0).place(0.5)
        '75%'
        """
        share = (value - self.low) / (self.high - self.low)
        return f"{100 * min(max(share, 0.0), 1.0):.6g}%"

    def width(self, start: float, end: float) -> str:
        """The distance of two values as a percentage."""
        inside = [min(max(value, self.low), self.high) for value in (start, end)]
        return f"{100 * abs(inside[1] - inside[0]) / (self.high - self.low):.6g}%"


def scale_over(values: Iterable[float | None], *, pad: float = 0.06) -> Scale:
    """A scale that holds all finite values and zero, with a little room at both ends."""
    known = [0.0, *(value for value in values if value is not None and math.isfinite(value))]
    low, high = min(known), max(known)
    room = (high - low) * pad or 0.01
    return Scale(low=low - room, high=high + room)


def ticks(scale: Scale, count: int = 5) -> list[float]:
    """Round values inside a scale, at most about `count`.

    >>> ticks(Scale(low=-0.17, high=0.03))
    [-0.15, -0.1, -0.05, 0.0]
    """
    span = scale.high - scale.low
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first, last = math.ceil(scale.low / step), math.floor(scale.high / step)
    return [round(number * step, 12) + 0.0 for number in range(first, last + 1)]


def interval_plot(
    scale: Scale, *, delta: float, low: float | None, high: float | None, margin: float | None, state: str, label: str
) -> Html:
    """A dot with its interval beside zero, over the band of loss that the margin allows."""
    parts = []
    if margin:
        band = {"x": scale.place(-margin), "width": scale.width(-margin, 0.0), "y": 0, "height": "100%"}
        parts.append(tag("rect", class_="band", **band))
        parts.append(_upright(scale.place(-margin), "limit"))
    parts.append(_upright(scale.place(0.0), "zero"))
    if low is not None and high is not None:
        ends = {"x1": scale.place(low), "x2": scale.place(high), "y1": "50%", "y2": "50%"}
        parts.append(tag("line", class_=f"span {state}", **ends))
    parts.append(tag("circle", cx=scale.place(delta), cy="50%", r=5, class_=f"dot {state}"))
    return _svg(parts, "interval", label)


def axis(scale: Scale, unit: Unit) -> Html:
    """The ticks above a column of interval plots."""
    marks = [
        tag("text", text(figures.axis_label(value, unit)), x=scale.place(value), y="75%", text_anchor="middle")
        for value in ticks(scale)
    ]
    return _svg(marks, "axis", "scale of the differences")


def bar(scale: Scale, value: float, *, kind: str, label: str) -> Html:
    """A bar from zero to a value."""
    start = min(value, 0.0)
    shape = tag("rect", x=scale.place(start), width=scale.width(0.0, value), y="15%", height="70%", class_=kind)
    return _svg([shape, _upright(scale.place(0.0), "zero")], "bar", label)


def before_after(before: int, after: int, largest: int, label: str) -> Html:
    """How much of a class is left: the whole as a pale bar, what stays over it."""
    scale = Scale(low=0.0, high=float(max(largest, 1)))
    pale = tag("rect", x=0, width=scale.place(before), y="20%", height="60%", class_="pale")
    full = tag("rect", x=0, width=scale.place(after), y="20%", height="60%", class_="solid")
    return _svg([pale, full], "bar", label)


def curve(series: Sequence[tuple[str, Sequence[tuple[float, float]]]], label: str) -> Html:
    """Lines over a common pair of axes: (name, points) each; an empty string where no line has two points."""
    lines = [(name, _thin(_finite(points))) for name, points in series]
    drawn = [(name, points) for name, points in lines if len(points) > 1]
    if not drawn:
        return Html("")
    xs = [x for _, points in drawn for x, _ in points]
    ys = [y for _, points in drawn for _, y in points]
    across = Scale(low=min(xs), high=max(max(xs), min(xs) + 1e-9))
    room = (max(ys) - min(ys)) * 0.08 or 0.05
    up = Scale(low=min(ys) - room, high=max(ys) + room)
    paths = [
        tag("path", d=_path(points, across, up), class_=f"line s{place}", vector_effect="non-scaling-stroke")
        for place, (_, points) in enumerate(drawn)
    ]
    plot = tag(
        "svg", *_grid_lines(up), *paths, viewBox="0 0 1000 260", preserveAspectRatio="none", role="img",
        aria_label=label, class_="curve",
    )  # fmt: skip
    upright = [tag("span", text(figures.measure(value))) for value in (max(ys), min(ys))]
    ends = [tag("span", text(f"step {value:,.0f}")) for value in (across.low, across.high)]
    legend = [tag("span", text(name), class_=f"key s{place}") for place, (name, _) in enumerate(drawn)]
    return tag(
        "figure",
        tag("figcaption", text(label), tag("span", *legend, class_="legend")),
        tag("div", tag("div", *upright, class_="y-axis"), plot, class_="plot"),
        tag("div", *ends, class_="x-axis"),
    )


def _path(points: Sequence[tuple[float, float]], across: Scale, up: Scale) -> str:
    pairs = [
        f"{1000 * (x - across.low) / (across.high - across.low):.1f} {260 * (up.high - y) / (up.high - up.low):.1f}"
        for x, y in points
    ]
    return "M" + "L".join(pairs)


def _grid_lines(up: Scale) -> list[Html]:
    heights = [260 * (up.high - value) / (up.high - up.low) for value in ticks(up, 4)]
    return [
        tag("line", x1=0, x2=1000, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid", vector_effect="non-scaling-stroke")
        for y in heights
    ]


def _finite(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(points) <= MAX_POINTS:
        return points
    step = (len(points) - 1) / (MAX_POINTS - 1)
    return [points[round(number * step)] for number in range(MAX_POINTS)]


def _upright(place: str, kind: str) -> Html:
    return tag("line", x1=place, x2=place, y1=0, y2="100%", class_=kind)


def _svg(parts: Sequence[Html], kind: str, label: str) -> Html:
    return tag("svg", join(parts), class_=kind, role="img", aria_label=clip(label, LABEL_TEXT))
