"""A network to the fastest way of training it that a self-check on the rows proves equal to the plain way."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch

from ..core.console import note
from .batches import Layout
from .encoding import POSITIONS_AFTER_PAD, Row
from .objective import CausalObjective, LabelObjective
from .plan import Plan
from .varlen import use_varlen, use_varlen_reader

CHECK_TOKENS = 512
"""Tokens of a row at most that the self-check runs on."""
SAME_LOGITS = 1e-5
"""Difference of logits, relative to the largest, that two orders of the same products may have."""
NOT_SUPPORTED = (ValueError, TypeError, AttributeError, NotImplementedError, RuntimeError, KeyError, IndexError)
"""What models raise that do not know the arguments of a line of rows."""
SAME_LOSS = {torch.float32: 1e-3, torch.bfloat16: 2e-2, torch.float16: 5e-3}
"""Relative difference of the summed loss, or of a head's logits, that is rounding, by the weights' format; rows that
see each other move it far more."""
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""Format of matrix products by its name in a config."""


def choose_layout(plan: Plan, network: Any, pad: int) -> CausalObjective:
    """Rows in one line where the network's attention keeps them apart, else padded; the blocked loss where it holds.

    Leaves the network's attention set accordingly.
    """
    network.eval()
    rows = _check_rows(plan.encoding.rows)
    plain = CausalObjective(layout="padded", pad=pad, is_linear=False)
    objective = replace(plain, is_linear=_is_linear(plain, network, rows[:1], plan))
    if not objective.is_linear:
        note("the model does more to its logits than a matrix product; taking the plain loss")
    layout = _choose(objective, network, rows, plan)
    return replace(objective, layout=layout, smoothing=plan.config.label_smoothing)


def choose_label_layout(plan: Plan, network: Any, objective: LabelObjective) -> LabelObjective:
    """Rows in one line where the network's attention keeps them apart and its head finds them, else padded.

    Only on a CPU: an accelerator computes many short rows faster in a block.
    """
    if plan.config.layout == "padded" or plan.place.device.type != "cpu":
        return objective
    network.eval()
    first = network.config.pad_token_id + 1 if network.config.model_type in POSITIONS_AFTER_PAD else 0
    line = replace(objective, layout="varlen", first_position=first)
    implementation = network.config._attn_implementation
    problem = _problem_of_reader(objective, line, network, plan)
    if not problem:
        return line
    note(f"rows cannot lie in one line ({problem}); taking padded rows of like length")
    network.set_attn_implementation(implementation)
    return objective


@torch.no_grad()
def _problem_of_reader(padded: LabelObjective, line: LabelObjective, network: Any, plan: Plan) -> str:
    """Compare the logits of rows in one line with those of padded rows; returns what is wrong, undone."""
    rows = _check_rows(plan.encoding.rows)
    expected = _label_logits(padded, network, rows, plan)
    handle = None
    try:
        handle = use_varlen_reader(network)
        found = _label_logits(line, network, rows, plan)
        if found.shape != expected.shape:
            raise ValueError(f"{len(expected)} rows get {len(found)} answers")
        with plan.place.autocast():  # as in training: number formats that do not fit together raise
            network(**line.collate(rows, plan.place.device).inputs)
        worst = float((found - expected).abs().max() / expected.abs().max())
    except NOT_SUPPORTED as error:
        problem = (str(error).splitlines() or [type(error).__name__])[0]
    else:
        problem = "" if worst <= SAME_LOSS[network.dtype] else f"the logits differ by {worst:.1e}"
    if problem and handle:
        handle.remove()
    return problem


def _label_logits(objective: LabelObjective, network: Any, rows: list[Row], plan: Plan) -> torch.Tensor:
    """Logits (rows, labels) as exactly as can be: a float32 head over a base in half precision needs autocast."""
    inputs = objective.collate(rows, plan.place.device).inputs
    with nullcontext() if network.dtype == torch.float32 else plan.place.autocast():
        logits: torch.Tensor = network(**inputs).logits
    return logits.float()


