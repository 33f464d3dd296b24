"""Base and tuned model to the divergence of their next-token distributions on task inputs: a cheap early warning.

The forward divergence KL(base‖tuned) on the new task's own inputs foretells forgetting elsewhere (Shenfeld et al. 2025,
"RL's Razor"). It is reported, never gated: it measures change, and not every change is a loss.

It costs one pass of each model over `drift_rows` rows. With an adapter one model serves both sides; else two are held
in memory, half of what full fine-tuning in float32 held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import IntegrityError
from ...core.models import load_tokenizer
from ...core.prompts import PromptConfig, render_prompts
from ...core.records import SCHEMA_VERSION, Examples
from ...core.results import Drift
from ...core.store import read_json, write_json
from ..config import EvaluateConfig
from .causal import Resident
from .tokens import Encoder, model_length

MOST_TOKENS = 512
"""Tokens of a row that are read: a whole vocabulary of logits is held for each, twice."""
POSITIONS = 64
"""Positions whose distributions are compared at once."""


def measure_drift(
    base: str,
    tuned: str,
    *,
    adapter: Path | None = None,
    task: Examples,
    config: EvaluateConfig,
    prompts: PromptConfig,
    seed: int = 0,
    resident: Resident | None = None,
) -> Drift:
    """Mean KL(base‖tuned) in nats per token over the prompts and answers of a seeded draw of held-out rows.

    Args:
        base: Folder or hub id of the base model.
        tuned: The tuned model; not looked at with `adapter`.
        adapter: Folder of a PEFT adapter on the base.
        task: Held-out rows.
        config: `drift_rows` says how many rows; number format and device as for evaluation.
        prompts: How rows become prompts; the same as in training.
        seed: Seed of the draw.
        resident: What is in memory of an evaluation before: one load less.

    Raises:
        ModelError: a model cannot be loaded.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(task))[: max(config.drift_rows, 1)])
    tokenizer = load_tokenizer(base, trust_remote_code=config.trust_remote_code)
    rendered = render_prompts(task.take(chosen), prompts, tokenizer)
    resident = resident or Resident()
    if adapter is not None:
        changed, before = resident.tuned(base, adapter, config), None
    else:
        changed, before = resident.base(tuned, config), Resident().base(base, config)
    encoder = Encoder(tokenizer, min(config.max_length or model_length(changed.config, tokenizer), MOST_TOKENS))
    texts = [encoder.encode([one.prompt + one.answer], one.has_specials)[0][: encoder.max_length] for one in rendered]
    rows = [_divergence(ids, changed, before) for ids in texts if ids]
    if adapter is not None:
        resident.take_off(changed)
    return _summary(rows)


def write_drift(drift: Drift, path: Path) -> None:
    """Write drift.json."""
    write_json(path, {"schema_version": SCHEMA_VERSION, **asdict(drift)})


def read_drift(path: Path) -> Drift:
    """Read drift.json.

    Raises:
        IntegrityError: absent, truncated, foreign or of another version.
    """
    data = read_json(path)
    if not isinstance(data, dict) or data.pop("schema_version", None) != SCHEMA_VERSION:
        raise IntegrityError(f"{path}: not a drift of this version of tunegate; run again")
    try:
        return Drift(**data)
    except TypeError as error:
        raise IntegrityError(f"{path}: not a drift of tunegate ({error}); run again") from error


def _summary(rows: Sequence[tuple[float, int]]) -> Drift:
    means = [total / count for total, count in rows]
    tokens = sum(count for _, count in rows)
    return Drift(
        kl=sum(total for total, _ in rows) / max(tokens, 1),
        standard_error=float(np.std(means, ddof=1) / np.sqrt(len(means))) if len(means) > 1 else None,
        rows=len(rows),
        tokens=tokens,
        largest=max(means, default=0.0),
    )


def _divergence(ids: Sequence[int], tuned: Any, base: Any) -> tuple[float, int]:
    """Sum over positions of KL(base‖tuned), and the positions; without a base, the tuned one with its adapter off."""
    import torch

    tokens = torch.tensor([list(ids)], device=tuned.device)
    with torch.inference_mode():
        after = tuned(tokens, use_cache=False).logits[0]
        if base is None:
            with tuned.disable_adapter():
                before = tuned(tokens, use_cache=False).logits[0]
        else:
            before = base(tokens, use_cache=False).logits[0]
        width = min(before.shape[1], after.shape[1])  # training may have added rows for new tokens
        parts = zip(before[:, :width].split(POSITIONS), after[:, :width].split(POSITIONS), strict=True)
        total = sum(_kl(one.float().log_softmax(-1), other.float().log_softmax(-1)) for one, other in parts)
    return max(total, 0.0), len(ids)


def _kl(before: Any, after: Any) -> float:
    return float((before.exp() * (before - after)).sum().item())
