"""The quickstart over seeds and mitigations: `python benchmarks/quickstart_seeds.py [--seeds 5] [--only careful]`.

Each seed draws the task's rows anew and trains with it; the base model and the gate's items stay. The recipes are run
as they are shipped; a mitigation is the careful recipe with some of its settings changed. Results go, one by one, into
results/quickstart_seeds.json, so that a stopped run goes on where it was; the plot is docs/quickstart_seeds.svg.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunegate.core.results import RunResults
from tunegate.core.store import write_json, write_text
from tunegate.examples.quickstart.demo import make_workspace
from tunegate.examples.quickstart.make_data import make_data
from tunegate.pipeline import run_recipe

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "quickstart_seeds.json"
PLOT = ROOT / "docs" / "quickstart_seeds.svg"

WHOLE, NO_REPLAY = "train.interpolate=1.0", "train.replay={}"
VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "naive": ("naive.yaml", ()),
    "careful": ("careful.yaml", ()),
    "lora": ("careful.yaml", (WHOLE, NO_REPLAY, "train.method=lora", "train.lora.merge=true")),
    "replay": ("careful.yaml", (WHOLE, "train.replay.kl=0")),
    "kl": ("careful.yaml", (WHOLE, "train.replay.kl=1.0")),
    "interpolation": ("careful.yaml", (NO_REPLAY,)),
}
"""Name → recipe and the settings changed in it."""


def measure(variant: str, seed: int) -> dict[str, Any]:
    """Run one variant with one seed and keep what the gate saw."""
    recipe, changes = VARIANTS[variant]
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "demo"
        make_workspace(workspace)
        make_data(workspace / "data", seed=seed)
        started = time.process_time()
        results = run_recipe(workspace / recipe, out=workspace / variant, changes=[*changes, f"seed={seed}"])
        return {
            "variant": variant,
            "seed": seed,
            "cpu_seconds": round(time.process_time() - started, 1),
            **seen(results),
        }


def seen(results: RunResults) -> dict[str, Any]:
    """Outcome and, per check, base, tuned and state."""
    assert results.verdict is not None
    checks = {
        check.name.removeprefix("quickstart_"): {
            "base": round(check.base or 0.0, 4),
            "tuned": round(check.tuned or 0.0, 4),
            "state": check.state,
        }
        for check in results.verdict.checks
    }
    return {"outcome": results.verdict.outcome, "checks": checks}


def record(seeds: int, only: list[str]) -> None:
    """Measure what is not in the results file yet."""
    rows = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
    known = {(row["variant"], row["seed"]) for row in rows}
    for seed in range(seeds):
        for variant in only or VARIANTS:
            if (variant, seed) not in known:
                rows.append(measure(variant, seed))
                RESULTS.parent.mkdir(parents=True, exist_ok=True)
                write_json(RESULTS, {"variants": {name: list(VARIANTS[name][1]) for name in VARIANTS}, "runs": rows})
                print(line(rows[-1]), flush=True)
    write_text(PLOT, plot(rows))


def line(row: dict[str, Any]) -> str:
    """One run in one line: outcome, then percent right."""
    checks = row["checks"]
    values = " ".join(f"{name} {100 * check['tuned']:.1f}" for name, check in checks.items())
    return f"{row['variant']:<14} seed {row['seed']} {row['outcome']:<13} {values} ({row['cpu_seconds']} CPU s)"


def plot(rows: list[dict[str, Any]]) -> str:
    """An SVG with one dot a run: the mean of the gated abilities against the task, both in percent right."""
    colours = dict(zip(VARIANTS, ("#c0392b", "#1e8449", "#8e44ad", "#2471a3", "#b9770e", "#616a6b"), strict=True))
    return "\n".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 380" font-family="sans-serif" font-size="12">',
            '<rect width="560" height="380" fill="white"/>',
            *_axes(),
            *(_dot(row, colours[row["variant"]]) for row in rows),
            *(
                f'<circle cx="455" cy="{60 + 22 * i}" r="5" fill="{colour}"/>'
                f'<text x="467" y="{64 + 22 * i}">{name}</text>'
                for i, (name, colour) in enumerate(colours.items())
            ),
            "</svg>\n",
        ]
    )


LEFT, RIGHT, TOP, BOTTOM = 60, 430, 20, 330


def _axes() -> Iterator[str]:
    for value in range(0, 101, 20):
        x, y = _place(value, value)
        yield f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{BOTTOM}" stroke="#e5e8e8"/>'
        yield f'<line x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}" stroke="#e5e8e8"/>'
        yield f'<text x="{x}" y="{BOTTOM + 18}" text-anchor="middle">{value}</text>'
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{value}</text>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 40}" text-anchor="middle">intents, % right</text>'
    middle = (TOP + BOTTOM) / 2
    turned = f'x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})"'
    yield f"<text {turned}>abilities, mean % right</text>"


def _dot(row: dict[str, Any], colour: str) -> str:
    x, y = _place(100 * row["checks"]["task"]["tuned"], 100 * row["checks"]["mean"]["tuned"])
    return f'<circle cx="{x}" cy="{y}" r="5" fill="{colour}" fill-opacity="0.75"><title>{line(row)}</title></circle>'


def _place(task: float, mean: float) -> tuple[float, float]:
    return round(LEFT + (RIGHT - LEFT) * task / 100, 1), round(BOTTOM - (BOTTOM - TOP) * mean / 100, 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure the quickstart over seeds.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", action="append", default=[], choices=list(VARIANTS))
    options = parser.parse_args()
    record(options.seeds, options.only)
