"""A source of general text to rows that are rehearsed (mixed into training) and rows that are only watched."""

from __future__ import annotations

from typing import Any

from ..core.errors import DataError, RecipeError
from ..core.formats import load_examples
from ..core.prompts import PromptConfig, render_prompts
from .config import TrainConfig
from .encoding import Row, encode_inputs, encode_prompts, encode_texts, row_origins
from .general_text import SELF, read_texts

WATCHED_SHARE = 0.1
"""Share of a replay source that is kept out of training and watched instead."""


def read_general(
    config: TrainConfig, prompts: PromptConfig, tokenizer: Any, *, length: int, has_head: bool
) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Rows to rehearse and rows to watch; what is watched is never rehearsed.

    Raises:
        InputError: a source is missing, empty, or of no use for a label head.
    """
    replay, monitor = config.replay, config.monitor
    _refuse_what_does_not_fit(config, has_head=has_head)

    def read(source: str) -> list[Row]:
        if has_head:
            return _read_inputs(source, tokenizer, length=length)
        return _read_rows(source, config, prompts, tokenizer, length=length)

    rehearsed: list[Row] = []
    watched: list[Row] = []
    if replay.source and replay.source != SELF:
        rehearsed = read(replay.source)
        if not monitor.retention:
            cut = min(max(1, round(WATCHED_SHARE * len(rehearsed))), monitor.retention_rows)
            rehearsed, watched = rehearsed[:-cut], rehearsed[-cut:]
        if replay.share and not rehearsed:
            raise DataError(f"{replay.source}: too few rows to rehearse")
    if monitor.retention:
        watched = read(monitor.retention)
        taken = {row.ids.tobytes() for row in watched}
        rehearsed = [row for row in rehearsed if row.ids.tobytes() not in taken]
    return tuple(rehearsed[: replay.rows]), tuple(watched[: monitor.retention_rows])


def _refuse_what_does_not_fit(config: TrainConfig, *, has_head: bool) -> None:
    replay = config.replay
    if not has_head and replay.features:
        raise RecipeError("train.replay.features: belongs to a label head; a model that writes takes train.replay.kl")
    if not has_head:
        return
    if replay.kl:
        raise RecipeError("train.replay.kl: compares what is written; a label head takes train.replay.features")
    if replay.source == SELF:
        raise RecipeError("train.replay.source: a model with a label head writes no text; name a file of general text")
    if replay.source and replay.share and not replay.features:
        raise RecipeError("train.replay: a label head learns nothing from unlabelled rows; set train.replay.features")
    if replay.features and config.freeze == "encoder":
        raise RecipeError("train.replay.features: a frozen encoder cannot turn away from the base; leave it out")


def _read_inputs(source: str, tokenizer: Any, *, length: int) -> list[Row]:
    texts = read_texts(source)
    if texts is None:
        examples = load_examples(source)
        return list(encode_inputs(examples.inputs, row_origins(examples), tokenizer, length=length))
    origins = [f"{source}:{line}" for line, _ in texts]
    return list(encode_inputs([text for _, text in texts], origins, tokenizer, length=length))


def _read_rows(source: str, config: TrainConfig, prompts: PromptConfig, tokenizer: Any, *, length: int) -> list[Row]:
    texts = read_texts(source)
    if texts is None:
        examples = load_examples(source)
        rendered = render_prompts(examples, prompts, tokenizer)
        encoded = encode_prompts(rendered, row_origins(examples), tokenizer, length=length, config=config).rows
        return [_as_replay(row) for row in encoded]
    origins = [f"{source}:{line}" for line, _ in texts]
    return list(encode_texts([text for _, text in texts], origins, tokenizer, length=length))


def _as_replay(row: Row) -> Row:
    return Row(ids=row.ids, supervised=row.supervised, origin=row.origin, is_replay=True)
