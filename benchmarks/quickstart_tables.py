"""The quickstart's measured runs to Markdown tables and a plot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

Run = dict[str, Any]
Measured = Mapping[str, Sequence[Run]]
Range = tuple[float, float]

COLOURS = ("#c0392b", "#1e8449", "#616a6b", "#2471a3", "#b9770e", "#8e44ad")
SIDE, TOP, LEFT, GAP = 230, 34, 56, 70
"""Pixels: a panel's edge, the space above and left of the first, and that between two."""
WHOLE, NEAR = (0.0, 100.0), (75.0, 100.0)
"""Percent right that a panel shows."""


def tables(runs: Sequence[Run], variants: Sequence[str]) -> str:
    """Every variant over its seeds, every run, and each ability."""
    by_name = {name: sorted((run for run in runs if run["variant"] == name), key=_seed) for name in variants}
    measured = {name: found for name, found in by_name.items() if found}
    return "\n".join(["", *_over_seeds(measured), "", *_every_run(measured), "", *_abilities(measured), "", ""])


def _seed(run: Run) -> int:
    return int(run["seed"])


def _over_seeds(measured: Measured) -> Iterator[str]:
    head = ("mean over seeds (lowest to highest)", "seeds", "task, % right", "abilities lost, points")
    yield _line([*head, "arithmetic lost, points", "share of the way", "gate"])
    yield "|---|---:|---:|---:|---:|---:|---|"
    for name, runs in measured.items():
        verdicts = Counter(run["outcome"].upper() for run in runs)
        yield _line(
            [
                name,
                str(len(runs)),
                _spread([_right(run, "task") for run in runs]),
                _spread([_lost(run, "mean") for run in runs]),
                _spread([_lost(run, "arithmetic") for run in runs]),
                _spread([run["share"] for run in runs]),
                ", ".join(f"{count} {outcome}" for outcome, count in verdicts.most_common()),
            ]
        )


def _every_run(measured: Measured) -> Iterator[str]:
    seeds = sorted({_seed(run) for runs in measured.values() for run in runs})
    yield _line(["task / mean of the abilities, % right", *(f"seed {seed}" for seed in seeds)])
    yield "|---" * (len(seeds) + 1) + "|"
    for name, runs in measured.items():
        cells = {run["seed"]: f"{_right(run, 'task'):.1f} / {_right(run, 'mean'):.1f} {_word(run)}" for run in runs}
        yield _line([name, *(cells.get(seed, "") for seed in seeds)])


def _word(run: Run) -> str:
    return str(run["outcome"]).upper()


def _abilities(measured: Measured) -> Iterator[str]:
    names = [name for name in next(iter(measured.values()))[0]["checks"] if name != "mean"]
    yield _line(["% right, mean over seeds", "base", *measured])
    yield "|---" + "|---:" * (len(measured) + 1) + "|"
    for name in names:
        base = fmean(100 * run["checks"][name]["base"] for runs in measured.values() for run in runs)
        tuned = [fmean(_right(run, name) for run in runs) for runs in measured.values()]
        yield _line([name, f"{base:.1f}", *(f"{value:.1f}" for value in tuned)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float]) -> str:
    """Mean, lowest and highest; one value where they are all the same."""
    digits = 2 if max(values) <= 1 and min(values) >= 0 and max(values) > 0 else 1
    if min(values) == max(values):
        return f"{values[0]:g}"
    return f"{fmean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _right(run: Run, name: str) -> float:
    return 100 * float(run["checks"][name]["tuned"])


def _lost(run: Run, name: str) -> float:
    return 100 * float(run["checks"][name]["base"]) - _right(run, name)


def plot(runs: Sequence[Run], variants: Sequence[str]) -> str:
    """An SVG with one dot a run, whole and enlarged: the mean of the abilities against the task, in percent right."""
    colours = dict(zip(variants, COLOURS, strict=True))
    width, height = LEFT + 2 * SIDE + GAP + 110, TOP + SIDE + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for left, shown in ((LEFT, WHOLE), (LEFT + SIDE + GAP, NEAR)):
        parts += [*_axes(left, shown), *(_dot(run, colours[run["variant"]], left, shown) for run in runs)]
    for row, (name, colour) in enumerate(colours.items()):
        x, y = width - 100, TOP + 10 + 22 * row
        parts.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{colour}"/><text x="{x + 12}" y="{y + 4}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _axes(left: float, shown: Range) -> Iterator[str]:
    low, high = shown
    yield f'<text x="{left}" y="{TOP - 12}">{"all runs" if shown == WHOLE else f"from {low:g} %"}</text>'
    for step in range(6):
        value = low + step * (high - low) / 5
        x, y = _place(value, value, left, shown)
        yield f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{TOP + SIDE}" stroke="#e5e8e8"/>'
        yield f'<line x1="{left}" y1="{y}" x2="{left + SIDE}" y2="{y}" stroke="#e5e8e8"/>'
        yield f'<text x="{x}" y="{TOP + SIDE + 18}" text-anchor="middle">{value:g}</text>'
        yield f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{value:g}</text>'
    middle = TOP + SIDE / 2
    yield f'<text x="{left + SIDE / 2}" y="{TOP + SIDE + 38}" text-anchor="middle">intents, % right</text>'
    turned = f'x="{left - 40}" y="{middle}" text-anchor="middle" transform="rotate(-90 {left - 40} {middle})"'
    yield f"<text {turned}>abilities, mean % right</text>"


def _dot(run: Run, colour: str, left: float, shown: Range) -> str:
    task, abilities = _right(run, "task"), _right(run, "mean")
    if min(task, abilities) < shown[0]:
        return ""
    x, y = _place(task, abilities, left, shown)
    title = f"{run['variant']} seed {run['seed']}: intents {task:.1f}, abilities {abilities:.1f}, {_word(run)}"
    return f'<circle cx="{x}" cy="{y}" r="5" fill="{colour}" fill-opacity="0.75"><title>{title}</title></circle>'


def _place(task: float, abilities: float, left: float, shown: Range) -> tuple[float, float]:
    low, high = shown
    scale = SIDE / (high - low)
    return round(left + (task - low) * scale, 1), round(TOP + (high - abilities) * scale, 1)
