"""Items are drawn with the seed, spread over subjects, and nothing else moves the draw."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tunegate.evaluate.benchmarks.selection import allot, select_items

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=8)


def strata(sizes: list[int]) -> list[list[int]]:
    return [list(range(100 * n, 100 * n + size)) for n, size in enumerate(sizes)]


@given(SIZES, st.integers(1, 200), st.integers(0, 3))
def test_a_draw_has_the_limits_size_and_no_item_twice(sizes: list[int], limit: int, seed: int) -> None:
    """As many items as asked for or there are, each from its stratum, ascending."""
    drawn = select_items(strata(sizes), limit=limit, seed=seed, name="t")

    assert sum(map(len, drawn)) == min(limit, sum(sizes))
    for stratum, chosen in zip(strata(sizes), drawn, strict=True):
        assert chosen == sorted(set(chosen) & set(stratum))


@given(SIZES, st.integers(1, 60))
def test_shares_are_proportional_within_one(sizes: list[int], limit: int) -> None:
    """Largest remainders: no subject is more than one item away from its share."""
    limit = min(limit, sum(sizes))

    for size, share in zip(sizes, allot(sizes, limit), strict=True):
        assert abs(share - limit * size / sum(sizes)) < 1


def test_no_limit_takes_all() -> None:
    """Without a limit nothing is drawn by chance."""
    assert select_items([[3, 1], [7]], limit=None, seed=0, name="t") == [[1, 3], [7]]


def test_each_seed_and_name_draws_its_own() -> None:
    """The same seed and name draw the same items; another seed or name others."""
    first, again, seed, name = (
        select_items([list(range(1000))], limit=20, seed=seed, name=name)
        for seed, name in ((0, "a"), (0, "a"), (1, "a"), (0, "b"))
    )

    assert first == again
    assert len({str(first), str(seed), str(name)}) == 3
