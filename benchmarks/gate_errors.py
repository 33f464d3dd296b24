"""The gate's error rates, and those of three other rules, to benchmarks/results/gate_errors.json and two plots.

Single benchmarks of 0/1 items are summed exactly over every outcome; suites, clusters and numbers are simulated with a
fixed seed. Run: python benchmarks/gate_errors.py [--quick] (about six minutes on one core, no model, no data).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import gate_draws as draws
import gate_rules as rules
import numpy as np
from line_plot import line_plot
from scipy.stats import binom

HERE = Path(__file__).resolve().parent
ITEMS = (50, 100, 200, 500, 1000, 2000, 3000)
DISCORDANT = (0.02, 0.05, 0.10, 0.20)
MARGINS = (0.01, 0.02, 0.05)
SINGLE_RULES: dict[str, Callable[..., Any]] = {
    "tunegate": rules.tunegate,
    "wald": rules.wald,
    "unpaired": rules.unpaired,
    "nemo": rules.nemo,
}


def exact_rates(rule: Callable[..., Any], n: int, discordant: float, delta: float, margin: float) -> dict[str, float]:
    """Probabilities of pass and fail, summed over all outcomes within seven standard deviations."""
    center, spread = n * discordant, np.sqrt(n * discordant * (1 - discordant)) + 1
    flips = np.arange(max(0, int(center - 7 * spread)), min(n, int(center + 7 * spread)) + 1)[:, None]
    share = 0.5 - delta / (2 * discordant)
    width = 7 * np.sqrt(flips[-1, 0] * share * (1 - share)) + 7 * spread + 2
    middle = center * share
    lost = np.arange(max(0, int(middle - width)), min(flips[-1, 0], int(middle + width)) + 1)[None, :]
    inside = lost <= flips
    weight = binom.pmf(flips, n, discordant) * binom.pmf(lost, flips, share) * inside
    counts = np.where(inside, lost, 0).astype(float), np.where(inside, flips - lost, 0).astype(float)
    decisions = rule(*counts, n, margin)
    return {"pass": float(weight[decisions > 0].sum()), "fail": float(weight[decisions < 0].sum())}


def single(items: tuple[int, ...] = ITEMS) -> list[dict[str, Any]]:
    """One benchmark: false PASS at a true loss of the margin, false FAIL and PASS of an unchanged model."""
    found = []
    for name, rule in SINGLE_RULES.items():
        for n in items:
            for psi in DISCORDANT:
                for margin in MARGINS:
                    unchanged = exact_rates(rule, n, psi, 0.0, margin)
                    row = {"rule": name, "n": n, "discordant": psi, "margin": margin}
                    row |= {"false_fail": unchanged["fail"], "power": unchanged["pass"]}
                    if psi >= margin:
                        row["false_pass"] = exact_rates(rule, n, psi, -margin, margin)["pass"]
                    found.append(row)
    return found


def suites(runs: int) -> list[dict[str, Any]]:
    """Suites of 1 to 20 benchmarks at 5 points each and 1.5 points for the mean, unchanged and with three losses."""
    generator, found = np.random.default_rng(7), []
    margin, mean_margin = 0.05, 0.015
    for count in (1, 2, 4, 8, 20):
        for n in (50, 200, 500, 2000):
            for psi in DISCORDANT:
                losses = {
                    "unchanged": np.zeros(count),
                    "mean_at_margin": np.full(count, -mean_margin),
                    "one_at_margin": np.r_[-margin, np.zeros(count - 1)],
                    "one_carries_the_mean": np.r_[-min(mean_margin * count, 0.3), np.zeros(count - 1)],
                }
                for truth, deltas in losses.items():
                    lost, gained = draws.suite(generator, runs, n, psi, deltas)
                    row: dict[str, Any] = {"benchmarks": count, "n": n, "discordant": psi, "truth": truth}
                    decisions = {"tunegate": rules.suite(lost, gained, n, margin, mean_margin)}
                    for name in ("wald", "unpaired", "nemo"):
                        decisions[name] = rules.suite_of_single(SINGLE_RULES[name], lost, gained, n, margin)
                    for name, decision in decisions.items():
                        row[name] = {"pass": float(np.mean(decision > 0)), "fail": float(np.mean(decision < 0))}
                    row["mean_layer_pass"] = float(np.mean(rules.macro(lost, gained, n, -mean_margin) > rules.Z))
                    found.append(row)
    return found


SHAPES = (
    (10, 20),
    (20, 50),
    (50, 5),
    (50, 20),
    (50, 50),
    (100, 5),
    (100, 10),
    (100, 50),
    (200, 2),
    (200, 5),
    (200, 50),
    (400, 5),
)
"""Clusters and their items."""


def clusters(runs: int) -> list[dict[str, Any]]:
    """Benchmarks whose items share passages: false PASS at the margin and PASS of an unchanged model."""
    generator, found = np.random.default_rng(11), []
    for shape in SHAPES:
        for margin, psi in ((0.02, 0.02), (0.02, 0.05), (0.02, 0.10), (0.05, 0.05), (0.05, 0.10), (0.05, 0.20)):
            for icc in (0.0, 0.05, 0.1, 0.3, 1.0):
                row: dict[str, Any] = {"clusters": shape[0], "size": shape[1], "margin": margin}
                row |= {"discordant": psi, "icc": icc}
                row |= cluster_errors(draws.clusters(generator, runs, shape, psi, -margin, icc), shape[1], margin)
                same = draws.clusters(generator, runs // 2, shape, psi, 0.0, icc)
                row["power"] = float(rules.clustered(*same, shape[1], margin).mean())
                found.append(row)
            for share in (0.5, 1.0):
                for gains in (0.0, 0.02):
                    row = {"clusters": shape[0], "size": shape[1], "margin": margin, "discordant": psi}
                    row |= {"failing": share, "gaining": gains}
                    broken = draws.failing_clusters(generator, runs, shape, psi, margin, share, gains)
                    found.append(row | cluster_errors(broken, shape[1], margin))
    return found


def cluster_errors(damaged: tuple[Any, Any], size: int, margin: float) -> dict[str, float]:
    """False PASS of three rules."""
    return {
        "false_pass": float(rules.clustered(*damaged, size, margin).mean()),
        "false_pass_naive": float(rules.clustered_naive(*damaged, size, margin).mean()),
        "false_pass_cr1": float(rules.clustered_cr1(*damaged, size, margin).mean()),
    }


def in_blocks(runs: int, blocks: int = 4) -> list[dict[str, Any]]:
    """Suites that are measured in blocks: decisions, share of the items that was measured, and both at once."""
    generator, found = np.random.default_rng(17), []
    for count in (1, 8):
        for n in (200, 500, 1000, 2000):
            for psi in (0.02, 0.05, 0.10, 0.20):
                losses = {
                    "unchanged": np.zeros(count),
                    "mean_at_margin": np.full(count, -0.015),
                    "one_at_margin": np.r_[-0.05, np.zeros(count - 1)],
                    "one_lost": np.r_[-0.20, np.zeros(count - 1)],
                }
                for truth, deltas in losses.items():
                    row: dict[str, Any] = {"benchmarks": count, "n": n, "discordant": psi, "truth": truth}
                    parts = [draws.suite(generator, runs, n // blocks, psi, deltas) for _ in range(blocks)]
                    lost, gained = (np.stack(side) for side in zip(*parts, strict=True))
                    decided, share = rules.suite_in_blocks(lost, gained, n // blocks, 0.05, 0.015)
                    once = rules.suite(lost.sum(0), gained.sum(0), n, 0.05, 0.015)
                    for name, decision in (("in_blocks", decided), ("at_once", once)):
                        row[name] = {"pass": float(np.mean(decision > 0)), "fail": float(np.mean(decision < 0))}
                    found.append(row | {"share": float(share.mean())})
    return found


def numbers(runs: int) -> list[dict[str, Any]]:
    """Scores that are numbers: false PASS at the margin."""
    generator, found = np.random.default_rng(13), []
    for n in (50, 100, 200, 500, 1000):
        for margin in (0.02, 0.05):
            for family in ("normal, sd 0.2", "exponential", "rare halves", "graded, 20 % change"):
                differences = draws.numbers(generator, runs, n, family, margin)
                row = {"n": n, "margin": margin, "family": family}
                row["false_pass"] = float(rules.numbers(differences, margin).mean())
                row["false_pass_t"] = float(rules.numbers_t(differences, margin).mean())
                if n <= 100:
                    few = differences[: min(runs, 500)]
                    row["false_pass_bootstrap"] = float(rules.numbers_bootstrap(few, margin).mean())
                found.append(row)
    return found


def power_curves() -> dict[str, Any]:
    """Decisions on one benchmark by its true loss: 500 items, 10 % discordant, 5 points allowed."""
    losses = [round(0.005 * step, 3) for step in range(19)]
    curves = {}
    for name, rule in SINGLE_RULES.items():
        rates = [exact_rates(rule, 500, max(0.10, loss), -loss, 0.05) for loss in losses]
        curves[name] = {"pass": [rate["pass"] for rate in rates], "fail": [rate["fail"] for rate in rates]}
    return {"n": 500, "discordant": 0.10, "margin": 0.05, "losses": losses, "curves": curves}


def worst(rows: list[dict[str, Any]], key: str, **wanted: Any) -> dict[str, Any]:
    """The row with the largest value of a key among those that match."""
    matching = [row for row in rows if key in row and all(row[name] == value for name, value in wanted.items())]
    return max(matching, key=lambda row: row[key])


def summary(results: dict[str, Any]) -> dict[str, Any]:
    """The worst case of each error, over everything that was run."""
    table: dict[str, Any] = {}
    for name in SINGLE_RULES:
        table[f"single {name}: false pass"] = worst(results["single"], "false_pass", rule=name)
        table[f"single {name}: false fail"] = worst(results["single"], "false_fail", rule=name)
    flat = [
        {**row, "rule": name, **{f"{name}_{key}": row[name][key] for key in ("pass", "fail")}}
        for row in results["suites"]
        for name in SINGLE_RULES
    ]
    for name in SINGLE_RULES:
        table[f"suite {name}: false fail"] = worst(flat, f"{name}_fail", rule=name, truth="unchanged")[f"{name}_fail"]
        for truth in ("mean_at_margin", "one_at_margin", "one_carries_the_mean"):
            table[f"suite {name}: pass, {truth}"] = worst(flat, f"{name}_pass", rule=name, truth=truth)[f"{name}_pass"]
    table["mean layer: false pass"] = max(
        worst(results["suites"], "mean_layer_pass", truth=truth)["mean_layer_pass"]
        for truth in ("mean_at_margin", "one_carries_the_mean")
    )
    for key in ("false_pass", "false_pass_naive", "false_pass_cr1"):
        table[f"clusters: {key}"] = worst(results["clusters"], key)
    for key in ("false_pass", "false_pass_t", "false_pass_bootstrap"):
        table[f"numbers: {key}"] = worst(results["numbers"], key)
    looks = [{**row, **row["in_blocks"]} for row in results["in_blocks"]]
    table["in blocks: false fail"] = worst(looks, "fail", truth="unchanged")
    for truth in ("mean_at_margin", "one_at_margin"):
        table[f"in blocks: pass, {truth}"] = worst(looks, "pass", truth=truth)
    return table


def compact(results: dict[str, Any]) -> str:
    """JSON with one row a line and five decimals."""

    def rounded(value: Any) -> Any:
        if isinstance(value, float):
            return round(value, 5)
        if isinstance(value, dict):
            return {name: rounded(inner) for name, inner in value.items()}
        return [rounded(inner) for inner in value] if isinstance(value, list) else value

    parts = []
    for name, part in rounded(results).items():
        rows = [json.dumps(row) for row in part] if isinstance(part, list) else []
        parts.append(f'"{name}": ' + ("[\n" + ",\n".join(rows) + "\n]" if rows else json.dumps(part, indent=1)))
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Run everything, write the results and the plots, print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the draws; writes nothing")
    quick = parser.parse_args().quick
    started = time.process_time()
    results: dict[str, Any] = {
        "single": single(),
        "suites": suites(2_000 if quick else 20_000),
        "clusters": clusters(400 if quick else 16_000),
        "numbers": numbers(500 if quick else 5_000),
        "in_blocks": in_blocks(400 if quick else 4_000),
        "power_curves": power_curves(),
    }
    results["summary"] = summary(results)
    results["cpu_seconds"] = round(time.process_time() - started, 1)
    print(json.dumps(results["summary"], indent=1))
    if quick:
        return
    (HERE / "results" / "gate_errors.json").write_text(compact(results))
    docs = HERE.parent / "docs"
    curves = results["power_curves"]
    for decision in ("pass", "fail"):
        lines = {name: curve[decision] for name, curve in curves["curves"].items()}
        title = f"Chance to {decision.upper()} (500 items, 10 % change, 5 points allowed)"
        points = [100 * loss for loss in curves["losses"]]
        svg = line_plot(points, lines, title=title, x_label="true loss, points", marks=(5.0,))
        (docs / f"gate_{decision}.svg").write_text(svg)


if __name__ == "__main__":
    main()
