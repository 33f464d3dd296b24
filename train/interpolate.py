"""Base and tuned weights to weights between them (WiSE-FT, Wortsman et al. 2022), chosen by what is watched.

Along the straight line from base to tuned, the task is often learned before the old abilities are lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ..core.console import note
from ..core.models import load_causal
from .checkpoint import trained_weights
from .monitor import Evaluation, Watch, evaluate, figures, rise, to_json, worth
from .plan import Plan
from .step import Session

SWEEP = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
"""Shares that `auto` tries."""

Weights = Mapping[str, torch.Tensor]


def interpolate(session: Session, plan: Plan, watch: Watch, base: Evaluation) -> dict[str, Any]:
    """Move the network to its place between base and tuned; returns what was tried and chosen, JSON-ready.

    Returns:
        Empty where the weights stay as tuned; else `share`, `limit` (nats per token), `why`, and `tried`: per candidate
        its `share`, what was measured, the largest `rise` of a watched loss over the base, `where` that was, and
        whether it is `within` the limit.
    """
    wanted = plan.config.interpolate
    if wanted == 1.0:
        return {}
    candidates = SWEEP if wanted == "auto" else wanted if isinstance(wanted, tuple) else (wanted,)
    shares = sorted(set(candidates), reverse=True)
    limit = plan.config.monitor.retention_margin
    tuned = {name: weight.clone() for name, weight in trained_weights(session.network).items()}
    anchor = _anchor(session, plan)
    found = {}
    for share in shares:
        mix(session.network, anchor, tuned, share)
        found[share] = evaluate(session, watch, step=0)
        note(f"interpolated by {share:g}: {figures(found[share])}")
    share, why = choose_share(found, base, limit=limit)
    if len(shares) > 1:
        note(f"interpolation: {share:g}, {why}")
    mix(session.network, anchor, tuned, share)
    return {"share": share, "limit": limit, "why": why, "tried": [_tried(at, found[at], base, limit) for at in shares]}


def choose_share(found: Mapping[float, Evaluation], base: Evaluation, *, limit: float) -> tuple[float, str]:
    """The share with the best validation score among those within the limit, else the smallest; and why.

    A share is within the limit where neither the loss on general text nor that on any benchmark's selection items rose
    over the base by more than `limit` nats per token. Of equal scores, and without validation rows, the larger share.
    """
    within = [share for share, seen in found.items() if rise(seen, base)[0] <= limit]
    if not within:
        return min(found), f"the smallest: with every one a watched loss rose by more than {limit:g}"
    best = max(within, key=lambda share: (worth(found[share])[:2], share))
    kind = "the best validation score" if found[best].loss is not None else "the largest"
    return best, f"{kind} among those with which no watched loss rose by more than {limit:g}"


def _tried(share: float, seen: Evaluation, base: Evaluation, limit: float) -> dict[str, Any]:
    risen, where = rise(seen, base)
    return {"share": share, **to_json(seen), "rise": risen, "where": where, "within": risen <= limit}


@torch.no_grad()
def mix(network: Any, base: Weights, tuned: Weights, share: float) -> None:
    """Set weight = base + share × (tuned − base) wherever there is a base; fresh weights stay as tuned."""
    for name, weight in trained_weights(network).items():
        if name in base:
            weight.copy_(torch.lerp(base[name], tuned[name], share))


def _anchor(session: Session, plan: Plan) -> Weights:
    """Where the trained weights started: zero for the second matrix of an adapter, whose product is the update."""
    trained = trained_weights(session.network)
    if plan.choice.is_adapter:
        return {name: torch.zeros_like(weight) for name, weight in trained.items() if ".lora_B." in name}
    if not plan.choice.has_head:
        network = load_causal(plan.model, trust_remote_code=plan.config.trust_remote_code)
    else:
        from transformers import AutoModel

        network = AutoModel.from_pretrained(
            plan.model, dtype=torch.float32, use_safetensors=True, trust_remote_code=plan.config.trust_remote_code
        )
    prefix = session.network.base_model_prefix + "." if plan.choice.has_head else ""
    start = {prefix + name: weight.detach().to(session.place.device) for name, weight in network.named_parameters()}
    return {name: start[name] for name in trained if name in start and start[name].shape == trained[name].shape}
