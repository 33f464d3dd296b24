"""Counts of flips to decisions: tunegate's rules, vectorised over many simulated runs, and three others beside them.

Every rule takes arrays of lost and gained items and returns +1 (pass), -1 (fail) or 0 (undecided). The other rules:

wald      one-sided 95 % paired t bound (a Wald interval), fail as tunegate's
unpaired  one-sided 95 % z bound of two independent accuracies, as in lm-eval's comparator, fail if z rejects no loss
nemo      NeMo Evaluator 0.3.0 as published: two-sided 95 % paired t interval, at least 10 pairs; GO if the whole
          interval is inside the largest drop, NO-GO if the whole interval is beyond it, else INCONCLUSIVE
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import bdtrc, stdtrit
from tunegate.evaluate.gate.looks import look_shares, spent_alphas
from tunegate.evaluate.statistics.tango import normal_quantile, tango_statistic, tango_variance
from tunegate.evaluate.statistics.task_interval import CHANGED_UNITS

ALPHA = 0.05
Z = normal_quantile(1 - ALPHA)
BASE_ACCURACY = 0.7
"""Accuracy of the base model that the unpaired rule is given."""
NEMO_PAIRS = 10
"""Fewest pairs on which NeMo's gate decides."""


def mcnemar(lost: Any, gained: Any) -> Any:
    """Exact one-sided p-values of no loss."""
    below, flips = np.maximum(lost - 1, 0).astype(int), np.maximum(lost + gained, 1).astype(int)
    return np.where(lost > 0, bdtrc(below, flips, 0.5), 1.0)


def tunegate(lost: Any, gained: Any, n: int, margin: float) -> Any:
    """One benchmark alone: Tango's score test to pass, the exact McNemar test to fail."""
    passes = tango_statistic(lost, gained, n, -margin) > Z
    fails = ~passes & ((gained - lost) / n <= -margin + 1e-12) & (mcnemar(lost, gained) <= ALPHA)
    return passes.astype(int) - fails.astype(int)


def wald(lost: Any, gained: Any, n: int, margin: float) -> Any:
    """The paired t bound in place of Tango's test."""
    delta, error = paired_error(lost, gained, n)
    passes = delta - stdtrit(n - 1, 1 - ALPHA) * error > -margin
    fails = ~passes & (delta <= -margin) & (mcnemar(lost, gained) <= ALPHA)
    return passes.astype(int) - fails.astype(int)


def unpaired(lost: Any, gained: Any, n: int, margin: float) -> Any:
    """Two accuracies as if measured on different items."""
    tuned = np.clip(BASE_ACCURACY + (gained - lost) / n, 0, 1)
    error = np.sqrt((BASE_ACCURACY * (1 - BASE_ACCURACY) + tuned * (1 - tuned)) / n)
    delta = tuned - BASE_ACCURACY
    passes = delta - Z * error > -margin
    fails = ~passes & (delta + Z * error < 0)
    return passes.astype(int) - fails.astype(int)


def nemo(lost: Any, gained: Any, n: int, margin: float) -> Any:
    """NeMo's three-way rule."""
    delta, error = paired_error(lost, gained, n)
    half = stdtrit(n - 1, 0.975) * error
    enough = n >= NEMO_PAIRS
    return (enough & (delta - half > -margin)).astype(int) - (enough & (delta + half < -margin)).astype(int)


def paired_error(lost: Any, gained: Any, n: int) -> tuple[Any, Any]:
    """Mean difference and its sample standard error."""
    delta = (gained - lost) / n
    return delta, np.sqrt(np.maximum((lost + gained) / n - delta**2, 0) / (n - 1))


def suite(lost: Any, gained: Any, n: int, margin: float, mean_margin: float, alpha: float = ALPHA) -> Any:
    """Tunegate's whole rule over the benchmarks in the last axis, all of n items: both layers, Holm for failing."""
    count, critical = lost.shape[-1], normal_quantile(1 - alpha)
    passes = tango_statistic(lost, gained, n, -margin) > critical
    mean = ((gained - lost) / n).mean(-1)
    mean_passes = macro(lost, gained, n, -mean_margin) > critical
    p_values = np.concatenate([mcnemar(lost, gained), mcnemar(lost.sum(-1), gained.sum(-1))[..., None]], axis=-1)
    rejected = holm(p_values, alpha)
    fails = rejected[..., :count] & ~passes & ((gained - lost) / n <= -margin + 1e-12)
    mean_fails = rejected[..., count] & ~mean_passes & (mean <= -mean_margin + 1e-12)
    failed = fails.any(-1) | mean_fails
    return (passes.all(-1) & mean_passes).astype(int) - failed.astype(int)


