"""Items are drawn with the seed, spread over subjects, nested in size, and nothing else moves the draw."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunegate.evaluate.benchmarks.selection import select_items

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=8)


def strata(sizes: list[int]) -> list[list[int]]:
    return [list(range(100 * n, 100 * n + size)) for n, size in enumerate(sizes)]


@given(SIZES, st.integers(1, 200), st.integers(0, 3))
def test_a_draw_has_the_limits_size_and_no_item_twice(sizes: list[int], limit: int, seed: int) -> None:
    """As many items as asked for or there are, each from its stratum, ascending, numbered in the order of drawing."""
    drawn = select_items(strata(sizes), limit=limit, seed=seed, name="t")
    count = min(limit, sum(sizes))

    assert sorted(place for places in drawn for place in places.values()) == list(range(count))
    for stratum, chosen in zip(strata(sizes), drawn, strict=True):
        assert list(chosen) == sorted(set(chosen) & set(stratum))


@given(SIZES, st.integers(1, 200), st.integers(1, 200), st.integers(0, 3))
def test_a_larger_draw_holds_the_smaller(sizes: list[int], one: int, other: int, seed: int) -> None:
    """With every item in the same place, whatever the sizes: blocks of a measurement build on each other."""
    small, large = (
        select_items(strata(sizes), limit=limit, seed=seed, name="t") for limit in sorted((min(one, other), one))
    )

    for few, many in zip(small, large, strict=True):
        assert few.items() <= many.items()


@given(SIZES, st.integers(1, 200), st.integers(0, 3))
def test_no_subject_could_cede_an_item_to_a_stronger_claim(sizes: list[int], limit: int, seed: int) -> None:
    """Webster's rule: every item drawn has a claim (2r - 1) / n no larger than that of any item left out."""
    shares = [len(places) for places in select_items(strata(sizes), limit=limit, seed=seed, name="t")]
    drawn = [Fraction(2 * share - 1, size) for share, size in zip(shares, sizes, strict=True) if share]
    left = [Fraction(2 * share + 1, size) for share, size in zip(shares, sizes, strict=True) if share < size]

    assert max(drawn) <= min(left, default=max(drawn))


@pytest.mark.parametrize(("sizes", "limit", "shares"), [([50, 30, 20], 10, [5, 3, 2]), ([1, 1, 100], 50, [0, 0, 50])])
def test_shares_are_proportional(sizes: list[int], limit: int, shares: list[int]) -> None:
    """Where the proportions are whole numbers, exactly; a subject with less than half an item's claim gets none."""
    drawn = select_items(
        [list(range(200 * n, 200 * n + size)) for n, size in enumerate(sizes)], limit=limit, seed=0, name="t"
    )

    assert [len(places) for places in drawn] == shares


def test_no_limit_takes_all() -> None:
    """Without a limit nothing is left out."""
    drawn = select_items([[3, 1], [7]], limit=None, seed=0, name="t")

    assert [list(places) for places in drawn] == [[1, 3], [7]]


def test_subjects_of_one_size_are_drawn_by_chance() -> None:
    """Twenty items over 57 equal subjects do not always come from the first twenty."""
    chosen = [
        [n for n, places in enumerate(select_items(strata([5] * 57), limit=20, seed=seed, name="t")) if places]
        for seed in (0, 1)
    ]

    assert [len(subjects) for subjects in chosen] == [20, 20]
    assert chosen[0] != chosen[1] != list(range(20))


def test_each_seed_and_name_draws_its_own() -> None:
    """The same seed and name draw the same items; another seed or name others."""
    first, again, seed, name = (
        select_items([list(range(1000))], limit=20, seed=seed, name=name)
        for seed, name in ((0, "a"), (0, "a"), (1, "a"), (0, "b"))
    )

    assert first == again
    assert len({str(sorted(draw[0])) for draw in (first, seed, name)}) == 3
