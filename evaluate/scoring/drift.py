"""Base and tuned model to the divergence of their next-token distributions on task inputs: a cheap early warning.

The forward divergence KL(base‖tuned) on the new task's own inputs foretells forgetting elsewhere (Shenfeld et al. 2025,
"RL's Razor"). It is reported, never gated: it measures change, and not every change is a loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...core.models import load_tokenizer
from ...core.prompts import PromptConfig, render_prompts
from ...core.records import Examples
from ..config import EvaluateConfig
from .causal import Resident
from .tokens import Encoder, model_length


def measure_drift(
    base: str,
    tuned: str,
    *,
    adapter: Path | None = None,
    task: Examples,
    config: EvaluateConfig,
    prompts: PromptConfig,
    seed: int = 0,
) -> dict[str, Any]:
    """Mean KL(base‖tuned) in nats per token over the prompts and answers of a seeded draw of held-out rows.

    With `adapter` one loaded model serves both sides; else two are held in memory.

    Returns:
        kl, standard_error (over rows), rows, tokens.

    Raises:
        ModelError: a model cannot be loaded.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(task))[: max(config.drift_rows, 1)])
    tokenizer = load_tokenizer(base, trust_remote_code=config.trust_remote_code)
    rendered = render_prompts(task.take(chosen), prompts, tokenizer)
    resident = Resident()
    if adapter is not None:
        changed = resident.tuned(base, adapter, config)
        pairs = (changed, None)
    else:
        pairs = (Resident().base(tuned, config), resident.base(base, config))
    encoder = Encoder(tokenizer, config.max_length or model_length(pairs[0].config, tokenizer))
    texts = [encoder.encode([one.prompt + one.answer], one.has_specials)[0][: encoder.max_length] for one in rendered]
    rows = [_divergence(ids, *pairs) for ids in texts if len(ids) > 1]
    means = [total / count for total, count in rows]
    error = float(np.std(means, ddof=1) / np.sqrt(len(means))) if len(means) > 1 else None
    tokens = sum(count for _, count in rows)
    kl = sum(total for total, _ in rows) / max(tokens, 1)
    return {"kl": kl, "standard_error": error, "rows": len(rows), "tokens": tokens}


def _divergence(ids: Sequence[int], tuned: Any, base: Any) -> tuple[float, int]:
    """Sum over positions of KL(base‖tuned), and the positions; without a base, the tuned one with its adapter off."""
    import torch

    tokens = torch.tensor([list(ids)], device=tuned.device)
    with torch.inference_mode():
        after = tuned(tokens).logits[0].float().log_softmax(-1)
        if base is None:
            with tuned.disable_adapter():
                before = tuned(tokens).logits[0].float().log_softmax(-1)
        else:
            before = base(tokens).logits[0].float().log_softmax(-1)
        total = (before.exp() * (before - after)).sum().item()
    return max(float(total), 0.0), len(ids)
