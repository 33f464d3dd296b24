"""The statistics behind a comparison, each against an independent way to the same number."""

from __future__ import annotations

from itertools import product
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tunegate.evaluate.statistics.intervals import clustered_error, mean_error, ratio_error, t_interval, wilson_interval
from tunegate.evaluate.statistics.macro import macro_delta, macro_interval, macro_p_value, macro_statistic
from tunegate.evaluate.statistics.multiplicity import benjamini_hochberg, holm
from tunegate.evaluate.statistics.paired_tests import cluster_sign_flip, exact_mcnemar, permutation_test
from tunegate.evaluate.statistics.tango import normal_quantile, t_quantile, tango_statistic
from tunegate.evaluate.statistics.task_interval import delta_interval, design_effect, unseen_variance

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_a_binomial_tail(lost: int, gained: int) -> None:
    """The sum of binomial coefficients, in whole numbers."""
    flips = lost + gained
    tail = sum(comb(flips, k) for k in range(lost, flips + 1))

    assert exact_mcnemar(lost, gained) == pytest.approx(tail / 2**flips)


def test_few_changes_are_enumerated() -> None:
    """All sign patterns of the changes, zeros left out."""
    changes = [-2.0, 0.5, -1.0, 0.0, 3.0, -4.0]
    sums = [sum(s * c for s, c in zip(signs, changes, strict=True)) for signs in product((1, -1), repeat=6)]

    assert permutation_test(changes) == np.mean(np.array(sums) <= sum(changes))


def test_many_changes_are_drawn_close_to_the_exact_tail() -> None:
    """Drawn signs of equal changes give McNemar's exact p-value up to their own error."""
    assert permutation_test([-1.0] * 30 + [1.0] * 18) == pytest.approx(exact_mcnemar(30, 18), abs=0.005)


def test_whole_clusters_flip_together() -> None:
    """Twenty dependent losses in three passages are three losses."""
    clusters = ["a"] * 5 + ["b"] * 10 + ["c"] * 5

    assert cluster_sign_flip([-1.0] * 20, clusters) == 1 / 8


def test_no_change_is_no_evidence() -> None:
    """The p-value of nothing is 1."""
    assert permutation_test([0.0] * 9) == exact_mcnemar(0, 0) == 1.0


@pytest.mark.parametrize(("successes", "n", "alpha"), [(7, 20, 0.025), (0, 50, 0.05), (300, 400, 0.05)])
def test_wilson_is_scipys(successes: int, n: int, alpha: float) -> None:
    """Against scipy's own implementation."""
    expected = stats.binomtest(successes, n).proportion_ci(1 - 2 * alpha, method="wilson")

    assert wilson_interval(successes, n, alpha) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_the_t_interval_is_scipys() -> None:
    """Against scipy's paired t test."""
    differences = np.random.default_rng(0).normal(-0.01, 0.3, 250)
    expected = stats.ttest_1samp(differences, 0).confidence_interval(0.90)
    found = t_interval(float(differences.mean()), mean_error(differences), 249, 0.05)

    assert found == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_quantiles_are_scipys() -> None:
    """Normal and Student's."""
    assert normal_quantile(0.95) == pytest.approx(stats.norm.ppf(0.95))
    assert t_quantile(0.95, 7) == pytest.approx(stats.t.ppf(0.95, 7))


def test_cr1_is_the_sandwich_of_a_regression_on_a_constant() -> None:
    """(X'X)⁻¹ Σ X_g' u_g u_g' X_g (X'X)⁻¹ with G/(G-1), written out as matrices."""
    generator = np.random.default_rng(1)
    values, clusters = generator.normal(size=60), np.sort(generator.integers(0, 13, 60))
    residuals, x = values - values.mean(), np.ones((60, 1))
    bread = np.linalg.inv(x.T @ x)
    groups = [np.flatnonzero(clusters == g) for g in np.unique(clusters)]
    meat = sum(x[g].T @ np.outer(residuals[g], residuals[g]) @ x[g] for g in groups)
    sandwich = bread @ meat @ bread * len(groups) / (len(groups) - 1)

    assert clustered_error(values, clusters) == pytest.approx(float(np.sqrt(sandwich[0, 0])))


def test_clusters_of_one_item_are_no_clusters() -> None:
    """CR1 with a cluster per item is the plain standard error."""
    values = np.random.default_rng(2).normal(size=40)

    assert clustered_error(values, np.arange(40)) == pytest.approx(mean_error(values))


