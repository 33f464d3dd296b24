"""Named curves to one SVG line plot, written by hand so that no plotting library is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 56, 110, 36, 48
FONT = 'font-family="sans-serif" font-size="12"'
COLORS = ("#0b6e4f", "#c2410c", "#6d28d9", "#0369a1", "#475569")
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2")


def line_plot(
    x: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    *,
    title: str,
    x_label: str,
    marks: Sequence[float] = (),
) -> str:
    """A plot of shares between 0 and 1 over x; `marks` are drawn as vertical lines."""
    across, up = (WIDTH - LEFT - RIGHT) / (max(x) - min(x)), HEIGHT - TOP - BOTTOM

    def place(value: float, share: float) -> str:
        return f"{LEFT + (value - min(x)) * across:.1f},{HEIGHT - BOTTOM - share * up:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>',
        f'<text x="{(WIDTH - RIGHT + LEFT) / 2:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(x_label)}</text>',
    ]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        height = HEIGHT - BOTTOM - tick * up
        parts.append(f'<path d="M{LEFT} {height:.1f}H{WIDTH - RIGHT}" stroke="#e2e8f0"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{tick:.0%}</text>')
    for value in range(int(min(x)), int(max(x)) + 1):
        spot = place(value, 0).split(",")[0]
        parts.append(f'<text x="{spot}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{value}</text>')
    for value in marks:
        ends = f"M{place(value, 0)}L{place(value, 1)}"
        parts.append(f'<path d="{ends}" stroke="#94a3b8" stroke-dasharray="3 3"/>')
    for position, (name, shares) in enumerate(lines.items()):
        color, dash = COLORS[position % len(COLORS)], DASHES[position % len(DASHES)]
        points = " ".join(place(*pair) for pair in zip(x, shares, strict=True))
        style = f'fill="none" stroke="{color}" stroke-width="2" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{points}" {style}/>')
        legend = TOP + 14 + 20 * position
        parts.append(f'<path d="M{WIDTH - RIGHT + 8} {legend - 4}h22" {style}/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 36}" y="{legend}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
