"""The blocked cross-entropy is the cross-entropy, in value and in gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tunegate.train import loss as module
from tunegate.train.loss import blocked_cross_entropy


def both(rows: int, width: int, vocabulary: int, smoothing: float) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Value, hidden gradient and weight gradient: ours, and torch's."""
    generator = torch.Generator().manual_seed(rows * 1000 + vocabulary)
    found = []
    for ours in (True, False):
        generator.manual_seed(7)
        hidden = torch.randn(rows, width, generator=generator, requires_grad=True)
        weight = torch.randn(vocabulary, width, generator=generator, requires_grad=True)
        target = torch.randint(vocabulary, (rows,), generator=generator)
        if ours:
            value = blocked_cross_entropy(hidden, weight, target, smoothing=smoothing)
        else:
            value = F.cross_entropy(hidden @ weight.t(), target, reduction="sum", label_smoothing=smoothing)
        (value / 3).backward()
        found.append([value.detach(), hidden.grad, weight.grad])
    return found[0], found[1]


@settings(deadline=None)
@given(
    rows=st.integers(1, 40),
    width=st.integers(1, 12),
    vocabulary=st.integers(2, 60),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
)
def test_value_and_gradients_equal_torch(rows: int, width: int, vocabulary: int, smoothing: float) -> None:
    """For any shape and smoothing, loss and both gradients are those of `F.cross_entropy` on full logits."""
    for ours, theirs in zip(*both(rows, width, vocabulary, smoothing), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_many_blocks_equal_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting the rows into blocks changes nothing."""
    whole, _ = both(64, 8, 50, 0.1)
    monkeypatch.setattr(module, "BLOCK_ELEMENTS", 50 * 8)
    cut, _ = both(64, 8, 50, 0.1)
    for one, many in zip(whole, cut, strict=True):
        torch.testing.assert_close(one, many, rtol=1e-5, atol=1e-5)


def test_extreme_logits_stay_finite() -> None:
    """Logits of ±10⁴ give a finite loss, since the largest is subtracted first."""
    hidden = torch.tensor([[100.0]])
    weight = torch.tensor([[100.0], [-100.0]])

    assert float(blocked_cross_entropy(hidden, weight, torch.tensor([1]))) == 20000.0


def test_a_frozen_output_matrix_gets_no_gradient() -> None:
    """With adapters the output matrix is frozen: no gradient of its size is made."""
    hidden = torch.randn(5, 3, requires_grad=True)
    weight = torch.randn(7, 3)
    blocked_cross_entropy(hidden, weight, torch.zeros(5, dtype=torch.long)).backward()

    assert weight.grad is None
    assert hidden.grad is not None
    assert hidden.grad.shape == (5, 3)
