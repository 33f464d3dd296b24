"""The order of rows is a function of the seed, and cutting a batch loses nothing."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.train.batches import Order, collate, split_batch
from tunegate.train.encoding import Row


def make_row(length: int, number: int = 0, *, is_replay: bool = False) -> Row:
    return Row(
        ids=np.arange(length, dtype=np.int32) + 10 * number,
        supervised=np.arange(length) >= length // 2,
        origin=f"f:{number}",
        is_replay=is_replay,
    )


@settings(deadline=None)
@given(rows=st.integers(1, 60), batch=st.integers(1, 20), seed=st.integers(0, 3), replay=st.booleans())
def test_an_epoch_shows_every_row_once(rows: int, batch: int, seed: int, replay: bool) -> None:
    """Each epoch trains on every task row exactly once, with or without replay."""
    others = [make_row(3, n, is_replay=True) for n in range(5)] if replay else []
    order = Order(rows=[make_row(4, n) for n in range(rows)], replay=others, batch_size=batch, share=0.25, seed=seed)
    for epoch in range(2):
        steps = range(epoch * order.steps_per_epoch, (epoch + 1) * order.steps_per_epoch)
        seen = Counter(row.origin for step in steps for row in order.batch(step) if not row.is_replay)
        assert seen == Counter(f"f:{n}" for n in range(rows))


def test_epochs_differ_and_a_step_can_be_repeated() -> None:
    """Two epochs have different orders; asking for a step again gives the same rows."""
    order = Order(rows=[make_row(4, n) for n in range(50)], replay=[], batch_size=50, share=0.0, seed=1)

    assert [row.origin for row in order.batch(0)] != [row.origin for row in order.batch(1)]
    assert [row.origin for row in order.batch(1)] == [row.origin for row in order.batch(1)]


def test_replay_has_its_share() -> None:
    """Over many steps, replay rows are the stated share of all rows, none of them favoured."""
    order = Order(
        rows=[make_row(4, n) for n in range(400)],
        replay=[make_row(4, n, is_replay=True) for n in range(10)],
        batch_size=16,
        share=0.05,
        seed=0,
    )
    shown = [row for step in range(100) for row in order.batch(step)]
    replayed = Counter(row.origin for row in shown if row.is_replay)

    assert sum(replayed.values()) == 80
    assert set(replayed.values()) == {8}


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=20),
    tokens=st.integers(1, 200),
    layout=st.sampled_from(["varlen", "padded"]),
)
def test_cutting_a_batch_keeps_every_row_within_the_limit(lengths: list[int], tokens: int, layout: str) -> None:
    """Every row is in exactly one forward pass, and only a single row may exceed the limit."""
    rows = [make_row(length, n) for n, length in enumerate(lengths)]
    groups = split_batch(rows, tokens=tokens, layout=layout)  # type: ignore[arg-type]

    assert sorted(row.origin for group in groups for row in group) == sorted(row.origin for row in rows)
    for group in groups:
        size = sum(map(len, group)) if layout == "varlen" else len(group) * max(map(len, group))
        assert len(group) == 1 or size <= tokens


def test_padding_is_masked_and_targets_are_the_next_tokens() -> None:
    """A padded pass masks the padding; each position's label is the next token where that is supervised."""
    micro = collate([make_row(4), make_row(2, 1)], layout="padded", pad=99, device=torch.device("cpu"))

    assert micro.inputs["input_ids"].tolist() == [[0, 1, 2, 3], [10, 11, 99, 99]]
    assert micro.inputs["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert micro.labels.tolist() == [[-100, 2, 3, -100], [11, -100, -100, -100]]


def test_a_line_of_rows_restarts_positions_and_never_predicts_across_rows() -> None:
    """In one line, positions restart at each row and a row's last token predicts nothing."""
    micro = collate([make_row(3), make_row(2, 1)], layout="varlen", pad=99, device=torch.device("cpu"))

    assert micro.inputs["input_ids"].tolist() == [[0, 1, 2, 10, 11]]
    assert micro.inputs["position_ids"].tolist() == [[0, 1, 2, 0, 1]]
    assert micro.inputs["sequence_lengths"] == [3, 2]
    assert micro.labels.tolist() == [[1, 2, -100, 11, -100]]
