"""Benchmark items to rows whose answer is supervised, to watch the loss on them while training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from ..core.prompts import Prompt
from ..core.results import BenchmarkItem
from .encoding import Row, encode_prompts
from .plan import Plan


def encode_items(items: Sequence[BenchmarkItem], plan: Plan) -> Mapping[str, tuple[Row, ...]]:
    """One row per item, by benchmark; no row where the model has a label head, which cannot answer.

    The question is read, the answer predicted; no end of text, since benchmarks score none.
    """
    if plan.choice.has_head:
        return {}
    by_task = defaultdict(list)
    for item in items:
        by_task[item.task].append(item)
    encoded = {task: _encode(of_task, plan) for task, of_task in by_task.items()}
    return {task: rows for task, rows in encoded.items() if rows}


def _encode(items: Sequence[BenchmarkItem], plan: Plan) -> tuple[Row, ...]:
    prompts = [
        Prompt(prompt=item.question, answer=f" {item.answer.strip()}" if item.question else item.answer)
        for item in items
    ]
    origins = [f"{item.task}:{item.doc_hash}" for item in items]
    rows = encode_prompts(prompts, origins, plan.tokenizer, length=plan.length, config=plan.config).rows
    return tuple(_without_end(row, plan.tokenizer.eos_token_id) for row in rows)


def _without_end(row: Row, eos: int | None) -> Row:
    if eos is None or int(row.ids[-1]) != eos or int(np.count_nonzero(row.supervised)) < 2:
        return row
    return Row(ids=row.ids[:-1], supervised=row.supervised[:-1], origin=row.origin)
