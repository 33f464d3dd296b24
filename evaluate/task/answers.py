"""Held-out prompts to written answers, scored against the wanted ones: the task of kinds `completion` and `chat`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.errors import RecipeError
from ...core.prompts import Prompt, PromptConfig, render_prompts
from ...core.records import Examples
from ...core.results import TaskInfo
from ..config import EvaluateConfig
from ..scoring.request import Answer, Request
from .labels import TASK, task_row
from .text_metrics import Metric, find_metric, is_binary

SHOWN = 40
"""Characters of a text that a message shows."""


def score_answers(
    examples: Examples,
    config: EvaluateConfig,
    prompts: PromptConfig,
    tokenizer: Any,
    ask: Callable[[Sequence[Request]], Sequence[Answer]],
) -> tuple[list[dict[str, Any]], TaskInfo, dict[str, Any]]:
    """Rows (one per example and metric), the task's facts, and a report with the mean of every metric.

    Raises:
        RecipeError: there is no such metric, or one gives no number for a row.
    """
    metrics = {name: find_metric(name) for name in config.metrics}
    rendered = render_prompts(examples, prompts, tokenizer)
    pairs = list(zip(rendered, examples.targets, strict=True))
    written = [str(answer) for answer in ask([_request(prompt, target, config) for prompt, target in pairs])]
    targets = [_wanted(prompt, target, tokenizer) for prompt, target in pairs]
    rows = []
    for identity, prompt, target, text in zip(examples.ids, rendered, targets, written, strict=True):
        common = {**task_row(identity, prompt.prompt, target), "prompt": prompt.prompt, "prediction": text}
        values = {name: _value(name, metric, identity, text, target) for name, metric in metrics.items()}
        values["response_length"] = float(len(text))
        rows += [{**common, "metric": name, "value": value} for name, value in values.items()]
    first = config.metrics[0]
    scale: Any = "binary" if is_binary(first) else "continuous"
    report = {name: float(np.mean([row["value"] for row in rows if row["metric"] == name])) for name in metrics}
    return rows, TaskInfo(name=TASK, role="task", metric=first, scale=scale), {"how": "written answers", **report}


def _value(name: str, metric: Metric, identity: str, text: str, target: str) -> float:
    """What a metric gives for one row; the user's own may do anything."""
    shown = f"evaluate.metrics: {name!r} for row {identity} (prediction {text[:SHOWN]!r}, target {target[:SHOWN]!r})"
    try:
        value = metric(text, target)
    except Exception as error:
        raise RecipeError(f"{shown} raises {type(error).__name__}: {error}; mend the function") from error
    if not math.isfinite(value):
        raise RecipeError(f"{shown} gives {value}; it must give a finite number, such as 0 where it knows no better")
    return value


def _wanted(prompt: Prompt, target: str, tokenizer: Any) -> str:
    """What an answer is compared with: a call of tools as the template writes it and a decoder reads it."""
    if prompt.called is None:
        return target
    ids = tokenizer(prompt.called, add_special_tokens=False)["input_ids"]
    return str(tokenizer.decode(ids, skip_special_tokens=True))


def _request(prompt: Prompt, target: str, config: EvaluateConfig) -> Request:
    options = {
        "do_sample": False,
        "max_gen_toks": config.max_new_tokens,
        "until": [*config.stop, *_turn_end(prompt, target)],
    }
    return Request(
        kind="generate",
        prompt=prompt.prompt,
        has_specials=prompt.has_specials,
        options=json.dumps(options, sort_keys=True),
        group=TASK,
    )


def _turn_end(prompt: Prompt, target: str) -> list[str]:
    """What a chat template writes behind an answer ends it."""
    target = target if prompt.called is None else prompt.called
    if not prompt.has_specials or target not in prompt.answer:
        return []
    end = (prompt.answer.partition(target)[2] if target else prompt.answer).strip()
    return [end] if end else []
