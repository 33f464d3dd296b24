"""One batch to one optimiser step: the same gradient whatever the micro-batches, and never a step on a broken loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ..core.console import note
from ..core.errors import InputError
from .batches import Layout, Micro, split_batch
from .checkpoint import get_random_state, set_random_state
from .device import Place
from .encoding import Row
from .objective import Objective

ROWS_NAMED = 8
"""Rows that an error message names at most."""

Penalty = Callable[[Micro], torch.Tensor]
"""A forward pass of replay rows to a summed penalty."""


@dataclass(slots=True, kw_only=True)
class Session:
    """What a training run holds while it runs."""

    network: Any
    objective: Objective
    optimiser: torch.optim.Optimizer
    place: Place
    micro_tokens: int
    """Tokens in one forward pass at most; falls when memory runs out."""
    clip: float
    """Largest gradient norm."""
    penalty: Penalty | None = None
    """Summed penalty on the replay rows, weight included; divided by their weight."""
    drift: Penalty | None = None
    """For a label head: summed distance of general rows' features from the base's."""
    scaler: torch.amp.GradScaler | None = None
    """Loss scale of fp16."""
    halvings: int = 0
    """How often memory ran out."""
    trained: list[torch.nn.Parameter] = field(default_factory=list)
    """Weights that are trained."""

    @property
    def layout(self) -> Layout:
        """How rows are laid out."""
        return getattr(self.objective, "layout", "padded")

    def outcome(self, micro: Micro) -> tuple[torch.Tensor, float | None]:
        """Summed loss of a forward pass and its right labels; of general rows under a label head, the drift."""
        if self.drift and micro.rows[0].is_replay:
            return self.drift(micro), None
        return self.objective.outcome(self.network, micro)

    def micros(self, rows: Sequence[Row]) -> list[list[Row]]:
        """A batch in forward passes."""
        return split_batch(rows, tokens=self.micro_tokens, layout=self.layout)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step saw."""

    loss: float
    """Mean loss over the batch's supervised tokens (rows, for a label head), penalty included."""
    norm: float
    """Norm of the gradient before clipping."""


def train_step(session: Session, rows: Sequence[Row], *, step: int) -> StepResult:
    """Accumulate a batch's gradient, check it, and update the weights.

    Memory that runs out halves the forward passes and repeats the step from its own random state.

    Raises:
        InputError: loss or gradient is not finite (the weights are still those of the step before), or one row alone
            does not fit into memory.
    """
    session.network.train()
    state = get_random_state(session.place.device)
    while True:
        session.optimiser.zero_grad(set_to_none=True)
        try:
            loss = _accumulate(session, rows)
            break
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
        # Only here is the memory free: inside the block, the error's traceback still holds the forward pass.
        session.optimiser.zero_grad(set_to_none=True)
        _halve(session, rows, f"step {step + 1}")
        set_random_state(state, session.place.device)
    if not math.isfinite(loss):
        raise InputError(describe_broken(session, rows, step=step, what=f"the loss is {loss}"))
    norm = _update(session)
    if not math.isfinite(norm) and session.scaler is None:
        raise InputError(describe_broken(session, rows, step=step, what=f"the gradient's norm is {norm}"))
    return StepResult(loss=loss, norm=norm)


def measure(session: Session, rows: Sequence[Row]) -> tuple[float, float | None]:
    """Mean loss over rows, and the share of right labels where there are labels; no dropout, nothing changed.

    Memory that runs out halves the forward passes, of training too.

    Raises:
        InputError: one row alone does not fit into memory.
    """
    session.network.eval()
    try:
        return _measure(session, rows)
    except (RuntimeError, MemoryError) as error:
        if not _is_out_of_memory(error):
            raise
    _halve(session, rows, "evaluation")
    return measure(session, rows)


@torch.no_grad()
def _measure(session: Session, rows: Sequence[Row]) -> tuple[float, float | None]:
    total, right = torch.zeros((), device=session.place.device), 0.0
    has_labels = False
    for group in session.micros(session.place.share(rows)):
        micro = session.objective.collate(group, session.place.device)
        with session.place.autocast():
            loss, correct = session.outcome(micro)
        total += loss
        has_labels |= correct is not None
        right += correct or 0.0
    where = session.place.device if session.place.processes > 1 else "cpu"
    sums = torch.tensor([float(total), right], dtype=torch.float64, device=where)
    session.place.sum_tensors([sums])
    mean = float(sums[0]) / session.objective.weight(rows)
    return mean, float(sums[1]) / len(rows) if has_labels else None


