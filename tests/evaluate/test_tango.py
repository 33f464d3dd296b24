"""Tango's score test and interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from tunegate.evaluate.statistics.tango import normal_quantile, tango_interval, tango_statistic

counts = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 300))


def likelihood_statistic(lost: int, gained: int, n: int, delta: float) -> float:
    """The same statistic by maximising the multinomial likelihood numerically, without the closed form."""

    def minus_log(q: float) -> float:
        cells = ((lost, q), (gained, q + delta), (n - lost - gained, 1 - 2 * q - delta))
        return -sum(count * math.log(max(share, 1e-300)) for count, share in cells if count)

    low, high = max(0.0, -delta), (1 - delta) / 2
    q = minimize_scalar(minus_log, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return (gained - lost - n * delta) / math.sqrt(n * (2 * q + delta - delta**2))


@pytest.mark.parametrize(
    ("lost", "gained", "n", "delta"),
    [(5, 2, 100, -0.02), (12, 30, 400, 0.03), (1, 0, 60, -0.05), (40, 40, 500, -0.01), (3, 9, 50, -0.2)],
)
def test_the_statistic_is_the_restricted_likelihood_score(lost: int, gained: int, n: int, delta: float) -> None:
    """The closed form equals the score statistic at the numerically restricted maximum of the likelihood."""
    expected = likelihood_statistic(lost, gained, n, delta)

    assert tango_statistic(lost, gained, n, delta) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("lost", "gained", "n", "alpha", "published"),
    [(1, 0, 44, 0.05, (-0.096, 0.037)), (7, 1, 21, 0.025, (-0.517, -0.026))],
    ids=["Tango 1998, contact lenses", "Fagerland, Lydersen and Laake 2017, airways"],
)
def test_published_intervals(lost: int, gained: int, n: int, alpha: float, published: tuple[float, float]) -> None:
    """The worked examples of the literature come out to their last digit."""
    low, high = tango_interval(lost, gained, n, alpha)

    assert (round(low, 3), round(high, 3)) == published


def test_no_flips_need_many_items() -> None:
    """Ten items without a flip prove nothing at 2 points; 133 are the fewest that do."""
    z = normal_quantile(0.95)
    passing = [n for n in range(1, 200) if tango_statistic(0, 0, n, -0.02) > z]

    assert passing[0] == 133


def test_ten_thousand_pairs_with_one_flip_each_way_are_decided() -> None:
    """The interval is then far inside 2 points."""
    low, high = tango_interval(1, 1, 10_000, 0.05)

    assert low > -0.001
    assert high < 0.001


@given(counts)
def test_swapping_the_models_mirrors_the_interval(drawn: tuple[int, int, int]) -> None:
    """Lost and gained exchanged give the interval with opposite sign."""
    lost, gained, rest = drawn
    n = lost + gained + rest
    low, high = tango_interval(lost, gained, n, 0.05)
    mirrored = tango_interval(gained, lost, n, 0.05)

    assert (low, high) == (pytest.approx(-mirrored[1], abs=1e-9), pytest.approx(-mirrored[0], abs=1e-9))


@given(counts)
def test_another_lost_item_never_raises_the_interval(drawn: tuple[int, int, int]) -> None:
    """Turning one unchanged item into a loss lowers the lower end."""
    lost, gained, rest = drawn
    n = lost + gained + rest

    assert tango_interval(lost + 1, gained, n, 0.05)[0] <= tango_interval(lost, gained, n, 0.05)[0] + 1e-9


@given(counts, st.floats(0.005, 0.2))
def test_interval_and_test_agree(drawn: tuple[int, int, int], margin: float) -> None:
    """The lower end is above -m exactly if the one-sided test rejects a loss of m."""
    lost, gained, rest = drawn
    n = lost + gained + rest
    low, _ = tango_interval(lost, gained, n, 0.05)
    if abs(low + margin) > 1e-9:
        assert (low > -margin) == bool(tango_statistic(lost, gained, n, -margin) > normal_quantile(0.95))


def test_counts_may_be_arrays() -> None:
    """One call serves a whole simulation."""
    lost, gained = np.array([3.0, 0.0]), np.array([1.0, 0.0])

    assert tango_statistic(lost, gained, 100, -0.02).tolist() == [
        tango_statistic(3, 1, 100, -0.02),
        tango_statistic(0, 0, 100, -0.02),
    ]
