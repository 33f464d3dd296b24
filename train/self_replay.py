"""A base model to rows that it wrote itself, for rehearsal where no general text is at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..core.console import note
from ..core.store import write_text
from .encoding import Row

TOKENS = 128
"""Tokens of a row at most."""
TOGETHER = 64
"""Rows that are written at once."""


def write_own_rows(network: Any, tokenizer: Any, *, count: int, length: int, device: torch.device) -> list[list[int]]:
    """Sample `count` rows of at most `length` tokens from the model's own distribution (temperature 1).

    Each begins with the begin-of-text token, or with a random token where a model has none. Seed torch before.
    """
    network.eval()
    rows: list[list[int]] = []
    note(f"the base model writes {count} rows of its own")
    while len(rows) < count:
        together = min(TOGETHER, count - len(rows))
        starts = _first_tokens(tokenizer, together, device)
        with torch.no_grad():
            written = network.generate(
                input_ids=starts,
                attention_mask=torch.ones_like(starts),
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                max_new_tokens=min(length, TOKENS) - 1,
                pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
                use_cache=True,
            )
        rows += [_until_end(row.tolist(), tokenizer.eos_token_id) for row in written]
    return rows


def rows_from_tokens(written: list[list[int]]) -> tuple[Row, ...]:
    """Token lists as replay rows; every token after the first is supervised."""
    return tuple(
        Row(
            ids=np.array(ids, np.int32),
            supervised=np.arange(len(ids)) > 0,
            origin=f"self:{number}",
            is_replay=True,
        )
        for number, ids in enumerate(written, 1)
        if len(ids) > 1
    )


def write_own_text(path: Path, written: list[list[int]], tokenizer: Any) -> None:
    """Keep what the model wrote, as text and tokens, so that a person can read what was rehearsed."""
    lines = [
        json.dumps({"text": tokenizer.decode(ids, skip_special_tokens=True), "ids": ids}, ensure_ascii=False)
        for ids in written
    ]
    write_text(path, "\n".join(lines) + "\n")


def read_own_text(path: Path) -> list[list[int]]:
    """Back from `write_own_text`."""
    return [json.loads(line)["ids"] for line in path.read_text(encoding="utf-8").splitlines()]


def _first_tokens(tokenizer: Any, count: int, device: torch.device) -> torch.Tensor:
    if tokenizer.bos_token_id is not None:
        return torch.full((count, 1), tokenizer.bos_token_id, device=device)
    return torch.randint(len(tokenizer), (count, 1)).to(device)


def _until_end(ids: list[int], end: int | None) -> list[int]:
    """Cut behind the first end-of-text token after the start."""
    return ids[: ids.index(end, 1) + 1] if end in ids[1:] else ids