def _choose(objective: CausalObjective, network: Any, rows: list[Row], plan: Plan) -> Layout:
    if plan.config.layout == "padded":
        return "padded"
    implementation = network.config._attn_implementation
    problem = _exceeded_window(network, plan)
    problem = problem or _problem_of_varlen(replace(objective, layout="varlen"), network, rows, plan)
    if not problem:
        return "varlen"
    note(f"rows cannot lie in one line ({problem}); taking padded rows of like length")
    network.set_attn_implementation(implementation)
    return "padded"


@torch.no_grad()
def _is_linear(plain: CausalObjective, network: Any, rows: list[Row], plan: Plan) -> bool:
    """Whether hidden states times the output matrix are the model's logits (no soft cap, no scale, no bias).

    Asked of all states, as the model asks it: a product of another shape rounds otherwise in half precision.
    """
    micro = plain.collate(rows, plan.place.device)
    expected = plain.logits(network, micro).float()
    head = network.get_output_embeddings()
    if head is None or getattr(head, "bias", None) is not None:
        return False
    try:
        found = head(plain.states(network, micro))[micro.labels != -100].float()
    except (TypeError, AttributeError, RuntimeError, IndexError):
        return False
    return bool((found - expected).abs().max() <= SAME_LOGITS * expected.abs().max())


@torch.no_grad()
def _problem_of_varlen(objective: CausalObjective, network: Any, rows: list[Row], plan: Plan) -> str:
    """Compare rows in one line, and each alone, with the model's own loss; returns what is wrong."""
    device = plan.place.device
    expected = [_own_loss(network, row, plan) for row in rows]
    try:
        use_varlen(network)
        alone = [float(objective.loss_sum(network, objective.collate([row], device))) for row in rows]
        whole = float(objective.loss_sum(network, objective.collate(rows, device)))
        with plan.place.autocast():  # as in training: other kernels, and number formats that do not fit together raise
            trained = float(objective.loss_sum(network, objective.collate(rows, device)))
    except NOT_SUPPORTED as error:
        return (str(error).splitlines() or [type(error).__name__])[0]
    pairs = [*zip(alone, expected, strict=True), (whole, sum(expected))]
    worst = max(_apart(found, right) for found, right in pairs)
    if worst > SAME_LOSS[network.dtype]:
        return f"the loss differs from the model's own by {worst:.1e}"
    worst = _apart(trained, sum(expected))
    limit = max(SAME_LOSS[network.dtype], SAME_LOSS[PRECISIONS[plan.place.precision]])
    return "" if worst <= limit else f"in {plan.place.precision} the loss differs from the model's own by {worst:.1e}"


def _apart(found: float, right: float) -> float:
    """Relative difference of two summed losses; endless where there is none."""
    return abs(found - right) / max(abs(right), 1.0) if math.isfinite(found) else math.inf


def _exceeded_window(network: Any, plan: Plan) -> str:
    window = getattr(network.config, "sliding_window", None)
    longest = max(map(len, plan.encoding.rows))
    return f"rows of {longest} tokens exceed the sliding window of {window}" if window and window < longest else ""


def _own_loss(network: Any, row: Row, plan: Plan) -> float:
    """The summed loss by the model's own forward pass with labels."""
    device = plan.place.device
    ids = torch.from_numpy(row.ids.astype("int64"))[None].to(device)
    supervised = torch.from_numpy(row.supervised)[None].to(device)
    labels = ids.masked_fill(~supervised, -100)
    mean = network(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels, use_cache=False).loss
    return float(mean) * int(row.supervised[1:].sum())


def _check_rows(rows: tuple[Row, ...]) -> list[Row]:
    """The shortest, the middle and the longest row, cut to the end that holds what is supervised."""
    ordered = sorted(rows, key=len)
    return [
        Row(
            ids=row.ids[-CHECK_TOKENS:],
            supervised=row.supervised[-CHECK_TOKENS:],
            origin=row.origin,
            types=None if row.types is None else row.types[-CHECK_TOKENS:],
        )
        for row in (ordered[0], ordered[len(ordered) // 2], ordered[-1])
    ]
