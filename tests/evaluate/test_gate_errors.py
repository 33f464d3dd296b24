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
from tunegate.evaluate import GateConfig, compare_scores, judge, judge_in_blocks
from tunegate.evaluate.statistics.task_interval import delta_interval


@pytest.fixture(scope="module")
def errors(root: Path) -> Any:
    """benchmarks/gate_errors.py as a module."""
    folder = root / "benchmarks"
    for name in ("gate_draws", "gate_rules", "line_plot", "gate_errors"):
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    yield sys.modules["gate_errors"]
    for name in ("gate_draws", "gate_rules", "line_plot", "gate_errors"):
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
            lost, gained = errors.draws.suite(generator, 5_000, n, 0.10, np.zeros(count))
            decisions = errors.rules.suite(lost, gained, n, 0.05, 0.015)

            assert np.mean(decisions < 0) <= 0.05 + 0.009


def test_a_mean_loss_of_the_margin_passes_in_at_most_six_percent(errors: ModuleType) -> None:
    """Whether all benchmarks lost the same or one lost it all."""
    generator = np.random.default_rng(1)
    for deltas in (np.full(8, -0.015), np.r_[-0.12, np.zeros(7)]):
        lost, gained = errors.draws.suite(generator, 5_000, 200, 0.05, deltas)

        assert np.mean(errors.rules.macro(lost, gained, 200, -0.015) > errors.rules.Z) <= 0.06 + 0.01


@pytest.mark.parametrize("shape", [(100, 10), (50, 50)])
def test_clusters_do_not_raise_the_error(errors: ModuleType, shape: tuple[int, int]) -> None:
    """Dependent items pass a loss of the margin in at most six percent; taken for independent, in far more."""
    damaged = errors.draws.clusters(np.random.default_rng(2), 3_000, shape, 0.05, -0.05, 0.3)

    assert errors.rules.clustered(*damaged, shape[1], 0.05).mean() <= 0.06 + 0.012
    assert errors.rules.clustered_naive(*damaged, shape[1], 0.05).mean() > 0.12


@pytest.mark.parametrize("shape", [(50, 50), (100, 20), (400, 5)])
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_clusters_that_rarely_fail_whole_do_not_pass_unseen(
    errors: ModuleType, shape: tuple[int, int], share: float
) -> None:
    """Items that flip one by one do not prove that no cluster fails as a whole; a plain CR1 bound takes them for it."""
    generator = np.random.default_rng(4)
    broken = errors.draws.failing_clusters(generator, 3_000, shape, 0.05, 0.02, share, 0.0)

    assert errors.rules.clustered(*broken, shape[1], 0.02).mean() <= 0.06 + 0.012
    if shape[0] <= 100:
        assert errors.rules.clustered_cr1(*broken, shape[1], 0.02).mean() > 0.10


def test_looking_in_blocks_does_not_raise_the_errors(errors: ModuleType) -> None:
    """A suite that is judged after every block: neither a loss of a margin passes more often nor an unchanged fails."""
    generator = np.random.default_rng(6)
    for deltas, wrong in ((np.zeros(4), -1), (np.r_[-0.05, 0, 0, 0], 1), (np.full(4, -0.015), 1)):
        parts = [errors.draws.suite(generator, 3_000, 250, 0.10, deltas) for _ in range(4)]
        lost, gained = (np.stack(side) for side in zip(*parts, strict=True))
        decided, share = errors.rules.suite_in_blocks(lost, gained, 250, 0.05, 0.015)

        assert np.mean(decided == wrong) <= 0.05 + 0.012
        assert share.mean() < 0.95


def test_the_simulated_rules_are_the_gates_own(errors: ModuleType, compared: Any, make_scores: Any) -> None:
    """On random suites and clusters, the vectorised rules decide as `judge` and `delta_interval` do."""
    generator = np.random.default_rng(3)
    words = {1: "pass", 0: "inconclusive", -1: "fail"}
    for delta in (0.0, -0.03, -0.08):
        lost, gained = errors.draws.suite(generator, 12, 300, 0.1, np.full(3, delta))
        expected = errors.rules.suite(lost, gained, 300, 0.05, 0.015)
        for b, c, decision in zip(lost.astype(int), gained.astype(int), expected, strict=True):
            tasks = {f"t{k}": (b[k], c[k], 200 - b[k], 100 - c[k]) for k in range(3)}
            assert judge(compared(tasks), GateConfig()).outcome == words[int(decision)]
    lost, gained = errors.draws.clusters(generator, 20, (60, 5), 0.2, -0.03, 0.2)
    for b, c, passes in zip(lost, gained, errors.rules.clustered(lost, gained, 5, 0.05), strict=True):
        changes = np.concatenate([[-1] * x + [1] * y + [0] * (5 - x - y) for x, y in zip(b, c, strict=True)])
        base = np.where(changes > 0, 0, 1)
        columns = {"cluster": [f"p{i // 5}" for i in range(300)]}
        sides = [{"value": values.tolist(), **columns} for values in (base, base + changes)]
        task: TaskComparison = compare_scores(*(make_scores({"a": side}) for side in sides)).tasks[0]
        assert (delta_interval(task, 0.05)[0] > -0.05) == bool(passes)


def test_the_simulated_looks_are_the_gates_own(errors: ModuleType, make_scores: Any) -> None:
    """On random suites, the vectorised stopping stops where `judge_in_blocks` does, with its verdict."""
    generator = np.random.default_rng(8)
    words = {1: "pass", 0: "inconclusive", -1: "fail"}
    for delta in (0.0, -0.04, -0.15):
        parts = [errors.draws.suite(generator, 6, 150, 0.1, np.array([delta, 0.0])) for _ in range(4)]
        lost, gained = (np.stack(side).astype(int) for side in zip(*parts, strict=True))
        decided, shares = errors.rules.suite_in_blocks(lost, gained, 150, 0.05, 0.015)
        for run, (decision, share) in enumerate(zip(decided, shares, strict=True)):
            changes = [
                np.concatenate([_changes(lost[k, run, t], gained[k, run, t], 150) for k in range(4)]) for t in range(2)
            ]

            def measure(part: float, changes: Any = changes) -> Any:
                seen = [change[: int(600 * part)] for change in changes]
                base = {f"t{t}": np.where(change > 0, 0, 1) for t, change in enumerate(seen)}
                tuned = {name: base[name] + change for name, change in zip(base, seen, strict=True)}
                return make_scores(base, model="base"), make_scores(tuned, model="tuned")

            found = judge_in_blocks(measure, GateConfig())
            assert (found.verdict.outcome, found.share) == (words[int(decision)], share)


def _changes(lost: int, gained: int, n: int) -> Any:
    return np.array([-1] * lost + [1] * gained + [0] * (n - lost - gained))


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
    for key, kind, limit in (
        ("in blocks: false fail", "fail", 0.05),
        ("in blocks: pass, one_at_margin", "pass", 0.06),
        ("in blocks: pass, mean_at_margin", "pass", 0.06),
    ):
        assert summary[key][kind] <= limit
        assert f"{summary[key][kind]:.3f}" in text
    assert summary["suite tunegate: false fail"] <= 0.05
    assert f"{summary['suite tunegate: false fail']:.3f}" in text
    assert f"{summary['mean layer: false pass']:.3f}" in text
