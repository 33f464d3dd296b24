"""Data, base model and config to all that is settled before a weight is loaded; a dry run and a real run share it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import DataError, ModelError, RecipeError
from ..core.formats import load_examples
from ..core.models import (
    ModelShape,
    known_labels,
    load_config,
    load_tokenizer,
    model_family,
    model_shape,
    require_safetensors,
)
from ..core.prompts import PromptConfig, render_prompts
from ..core.records import Examples
from ..core.split import split_examples
from ..core.store import fingerprint
from .batches import Order
from .config import TrainConfig
from .device import Place, find_place, free_memory
from .encoding import Encoding, Row, context_length, encode_labels, encode_prompts, row_origins, split_labels
from .general_text import SELF
from .methods import Choice, choose_method, require_four_bit
from .replay import read_general
from .trackers import require_trackers

SPLIT_FROM = 50
"""Rows from which a validation part is held out unasked; fewer say little and are missed in training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run will do."""

    model: str
    """The base model, as the user named it."""
    config: TrainConfig
    choice: Choice
    place: Place
    tokenizer: Any
    examples: Examples
    """The rows that are trained on, before encoding."""
    label_map: Mapping[str, int]
    """Class of each label; empty without a label head."""
    encoding: Encoding
    """Training rows as tokens, and counts."""
    validation: tuple[Row, ...]
    """Validation rows as tokens."""
    replay: tuple[Row, ...]
    """General rows that are mixed in; empty also where the base model is still to write them."""
    retention: tuple[Row, ...]
    """General rows that are only watched."""
    length: int
    """Tokens per row at most."""
    shape: ModelShape
    """Sizes of the base model."""
    seed: int

    @property
    def has_replay(self) -> bool:
        """Whether general rows are mixed in."""
        return bool(self.config.replay.source) and self.config.replay.share > 0

    def order(self, replay: tuple[Row, ...]) -> Order:
        """Which rows each step sees."""
        return Order(
            rows=self.encoding.rows,
            replay=replay,
            batch_size=self.config.batch_size,
            share=self.config.replay.share if replay else 0.0,
            seed=self.seed,
        )

    @property
    def writes_replay(self) -> bool:
        """Whether the base model is to write the general rows."""
        return self.config.replay.source == SELF and self.config.replay.share > 0

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        share = self.config.replay.share if self.has_replay else 0.0
        per_epoch = math.ceil(len(self.encoding.rows) / (self.config.batch_size * (1 - share)))
        steps = math.ceil(self.config.epochs * per_epoch)
        return min(steps, self.config.max_steps or steps)


def make_plan(
    data: Any, *, model: str, config: TrainConfig, prompts: PromptConfig, validation: Any = None, seed: int = 0
) -> Plan:
    """Read data and tokenizer, choose the method, split, and encode.

    Raises:
        InputError: data, model and config do not fit together.
    """
    examples = load_examples(data)
    _require_parts(model, config)
    tokenizer = load_tokenizer(model, trust_remote_code=config.trust_remote_code)
    place = find_place(config)
    shape = model_shape(model, trust_remote_code=config.trust_remote_code)
    memory = free_memory(place.device)
    choice = choose_method(config, family=model_family(model), kind=examples.kind, weights=shape.weights, memory=memory)
    model_config = load_config(model, trust_remote_code=config.trust_remote_code)
    length = context_length(tokenizer, model_config, config.max_length)
    label_map = make_label_map(examples, config, known_labels(model)) if choice.has_head else {}
    training, held = _hold_out(examples, validation, config, seed)

    def encode(part: Examples) -> Encoding:
        if choice.has_head:
            return encode_labels(part, label_map, tokenizer, length=length, config=config)
        rendered = render_prompts(part, prompts, tokenizer)
        return encode_prompts(rendered, row_origins(part), tokenizer, length=length, config=config)

    replay, retention = read_general(config, prompts, tokenizer, length=length, has_head=choice.has_head)
    return Plan(
        model=model,
        config=config,
        choice=choice,
        place=place,
        tokenizer=tokenizer,
        examples=training,
        label_map=label_map,
        encoding=encode(training),
        validation=_encode_held(held, encode, label_map, config, is_given=validation is not None),
        replay=replay,
        retention=retention,
        length=length,
        shape=shape,
        seed=seed,
    )


def _require_parts(model: str, config: TrainConfig) -> None:
    """Refuse what could not be loaded later."""
    if model.startswith(("/", ".", "~")) and not Path(model).is_dir():
        raise ModelError(f"{model}: no such folder; give a model folder or a hub id")
    require_safetensors(model)
    require_trackers(config.report_to)
    if config.lora.four_bit:
        require_four_bit()


def make_label_map(examples: Examples, config: TrainConfig, known: Mapping[str, int]) -> dict[str, int]:
    """Labels in alphabetical order, so that the order of rows moves nothing; a fitting model keeps its own order.

    Raises:
        DataError: fewer than two labels: there is nothing to learn.
        RecipeError: a weight is set for a label that no row has.
    """
    counts = count_labels(examples, config)
    named = set() if isinstance(config.class_weights, str) else set(config.class_weights)
    if unknown := sorted(named - set(counts)):
        raise RecipeError(
            f"train.class_weights: no row has the label {unknown[0]!r} (labels: {', '.join(sorted(counts))})"
        )
    if set(counts) == set(known):
        return dict(known)
    if len(counts) < (1 if config.multi_label else 2):
        only = next(iter(counts), "")
        raise DataError(f"{len(examples)} rows have only the label {only!r}: nothing would be learned")
    return {label: number for number, label in enumerate(sorted(counts))}


def count_labels(examples: Examples, config: TrainConfig) -> Counter[str]:
    """Rows of each label."""
    return Counter(label for target in examples.targets for label in split_labels(target, config.multi_label))


def data_fingerprint(examples: Examples) -> str:
    """Hash of the examples that are trained on, whatever their order."""
    return fingerprint([examples.kind, *sorted(examples.ids)])


def validation_source(value: Any) -> str:
    """How the validation data is named in messages."""
    return str(value) if isinstance(value, str | Path) else "the validation data"


def _hold_out(examples: Examples, validation: Any, config: TrainConfig, seed: int) -> tuple[Examples, Examples | None]:
    if validation is not None:
        held = load_examples(validation)
        if held.kind != examples.kind:
            raise DataError(f"{validation_source(validation)}: {held.kind} examples, but training has {examples.kind}")
        return examples, held
    share = config.monitor.validation_share
    if not share or len(examples) < SPLIT_FROM:
        return examples, None
    return split_examples(examples, share=share, seed=seed)


def _encode_held(
    held: Examples | None,
    encode: Callable[[Examples], Encoding],
    label_map: Mapping[str, int],
    config: TrainConfig,
    *,
    is_given: bool,
) -> tuple[Row, ...]:
    """Validation rows as tokens; where none is usable, only data that the user gave for it is at fault."""
    if held is None:
        return ()
    unknown = sorted(set(count_labels(held, config)) - set(label_map)) if label_map else []
    if unknown:
        raise DataError(f"the validation data has labels that training lacks: {', '.join(map(repr, unknown[:5]))}")
    rows = encode(held).rows
    if not rows and is_given:
        raise DataError(f"none of {len(held)} validation rows can be validated on: they are too long, or empty")
    return rows
