"""Benchmark items to rows whose answer is supervised, to watch the loss on them while training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.prompts import Prompt
from ..core.results import BenchmarkItem
from .encoding import Row, encode_prompts
from .plan import Plan


def encode_items(items: Sequence[BenchmarkItem], plan: Plan) -> tuple[Row, ...]:
    """One row per item: the question is read, the answer predicted; no end of text, since benchmarks score none."""
    prompts = [Prompt(prompt=item.question, answer=f" {item.answer.strip()}") for item in items]
    origins = [f"{item.task}:{item.doc_hash}" for item in items]
    rows = encode_prompts(prompts, origins, plan.tokenizer, length=plan.length, config=plan.config).rows
    return tuple(_without_end(row, plan.tokenizer.eos_token_id) for row in rows)


def _without_end(row: Row, eos: int | None) -> Row:
    if eos is None or int(row.ids[-1]) != eos or int(np.count_nonzero(row.supervised)) < 2:
        return row
    return Row(ids=row.ids[:-1], supervised=row.supervised[:-1], origin=row.origin)