def _accumulate(session: Session, rows: Sequence[Row]) -> float:
    place, objective = session.place, session.objective
    learned = objective.learned(rows)
    weight = objective.weight(learned)
    replay_weight = objective.weight([row for row in rows if row.is_replay])
    total = torch.zeros((), device=place.device)
    for group in session.micros(place.share(learned)):
        micro = objective.collate(group, place.device)
        with place.autocast():
            loss = objective.loss_sum(session.network, micro) / weight
        _backward(session, loss)
        total += loss.detach()
    if session.penalty and replay_weight:
        for group in session.micros([row for row in place.share(rows) if row.is_replay]):
            with place.autocast():
                loss = session.penalty(objective.collate(group, place.device)) / replay_weight
            _backward(session, loss)
            total += loss.detach()
    if place.processes > 1:
        for trained in session.trained:
            trained.grad = torch.zeros_like(trained) if trained.grad is None else trained.grad
        place.sum_tensors([weight.grad for weight in session.trained if weight.grad is not None] + [total])
    return float(total)


def _backward(session: Session, loss: torch.Tensor) -> None:
    (session.scaler.scale(loss) if session.scaler else loss).backward()  # type: ignore[no-untyped-call]


def _update(session: Session) -> float:
    if session.scaler:
        session.scaler.unscale_(session.optimiser)
    norm = _clip(session)
    if session.scaler:
        session.scaler.step(session.optimiser)  # skipped, and the scale lowered, where fp16 overflowed
        session.scaler.update()
    elif torch.isfinite(norm):
        session.optimiser.step()
    return float(norm)


def _clip(session: Session) -> torch.Tensor:
    """Bound the gradient's norm; returns the norm before.

    On a CPU the fused update divides on its way, which saves a pass over all gradients.
    """
    norm = torch.nn.utils.get_total_norm([weight.grad for weight in session.trained if weight.grad is not None])
    if session.place.device.type == "cpu":
        session.optimiser.grad_scale = (norm / session.clip).clamp_min(1.0)  # type: ignore[attr-defined]
    else:
        torch.nn.utils.clip_grads_with_norm_(session.trained, session.clip, norm)
    return norm


def _is_out_of_memory(error: BaseException) -> bool:
    told = any(words in str(error) for words in ("can't allocate memory", "not enough memory"))
    return told or isinstance(error, (torch.OutOfMemoryError, MemoryError))


def _halve(session: Session, rows: Sequence[Row], where: str) -> None:
    largest = max(sum(map(len, group)) for group in session.micros(session.place.share(rows)))
    if all(len(group) == 1 for group in session.micros(session.place.share(rows))):
        raise InputError(
            f"{where}: out of memory with one row of {largest} tokens in a forward pass; "
            f"lower train.max_length, or set train.method: lora"
        )
    session.micro_tokens = max(1, min(session.micro_tokens, largest) // 2)
    session.halvings += 1
    note(f"{where}: out of memory; now at most {session.micro_tokens} tokens in a forward pass, same rows")
    if session.place.device.type == "cuda":
        torch.cuda.empty_cache()


@torch.no_grad()
def describe_broken(session: Session, rows: Sequence[Row], *, step: int, what: str) -> str:
    """Name the rows that are broken by themselves; where none is, those of the batch.

    Every process tries the whole batch, so that all name the same rows.
    """
    guilty = []
    tried = session.objective.learned(rows)
    for row in tried:
        with session.place.autocast():
            loss = session.objective.loss_sum(session.network, session.objective.collate([row], session.place.device))
        if not math.isfinite(float(loss)):
            guilty.append(row.origin)
    stopped = f"step {step + 1}: {what}; stopped before the weights were changed."
    if len(guilty) == len(tried) > 1:
        return f"{stopped} Every row of the batch is broken, so the weights have run away: lower train.learning_rate"
    named = guilty or [row.origin for row in rows]
    more = f" and {len(named) - ROWS_NAMED} more" if len(named) > ROWS_NAMED else ""
    whose = "rows with a broken loss" if guilty else "rows of the batch (each is finite alone)"
    return f"{stopped} {whose}: {', '.join(named[:ROWS_NAMED])}{more}; look at them, or lower train.learning_rate"
