"""Holding rows out depends on content alone."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.core.formats import load_examples
from tunegate.core.split import split_examples

rows = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("xyz")), min_size=2, max_size=60)


@settings(deadline=None)
@given(rows, st.integers(0, 5), st.floats(0.05, 0.9))
def test_every_row_lands_on_one_side_and_order_does_not_matter(
    pairs: list[tuple[str, str]], seed: int, share: float
) -> None:
    """The two parts together are the input; shuffling the input moves no content to the other side."""
    data = [{"text": text, "label": label} for text, label in pairs]
    train, held = split_examples(load_examples(data), share=share, seed=seed)
    shuffled = random.Random(seed).sample(data, len(data))
    train_again, held_again = split_examples(load_examples(shuffled), share=share, seed=seed)

    assert len(train) + len(held) == len(data)
    assert sorted(train.ids) == sorted(train_again.ids)
    assert sorted(held.ids) == sorted(held_again.ids)
    assert set(train.ids).isdisjoint(held.ids)


def test_every_class_with_two_rows_is_on_both_sides() -> None:
    """A class can be both learned and measured as soon as it has two different rows."""
    data = [{"text": f"{label} {number}", "label": label} for label in "xyz" for number in range(10)]
    train, held = split_examples(load_examples(data), share=0.2, seed=1)

    assert sorted(held.targets) == ["x"] * 2 + ["y"] * 2 + ["z"] * 2
    assert len(train) == 24
