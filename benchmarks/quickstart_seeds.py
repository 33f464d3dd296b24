"""The quickstart over seeds and mitigations: `python benchmarks/quickstart_seeds.py [--seeds 5] [--only careful]`.

Each seed draws the task's rows and the gate's items anew and trains with it; the base model stays. The recipes are run
as they are shipped; a mitigation is the careful recipe with some of its settings changed. Results go, one by one, into
results/quickstart_seeds.json, so that a stopped run goes on where it was; tables and plot go into the docs.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from quickstart_tables import plot, tables
from tunegate.core.results import RunResults
from tunegate.core.store import write_json, write_text
from tunegate.examples.quickstart.demo import make_workspace
from tunegate.examples.quickstart.make_data import make_data
from tunegate.pipeline import run_recipe

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "quickstart_seeds.json"
PAGE, PLOT = ROOT / "docs" / "quickstart.md", ROOT / "docs" / "quickstart_seeds.svg"
FIGURE = "\n![Task against abilities, one dot a run](quickstart_seeds.svg)\n"
START, END = "<!-- measured: benchmarks/quickstart_seeds.py -->\n", "<!-- end of measured -->"

WHOLE, TENTHS, NO_REPLAY = "train.interpolate=1.0", "train.interpolate=[1, 0.9, 0.8, 0.7]", "train.replay={}"
FULL = ("train.method=full", "train.learning_rate=1e-3")
VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "naive": ("naive.yaml", ()),
    "careful": ("careful.yaml", ()),
    "interpolation": ("careful.yaml", (*FULL, TENTHS, NO_REPLAY)),
    "replay": ("careful.yaml", (*FULL, WHOLE, "train.replay.kl=0")),
    "kl": ("careful.yaml", (*FULL, WHOLE)),
    "lora": ("careful.yaml", (WHOLE, NO_REPLAY)),
}
"""Name → recipe and the settings changed in it."""


def measure(variant: str, seed: int, workspace: Path) -> dict[str, Any]:
    """Run one variant with one seed and keep what the gate saw.

    Variants of one recipe share a run folder, so that what they have in common is done once.
    """
    recipe, changes = VARIANTS[variant]
    if not workspace.exists():
        make_workspace(workspace)
        make_data(workspace / "data", seed=seed)
    out = workspace / Path(recipe).stem
    results = run_recipe(workspace / recipe, out=out, changes=[*changes, f"seed={seed}"])
    return {"variant": variant, "seed": seed, **seen(results)}


def seen(results: RunResults) -> dict[str, Any]:
    """Outcome, the share interpolated by and, per check, base, tuned and state."""
    assert results.verdict is not None
    assert results.tuned is not None
    checks = {
        check.name.removeprefix("quickstart_"): {
            "base": round(check.base or 0.0, 4),
            "tuned": round(check.tuned or 0.0, 4),
            "state": check.state,
        }
        for check in results.verdict.checks
    }
    share = results.tuned.notes["interpolated"].get("share", 1.0)
    return {"outcome": results.verdict.outcome, "share": share, "checks": checks}


def record(seeds: int, only: list[str]) -> None:
    """Measure what is not in the results file yet."""
    rows = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
    known = {(row["variant"], row["seed"]) for row in rows}
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            for variant in only or VARIANTS:
                if (variant, seed) not in known:
                    rows.append(measure(variant, seed, Path(folder) / "demo"))
                    write_json(RESULTS, {"variants": {name: VARIANTS[name][1] for name in VARIANTS}, "runs": rows})
                    print(line(rows[-1]), flush=True)
    show(rows)


def show(rows: list[dict[str, Any]]) -> None:
    """Write the plot, and the tables between their two marks on the page."""
    write_text(PLOT, plot(rows, list(VARIANTS)))
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    write_text(PAGE, head + START + FIGURE + tables(rows, list(VARIANTS)) + END + rest.partition(END)[2])


def line(row: dict[str, Any]) -> str:
    """One run in one line: outcome, then percent right."""
    values = " ".join(f"{name} {100 * check['tuned']:.1f}" for name, check in row["checks"].items())
    return f"{row['variant']:<14} seed {row['seed']} {row['outcome']:<13} share {row['share']:g} {values}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure the quickstart over seeds.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", action="append", default=[], choices=list(VARIANTS))
    options = parser.parse_args()
    record(options.seeds, options.only)
