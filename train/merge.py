"""A base model and an adapter to one model without adapter, checked by comparing logits before it is trusted."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..core.errors import IntegrityError
from ..core.models import load_causal, load_classifier, load_config, load_tokenizer
from ..core.records import Tuned
from ..core.store import atomic_path, require_result, write_json, write_text
from .card import render_card
from .checkpoint import save_network
from .encoding import Row
from .record import read_tuned, tuned_to_json

TOLERANCE = 1e-3
"""Difference of logits, relative to the largest, that is rounding in float32."""
PROBE = "The quick brown fox jumps over the lazy dog. 1 + 1 = 2"


def merge_network(network: Any, probes: Sequence[torch.Tensor]) -> Any:
    """Fold the adapter of a PEFT network into its weights.

    Args:
        network: a PEFT model.
        probes: token ids (1, n) whose logits must not change.

    Raises:
        IntegrityError: the merged network answers otherwise.
    """
    network = network.float().eval()
    before = [_logits(network, ids) for ids in probes]
    merged = network.merge_and_unload(safe_merge=True)
    after = [_logits(merged, ids) for ids in probes]
    for old, new in zip(before, after, strict=True):
        worst = float((old - new).abs().max() / old.abs().max().clamp_min(1.0))
        if not worst <= TOLERANCE:
            raise IntegrityError(f"merging the adapter moved the logits by {worst:.1e} (at most {TOLERANCE:g})")
    return merged


def merge_adapter(adapter: Path, *, out: Path, base: str | None = None) -> Tuned:
    """Merge a tuned adapter on disk into its base and write a model that stands alone, in float32.

    Rounding the merged weights to a smaller format would move the logits that were compared.

    Args:
        adapter: folder that `train_model` wrote.
        out: folder of the merged model; replaced if it is there.
        base: the base model; None: as the adapter's record names it.

    Raises:
        InputError: `adapter` is no folder of a tuned model.
        IntegrityError: it holds no adapter, or merging changes what the model says.
    """
    require_result(adapter, "tuned.json", "give the folder of an adapter that tunegate train or run wrote")
    tuned = read_tuned(adapter)
    if not tuned.is_adapter:
        raise IntegrityError(f"{adapter}: holds a whole model, not an adapter; there is nothing to merge")
    model = base or tuned.base
    model, tokenizer = base or tuned.base, load_tokenizer(adapter)
    network = _load_with_adapter(model, adapter, has_labels=bool(tuned.notes["audit"]["labels"]))
    merged = merge_network(network, [torch.tensor([tokenizer(PROBE)["input_ids"]])])
    whole = replace(tuned, path=out, is_adapter=False)
    with atomic_path(out) as fresh:
        save_network(merged, tokenizer, fresh)
        if (adapter / "training_log.jsonl").is_file():
            shutil.copy2(adapter / "training_log.jsonl", fresh / "training_log.jsonl")
        write_text(fresh / "README.md", render_card(whole))
        write_json(fresh / "tuned.json", tuned_to_json(whole))
    return read_tuned(out)


def _load_with_adapter(model: str, adapter: Path, *, has_labels: bool) -> Any:
    """The base under its adapter; a label head with the label map that lies beside the adapter."""
    if not has_labels:
        return load_causal(model, adapter=adapter)
    saved = load_config(adapter)
    kept = {name: getattr(saved, name) for name in ("id2label", "label2id", "problem_type", "pad_token_id")}
    return load_classifier(model, adapter=adapter, **kept)


def probe_tokens(rows: Sequence[Row], device: torch.device) -> list[torch.Tensor]:
    """The first and the longest row as token ids."""
    picked = (rows[0], max(rows, key=len))
    return [torch.from_numpy(row.ids.astype("int64"))[None].to(device) for row in picked]


@torch.no_grad()
def _logits(network: Any, ids: torch.Tensor) -> torch.Tensor:
    logits: torch.Tensor = network(input_ids=ids).logits
    return logits.float()
