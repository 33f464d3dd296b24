"""The gate's error rates, in a short form of benchmarks/gate_errors.py."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tunegate.core.results import TaskComparison
from tunegate.evaluate import GateConfig, compare_scores, judge
from tunegate.evaluate.statistics.task_interval import delta_interval


@pytest.fixture(scope="module")
def errors(root: Path) -> Any:
    """benchmarks/gate_errors.py as a module."""
    folder = root / "benchmarks"
    for name in ("gate_rules", "line_plot", "gate_errors"):
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    yield sys.modules["gate_errors"]
    for name in ("gate_rules", "line_plot", "gate_errors"):
        del sys.modules[name]


def test_a_loss_of_the_margin_passes_in_at_most_six_percent(errors: ModuleType) -> None:
    """Summed exactly over every outcome; a Wald interval passes it in more than a third."""
    cases = [
        (n, psi, m) for n in (50, 100, 200, 500) for psi in (0.02, 0.05, 0.2) for m in (0.01, 0.02, 0.05) if psi >= m
    ]
    rates = {
        name: max(errors.exact_rates(rule, n, psi, -m, m)["pass"] for n, psi, m in cases)
        for name, rule in (("tunegate", errors.rules.tunegate), ("wald", errors.rules.wald))
    }

    assert rates["tunegate"] <= 0.06
    assert rates["wald"] > 0.35


def test_an_unchanged_suite_fails_in_at_most_five_percent(errors: ModuleType) -> None:
    """Simulated over suites of 1 to 20 benchmarks with a fixed seed; three standard errors are 0.9 points."""
    generator = np.random.default_rng(0)
    for count in (1, 4, 20):
        for n in (50, 500):
            lost, gained = errors.draw_suite(generator, 5_000, n, 0.10, np.zeros(count))
            decisions = errors.rules.suite(lost, gained, n, 0.05, 0.015)

            assert np.mean(decisions < 0) <= 0.05 + 0.009


def test_a_mean_loss_of_the_margin_passes_in_at_most_six_percent(errors: ModuleType) -> None:
    """Whether all benchmarks lost the same or one lost it all."""
    generator = np.random.default_rng(1)
    for deltas in (np.full(8, -0.015), np.r_[-0.12, np.zeros(7)]):
        lost, gained = errors.draw_suite(generator, 5_000, 200, 0.05, deltas)

        assert np.mean(errors.rules.macro(lost, gained, 200, -0.015) > errors.rules.Z) <= 0.06 + 0.01


def test_clusters_do_not_raise_the_error(errors: ModuleType) -> None:
    """Dependent items pass a loss of the margin in at most six percent; taken for independent, in far more."""
    generator = np.random.default_rng(2)
    changes = errors.draw_clusters(generator, 3_000, (100, 10), 0.05, -0.05, 0.3)

    assert errors.rules.clustered(changes, 0.05).mean() <= 0.06 + 0.012
    assert errors.rules.clustered_naive(changes, 0.05).mean() > 0.12


def test_the_simulated_rules_are_the_gates_own(errors: ModuleType, compared: Any, make_scores: Any) -> None:
    """On random suites and clusters, the vectorised rules decide as `judge` and `delta_interval` do."""
    generator = np.random.default_rng(3)
    words = {1: "pass", 0: "inconclusive", -1: "fail"}
    for delta in (0.0, -0.03, -0.08):
        lost, gained = errors.draw_suite(generator, 12, 300, 0.1, np.full(3, delta))
        expected = errors.rules.suite(lost, gained, 300, 0.05, 0.015)
        for b, c, decision in zip(lost.astype(int), gained.astype(int), expected, strict=True):
            tasks = {f"t{k}": (b[k], c[k], 200 - b[k], 100 - c[k]) for k in range(3)}
            assert judge(compared(tasks), GateConfig()).outcome == words[int(decision)]
    changes = errors.draw_clusters(generator, 20, (60, 5), 0.2, -0.03, 0.2)
    for one, passes in zip(changes, errors.rules.clustered(changes, 0.05), strict=True):
        base = np.where(one.ravel() < 0, 1, np.where(one.ravel() > 0, 0, 1))
        columns = {"cluster": [f"p{i // 5}" for i in range(300)]}
        sides = [{"value": values.tolist(), **columns} for values in (base, base + one.ravel())]
        task: TaskComparison = compare_scores(*(make_scores({"a": side}) for side in sides)).tasks[0]
        assert (delta_interval(task, 0.05)[0] > -0.05) == bool(passes)


def test_the_published_table_says_what_was_measured(root: Path) -> None:
    """docs/gate.md prints the worst cases of the committed results, and they are within the promise."""
    summary = json.loads((root / "benchmarks" / "results" / "gate_errors.json").read_text())["summary"]
    text = (root / "docs" / "gate.md").read_text()
    for key, limit in (
        ("single tunegate: false pass", 0.06),
        ("clusters: false_pass", 0.06),
        ("numbers: false_pass", 0.06),
    ):
        worst = summary[key]["false_pass"]
        assert worst <= limit
        assert f"{worst:.3f}" in text
    assert summary["suite tunegate: false fail"] <= 0.05
    assert f"{summary['suite tunegate: false fail']:.3f}" in text
    assert f"{summary['mean layer: false pass']:.3f}" in text
