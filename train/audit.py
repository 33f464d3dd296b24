"""A plan to what a person should see before spending compute; refuses data on which nothing would be learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..core.errors import DataError
from ..core.prompts import PromptConfig
from .encoding import Row
from .estimate import describe_cost, estimate_memory, estimate_seconds
from .plan import Plan, data_fingerprint, make_plan

TRUNCATED_SHARE = 0.05
"""Share of truncated rows from which a warning is due."""
DROPPED_SHARE = 0.5
"""Share of rows lost before training from which training is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What training would do and on what; JSON-ready."""

    method: str
    """full, lora, dora or head."""
    reason: str
    """Why this method."""
    learning_rate: float
    device: str
    precision: str
    weights: int
    """Weights of the base model."""
    rows: int
    """Examples given for training."""
    trained_rows: int
    """Rows that training sees each epoch."""
    validation_rows: int
    replay_rows: int
    steps: int
    """Optimiser steps."""
    max_length: int
    """Tokens per row at most."""
    longest_row: int
    """Tokens of the longest row."""
    tokens: int
    """Tokens of the training rows."""
    supervised_tokens: int
    """Those that are predicted (rows, for a label head)."""
    replay_loss_share: float
    """Share of replay rows in the supervised tokens of an average batch."""
    counts: Mapping[str, int]
    """truncated, dropped_long, fully_masked, double_bos_removed, no_eos, empty_answer, bos, eos_supervised."""
    labels: Mapping[str, int]
    """Rows of each label; empty for text."""
    example: str
    """One row decoded, its supervised part in ⟦ ⟧."""
    memory_bytes: int
    """Estimated peak memory of training."""
    seconds: float
    """Estimated time of training."""
    data_fingerprint: str
    warnings: tuple[str, ...]
    """What a person should look at before starting."""

    @property
    def learned(self) -> str:
        """What is learned from what, for people."""
        if not self.labels:
            return f"{self.supervised_tokens:,} of {self.tokens:,} tokens are learned"
        return f"{len(self.labels):,} labels are learned from {self.trained_rows:,} rows with {self.tokens:,} tokens"

    @property
    def cost(self) -> str:
        """Estimated memory and time, for people."""
        return describe_cost(self.memory_bytes, self.seconds)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            **asdict(self),
            "counts": dict(self.counts),
            "labels": dict(self.labels),
            "warnings": list(self.warnings),
        }


def preflight(
    data: Any, *, model: str, config: Any, prompts: PromptConfig, validation: Any = None, seed: int = 0
) -> Preflight:
    """A dry run: everything up to loading the weights, as the real run does it.

    Raises:
        InputError: what the real run would stop at.
    """
    return audit(make_plan(data, model=model, config=config, prompts=prompts, validation=validation, seed=seed))


def audit(plan: Plan) -> Preflight:
    """Count, decode one row, estimate, and refuse what cannot work.

    Raises:
        DataError: no row has anything to learn, or most rows were lost on the way.
    """
    rows = plan.encoding.rows
    _refuse(plan)
    supervised = [_supervised(row, plan) for row in rows]
    mean_replay = _mean([_supervised(row, plan) for row in plan.replay])
    share = plan.config.replay.share if plan.replay and not plan.choice.has_head else 0.0
    replay_loss = share * mean_replay / (share * mean_replay + (1 - share) * _mean(supervised))
    tokens = sum(map(len, rows))
    return Preflight(
        method=plan.choice.method,
        reason=plan.choice.reason,
        learning_rate=plan.choice.rate,
        device=plan.place.device.type,
        precision=plan.place.precision,
        weights=plan.shape.weights,
        rows=len(plan.examples),
        trained_rows=len(rows),
        validation_rows=len(plan.validation),
        replay_rows=len(plan.replay),
        steps=plan.steps,
        max_length=plan.length,
        longest_row=max(map(len, rows)),
        tokens=tokens,
        supervised_tokens=sum(supervised),
        replay_loss_share=replay_loss,
        counts={**plan.encoding.counts, **_specials(plan)},
        labels=_label_counts(plan),
        example=decode_example(rows[0], plan),
        memory_bytes=estimate_memory(plan),
        seconds=estimate_seconds(plan, tokens / len(rows)),
        data_fingerprint=data_fingerprint(plan.examples),
        warnings=tuple(_warnings(plan, replay_loss)),
    )


def decode_example(row: Row, plan: Plan) -> str:
    """One row as the model sees it, special tokens and all, with the supervised part in ⟦ ⟧.

    A label head's row ends in its labels.
    """
    pieces, inside = [], False
    start = 0
    for end in range(1, len(row) + 1):
        if end < len(row) and row.supervised[end] == row.supervised[start]:
            continue
        text = plan.tokenizer.decode(row.ids[start:end].tolist(), clean_up_tokenization_spaces=False)
        inside = bool(row.supervised[start])
        pieces.append(f"⟦{text}⟧" if inside else text)
        start = end
    if plan.label_map:
        names = {number: label for label, number in plan.label_map.items()}
        pieces.append(f" → {', '.join(names[number] for number in row.target) or '(none)'}")
    return "".join(pieces)


def _refuse(plan: Plan) -> None:
    given, usable = len(plan.examples), len(plan.encoding.rows)
    counts, lost = plan.encoding.counts, _describe_lost(plan)
    if not usable:
        raise DataError(f"none of {given} rows has anything to learn: {lost}")
    if usable < given * (1 - DROPPED_SHARE):
        raise DataError(f"{given - usable} of {given} rows would not be trained on: {lost}")
    if counts.get("empty_answer", 0) == given:
        raise DataError(f"all {given} answers are empty: nothing would be learned; check data.columns")


def _describe_lost(plan: Plan) -> str:
    """Why rows are not trained on, and what would change it."""
    limit = f"{plan.length} tokens"
    limit += ", all that the model can read" if plan.config.max_length != plan.length else " (train.max_length)"
    too_long = {
        "drop": f"longer than {limit}; train.truncation: cut_prompt would shorten them",
        "cut_prompt": f"with an answer alone longer than {limit}; train.truncation: cut_answer would shorten it",
    }
    words = {
        "dropped_long": too_long.get(plan.config.truncation, ""),
        "fully_masked": f"whose answer is empty or was cut away at {limit}",
    }
    return ", ".join(
        f"{plan.encoding.counts[name]} {why}" for name, why in words.items() if plan.encoding.counts.get(name)
    )


def _warnings(plan: Plan, replay_loss: float) -> list[str]:
    counts, given = plan.encoding.counts, len(plan.examples)
    found = []
    if counts.get("truncated", 0) > TRUNCATED_SHARE * given:
        found.append(f"{counts['truncated']} of {given} rows are cut to {plan.length} tokens")
    if lost := given - len(plan.encoding.rows):
        found.append(f"{lost} of {given} rows are not trained on: {_describe_lost(plan)}")
    if counts.get("empty_answer"):
        found.append(f"{counts['empty_answer']} answers are empty")
    if counts.get("double_bos_removed"):
        found.append(f"{counts['double_bos_removed']} second begin-of-text tokens were removed")
    if counts.get("no_eos"):
        found.append("the tokenizer has no end-of-text token: the model will not learn to stop")
    if plan.examples.kind == "preference":
        found.append("only the chosen answers are trained on; rejected answers are not used")
    if plan.replay and replay_loss > 2 * plan.config.replay.share:
        found.append(f"replay is {plan.config.replay.share:.0%} of the rows but {replay_loss:.0%} of the loss")
    if plan.config.monitor.validation_share and not plan.validation:
        found.append("no rows could be held out for validation: the last weights are kept")
    return found


def _specials(plan: Plan) -> dict[str, int]:
    bos, eos = plan.tokenizer.bos_token_id, plan.tokenizer.eos_token_id
    rows = plan.encoding.rows
    return {
        "bos": sum(int(row.ids[0]) == bos for row in rows),
        "eos_supervised": sum(bool(row.supervised[-1]) and int(row.ids[-1]) == eos for row in rows),
    }


def _label_counts(plan: Plan) -> dict[str, int]:
    names = {number: label for label, number in plan.label_map.items()}
    counts = dict.fromkeys(sorted(plan.label_map), 0)
    for row in plan.encoding.rows:
        for number in row.target:
            counts[names[number]] += 1
    return counts


def _supervised(row: Row, plan: Plan) -> int:
    return 1 if plan.choice.has_head else int(row.supervised[1:].sum())


def _mean(numbers: Sequence[int]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
