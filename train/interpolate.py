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
from .monitor import Evaluation, Watch, choose_best, describe, evaluate, rise, to_json
from .plan import Plan
from .step import Session

SWEEP = (1.0, 0.9, 0.75, 0.5, 0.25)
"""Shares that `auto` tries."""

Weights = Mapping[str, torch.Tensor]


def interpolate(session: Session, plan: Plan, watch: Watch, base: Evaluation) -> dict[str, Any]:
    """Move the network to its place between base and tuned; returns what was tried and chosen, JSON-ready."""
    wanted = plan.config.interpolate
    if wanted == 1.0:
        return {}
    tuned = {name: weight.clone() for name, weight in trained_weights(session.network).items()}
    anchor = _anchor(session, plan)
    if wanted != "auto":
        mix(session.network, anchor, tuned, wanted)
        found = evaluate(session, watch, step=0)
        note(f"interpolated by {wanted:g}: {describe(found)}")
        return {"share": wanted, "evaluation": to_json(found)}
    tried = []
    for number, share in enumerate(SWEEP):
        mix(session.network, anchor, tuned, share)
        tried.append(evaluate(session, watch, step=len(SWEEP) - number))
        note(f"interpolated by {share:g}: {describe(tried[-1])}")
    share = _chosen(base, tried, plan)
    mix(session.network, anchor, tuned, share)
    return {
        "share": share,
        "tried": [{"share": at, **to_json(found), "step": 0} for at, found in zip(SWEEP, tried, strict=True)],
    }


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


def _chosen(base: Evaluation, tried: list[Evaluation], plan: Plan) -> float:
    """The best validation score among the shares inside the retention margin; else the share that forgot least."""
    margin = plan.config.monitor.retention_margin
    within = [found for found in tried if rise(found, base) <= margin]
    if not within:
        return SWEEP[min(range(len(tried)), key=lambda number: rise(tried[number], base))]
    best = choose_best([base, *within], plan.config.monitor)
    return SWEEP[tried.index(best)] if best else 1.0
