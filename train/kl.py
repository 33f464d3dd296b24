"""Replay rows to how far the tuned model's predictions went from the base's: a penalty on forgetting.

KL(base‖tuned) on inputs of the old distribution (Li & Hoiem 2016, learning without forgetting).
"""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F

from .batches import Micro
from .objective import CausalObjective
from .step import Penalty


def make_penalty(network: Any, objective: CausalObjective, *, weight: float, is_adapter: bool) -> Penalty:
    """A penalty for `Session`: weight × summed KL over the supervised tokens of replay rows.

    With adapters the base is the network with its adapter switched off; else a frozen copy of it is kept.
    """
    reference = None if is_adapter else copy.deepcopy(network).eval().requires_grad_(False)

    def penalty(micro: Micro) -> torch.Tensor:
        before = _base_logits(network, reference, objective, micro)
        now = objective.logits(network, micro)
        return weight * kl_sum(before, now)

    return penalty


def kl_sum(base: torch.Tensor, tuned: torch.Tensor) -> torch.Tensor:
    """Summed KL(base‖tuned) of two sets of logits (tokens, vocabulary), in nats."""
    return F.kl_div(F.log_softmax(tuned.float(), -1), F.log_softmax(base.float(), -1), reduction="sum", log_target=True)


@torch.no_grad()
def _base_logits(network: Any, reference: Any, objective: CausalObjective, micro: Micro) -> torch.Tensor:
    if reference is not None:
        return objective.logits(reference, micro)
    network.eval()  # the base must not see dropout
    with network.disable_adapter():
        logits = objective.logits(network, micro)
    network.train()
    return logits