def suite_in_blocks(lost: Any, gained: Any, n: int, margin: float, mean_margin: float) -> tuple[Any, Any]:
    """Decision and share of the items measured, looking after each block of n items (axis 0) until all is decided."""
    blocks = lost.shape[0]
    levels = spent_alphas(look_shares(blocks), ALPHA)
    decided = np.zeros(lost.shape[1], dtype=int)
    share = np.ones(lost.shape[1])
    for look in reversed(range(blocks)):
        seen = lost[: look + 1].sum(0), gained[: look + 1].sum(0), n * (look + 1)
        decision = suite(*seen, margin, mean_margin, levels[look])
        stops = (decision != 0) | (look == blocks - 1)
        decided, share = np.where(stops, decision, decided), np.where(stops, (look + 1) / blocks, share)
    return decided, share


def suite_of_single(rule: Any, lost: Any, gained: Any, n: int, margin: float) -> Any:
    """All benchmarks must pass a rule and any may fail it, without a second layer or a correction."""
    decisions = rule(lost, gained, n, margin)
    failed = (decisions < 0).any(-1)
    return (decisions > 0).all(-1).astype(int) - failed.astype(int)


def macro(lost: Any, gained: Any, n: int, delta: float) -> Any:
    """Stratified score statistic of the mean over the last axis."""
    spread = np.sqrt(tango_variance(lost, gained, n, delta).sum(-1))
    return ((gained - lost) / n - delta).sum(-1) / spread


def holm(p_values: Any, alpha: float) -> Any:
    """Holm's procedure along the last axis."""
    order = np.argsort(p_values, axis=-1)
    count = p_values.shape[-1]
    ordered = np.take_along_axis(p_values, order, -1) <= alpha / (count - np.arange(count))
    accepted = np.logical_and.accumulate(ordered, axis=-1)
    rejected = np.zeros_like(accepted)
    np.put_along_axis(rejected, order, accepted, -1)
    return rejected


def clustered(lost: Any, gained: Any, size: int, margin: float) -> Any:
    """Whether tunegate passes: lost and gained items of shape (runs, clusters), clusters of one size."""
    groups = lost.shape[1]
    n, b, c = groups * size, lost.sum(1), gained.sum(1)
    independent = ((b + c) / n - ((c - b) / n) ** 2) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(independent > 0, np.clip(cr1(gained - lost, size) ** 2 / independent, 1, size), size)
    statistic = tango_statistic(b / effect, c / effect, n / effect, -margin, unseen=(Z / groups) ** 2)
    return statistic > stdtrit(groups - 1, 1 - ALPHA)


def clustered_naive(lost: Any, gained: Any, size: int, margin: float) -> Any:
    """Tango's test as if the items were independent."""
    return tango_statistic(lost.sum(1), gained.sum(1), lost.shape[1] * size, -margin) > Z


def clustered_cr1(lost: Any, gained: Any, size: int, margin: float) -> Any:
    """The plain CR1 bound with t(G-1)."""
    groups, changes = lost.shape[1], gained - lost
    return changes.mean(1) / size - stdtrit(groups - 1, 1 - ALPHA) * cr1(changes, size) > -margin


def numbers(differences: Any, margin: float) -> Any:
    """Whether tunegate passes numbers of shape (runs, items): t with the widened error."""
    n, changes = differences.shape[1], np.abs(differences)
    largest = changes.max(1)
    largest = np.where((changes > 0).sum(1) < CHANGED_UNITS, np.maximum(largest, 1), largest)
    error = np.hypot(differences.std(1, ddof=1) / np.sqrt(n), Z * largest / n)
    return differences.mean(1) - stdtrit(n - 1, 1 - ALPHA) * error > -margin


def numbers_t(differences: Any, margin: float) -> Any:
    """The plain paired t bound."""
    n = differences.shape[1]
    return differences.mean(1) - stdtrit(n - 1, 1 - ALPHA) * differences.std(1, ddof=1) / np.sqrt(n) > -margin


def numbers_bootstrap(differences: Any, margin: float, resamples: int = 1000) -> Any:
    """The studentized bootstrap bound."""
    generator, n = np.random.default_rng(1), differences.shape[1]
    passes = []
    for row in differences:
        draws = row[generator.integers(0, n, size=(resamples, n))]
        errors = draws.std(1, ddof=1) / np.sqrt(n)
        useful = errors > 0
        upper = np.quantile((draws.mean(1)[useful] - row.mean()) / errors[useful], 1 - ALPHA) if useful.any() else 0.0
        passes.append(row.mean() - upper * row.std(ddof=1) / np.sqrt(n) > -margin)
    return np.array(passes)


def cr1(changes: Any, size: int) -> Any:
    """CR1 standard errors of the mean change, per run, from each cluster's sum of changes."""
    groups = changes.shape[1]
    return np.sqrt(groups * changes.var(1, ddof=0) * groups / (groups - 1)) / (groups * size)