def test_the_jackknife_leaves_out_one_document_at_a_time() -> None:
    """Against a loop that recomputes the ratio without each document."""
    generator = np.random.default_rng(3)
    values, weights = generator.normal(5, 1, 25), generator.uniform(50, 200, 25)
    without = np.array([np.delete(values, i).sum() / np.delete(weights, i).sum() for i in range(25)])
    expected = np.sqrt(24 / 25 * np.sum((without - without.mean()) ** 2))

    assert ratio_error(values, weights) == pytest.approx(expected)
    by_cluster = ratio_error(values, weights, np.arange(25) // 5)
    assert by_cluster == pytest.approx(ratio_error(values.reshape(5, 5).sum(1), weights.reshape(5, 5).sum(1)))


@given(p_values, st.floats(0.01, 0.2))
def test_holm_is_the_closed_test_of_bonferroni(values: list[float], alpha: float) -> None:
    """A hypothesis falls if and only if every set of hypotheses that holds it falls by Bonferroni."""
    values = values[:7]
    indexes = range(len(values))
    sets = [s for bits in product((0, 1), repeat=len(values)) if (s := [i for i in indexes if bits[i]])]
    closed = [all(min(values[j] for j in s) <= alpha / len(s) for s in sets if i in s) for i in indexes]

    assert holm(values, alpha) == closed


@given(p_values, st.floats(0.01, 0.3))
def test_benjamini_hochberg_is_scipys(values: list[float], rate: float) -> None:
    """Against scipy's adjusted p-values."""
    adjusted = stats.false_discovery_control(values, method="bh")
    if np.min(np.abs(adjusted - rate)) > 1e-9:
        assert benjamini_hochberg(values, rate) == [bool(value <= rate) for value in adjusted]


def test_the_mean_of_one_benchmark_is_that_benchmark(compared: Any) -> None:
    """Statistic and interval are Tango's."""
    (task,) = compared({"a": (12, 5, 300, 183)}).tasks

    assert macro_statistic([task], -0.02) == pytest.approx(float(tango_statistic(12, 5, 500, -0.02)))
    assert macro_interval([task], 0.05) == (pytest.approx(task.low), pytest.approx(task.high))


def test_the_mean_counts_every_benchmark_the_same(compared: Any) -> None:
    """Whatever their sizes; and its interval holds exactly what its test does not reject."""
    tasks = compared({"a": (10, 0, 60, 30), "b": (10, 10, 700, 280)}).tasks
    low, high = macro_interval(tasks, 0.05)

    assert macro_delta(tasks) == pytest.approx(-0.05)
    assert macro_statistic(tasks, low) == pytest.approx(normal_quantile(0.95), abs=1e-6)
    assert macro_statistic(tasks, high) == pytest.approx(-normal_quantile(0.95), abs=1e-6)


def test_the_mean_without_any_flip_is_not_certain(compared: Any) -> None:
    """Four benchmarks of 20 unchanged items do not pass 1.5 points; a Wald interval would."""
    low, _ = macro_interval(compared(dict.fromkeys("abcd", (0, 0, 15, 5))).tasks, 0.05)

    assert low == pytest.approx(-(normal_quantile(0.95) ** 2) / (80 + normal_quantile(0.95) ** 2), rel=0.01)


def test_the_means_p_value_is_that_of_the_pooled_flips(compared: Any) -> None:
    """For benchmarks of one size the sign flips of all are McNemar's test on the sums."""
    tasks = compared({"a": (12, 5, 300, 183), "b": (9, 4, 400, 87)}).tasks

    assert macro_p_value(tasks) == pytest.approx(exact_mcnemar(21, 9), abs=0.005)


def test_the_design_effect_lies_between_one_and_its_worst_case(make_scores: Any) -> None:
    """Nothing changed: all items of a passage count as one. Independent changes: hardly any inflation."""
    from tunegate.evaluate import compare_scores

    generator = np.random.default_rng(4)
    passages = [f"p{i // 5}" for i in range(1000)]
    effects = []
    for share in (0.0, 0.2):
        values = (generator.random(1000) > share).astype(int)
        base = make_scores({"b": {"value": [1] * 1000, "cluster": passages}})
        (task,) = compare_scores(base, make_scores({"b": {"value": values, "cluster": passages}})).tasks
        effects.append(design_effect(task))

    assert effects[0] == 5.0
    assert 1.0 <= effects[1] < 1.5


def test_a_cluster_that_was_not_drawn_is_allowed_for(make_scores: Any) -> None:
    """Unchanged passages cannot rule out a loss below twice z² in their number, whatever they hold of items."""
    from tunegate.evaluate import compare_scores

    lows = []
    for size in (2, 10):
        columns = {"value": [1] * 100 * size, "cluster": [f"p{i // size}" for i in range(100 * size)]}
        (task,) = compare_scores(*(make_scores({"b": columns}),) * 2).tasks
        lows.append(delta_interval(task, 0.05)[0])
        assert unseen_variance(task) == pytest.approx((normal_quantile(0.95) / 100) ** 2)

    assert lows[0] == pytest.approx(lows[1])
    assert -2 * normal_quantile(0.95) ** 2 / 100 < lows[0] < -(normal_quantile(0.95) ** 2) / 100


def test_numbers_without_a_change_are_as_uncertain_as_flips(make_scores: Any) -> None:
    """133 equal numbers just pass 2 points, as 133 equal 0/1 items do."""
    from tunegate.evaluate import compare_scores

    infos = {"b": {"scale": "continuous"}}
    (task,) = compare_scores(*(make_scores({"b": [0.5] * 136}, infos=infos),) * 2).tasks

    assert delta_interval(task, 0.05)[0] == pytest.approx(-0.02, abs=0.0005)
