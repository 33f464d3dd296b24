"""A causal network to the fastest way of training it that a self-check on the rows proves equal to the plain way."""

from __future__ import annotations

from typing import Any

import torch

from ..core.console import note
from .batches import Layout
from .encoding import Row
from .objective import CausalObjective
from .plan import Plan
from .varlen import use_varlen

CHECK_ROWS = 3
CHECK_TOKENS = 2048
"""Rows and tokens (of each row, at most) that the self-check runs on: the shortest, the longest, one between."""
TOLERANCE = 1e-3
"""Relative difference of the summed loss that is rounding; contamination between rows moves it far more."""


def choose_layout(plan: Plan, network: Any, pad: int) -> CausalObjective:
    """The first of (varlen, blocked), (padded, blocked), (padded, plain) whose losses equal the model's own loss."""
    smoothing = plan.config.label_smoothing
    implementation = network.config._attn_implementation
    rows = _check_rows(plan.encoding.rows)
    expected = [_own_loss(network, row, plan) for row in rows]
    layouts: list[Layout] = ["padded"] if plan.config.layout == "padded" else ["varlen", "padded"]
    for layout in layouts:
        objective = CausalObjective(layout=layout, pad=pad, is_linear=True)
        problem = _try(objective, network, rows, expected, plan)
        if not problem:
            return CausalObjective(layout=layout, pad=pad, is_linear=True, smoothing=smoothing)
        note(f"layout {layout}: {problem}; taking a slower one")
        network.set_attn_implementation(implementation)
    return CausalObjective(layout="padded", pad=pad, is_linear=False, smoothing=smoothing)


@torch.no_grad()
def _try(objective: CausalObjective, network: Any, rows: list[Row], expected: list[float], plan: Plan) -> str:
    """Compare all rows in one forward pass, and each alone, with the model's own loss; returns what is wrong."""
    network.eval()
    try:
        if objective.layout == "varlen":
            use_varlen(network)
        alone = [float(objective.loss_sum(network, objective.collate([row], plan.place.device))) for row in rows]
        whole = float(objective.loss_sum(network, objective.collate(rows, plan.place.device)))
    except (ValueError, TypeError, AttributeError, NotImplementedError, RuntimeError, KeyError) as error:
        return f"the model does not take it ({(str(error).splitlines() or [type(error).__name__])[0]})"
    pairs = [*zip(alone, expected, strict=True), (whole, sum(expected))]
    worst = max(abs(found - right) / max(abs(right), 1.0) for found, right in pairs)
    return "" if worst <= TOLERANCE else f"the loss differs from the model's own by {worst:.1e}"


@torch.no_grad()
def _own_loss(network: Any, row: Row, plan: Plan) -> float:
    """The summed loss by the model's own forward pass with labels."""
    network.eval()
    device = plan.place.device
    ids = torch.from_numpy(row.ids.astype("int64"))[None].to(device)
    supervised = torch.from_numpy(row.supervised)[None].to(device)
    labels = ids.masked_fill(~supervised, -100)
    mean = network(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels, use_cache=False).loss
    return float(mean) * int(row.supervised[1:].sum())


def _check_rows(rows: tuple[Row, ...]) -> list[Row]:
    ordered = sorted(rows, key=len)
    picked = {0: ordered[0], 1: ordered[len(ordered) // 2], 2: ordered[-1]}
    return [_shortened(row) for row in list(picked.values())[:CHECK_ROWS]]


def _shortened(row: Row) -> Row:
    """The last tokens of a long row: they hold what is supervised."""
    return Row(ids=row.ids[-CHECK_TOKENS:], supervised=row.supervised[-CHECK_TOKENS:], origin=row.origin)
