"""Prompts, texts and labels to token rows, each knowing which of its tokens are supervised and where it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.prompts import Prompt
from ..core.records import Examples
from .config import TrainConfig

UNBOUNDED = 1 << 20
"""Tokenizers without a limit of their own state an absurd one (1e30)."""

POSITIONS_AFTER_PAD = {"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl"}
"""Model types that number positions from the padding token's number + 1, and so read that many tokens fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One training row as tokens."""

    ids: np.ndarray[Any, Any]
    """Token ids (int32), n."""
    supervised: np.ndarray[Any, Any]
    """Whether each token is to be predicted (bool), n; all False for a label head."""
    origin: str
    """`file:line` of the example."""
    target: tuple[int, ...] = ()
    """Class numbers of a label head: one, or any number of them for multi-label."""
    types: np.ndarray[Any, Any] | None = None
    """Segment of each token (int8) where the tokenizer tells the texts of a pair apart."""
    is_replay: bool = False
    """Whether this is a general row that rehearses what the model knew."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """All rows that can be trained on, and what became of the others."""

    rows: tuple[Row, ...]
    """In the order of the examples."""
    counts: Mapping[str, int]
    """What happened: truncated, dropped_long, fully_masked, double_bos_removed, no_eos, empty_answer."""


def context_length(tokenizer: Any, model_config: Any, limit: int | None) -> int:
    """Tokens per row: the config's limit, but never more than the model can read."""
    stated = [getattr(model_config, name, None) for name in ("max_position_embeddings", "n_positions")]
    stated.append(tokenizer.model_max_length)
    known = [int(value) for value in stated if value and value < UNBOUNDED]
    if getattr(model_config, "model_type", "") in POSITIONS_AFTER_PAD:
        known = [value - model_config.pad_token_id - 1 if value == stated[0] else value for value in known]
    return min([*known, limit or UNBOUNDED])


def encode_prompts(
    prompts: Sequence[Prompt], origins: Sequence[str], tokenizer: Any, *, length: int, config: TrainConfig
) -> Encoding:
    """Prompt and answer as one text, tokenised once; the answer's tokens and one end-of-text token are supervised.

    Tokenising the whole keeps the merges across the seam that a model sees when it reads such text; a token that
    straddles the seam belongs to the answer.
    """
    counts: Counter[str] = Counter()
    rows = []
    tokenised = _tokenise(prompts, tokenizer, all_turns=config.turns == "all")
    for prompt, origin, (ids, supervised) in zip(prompts, origins, tokenised, strict=True):
        ids, supervised = _one_bos(ids, supervised, tokenizer, counts)
        ids, supervised = _one_eos(ids, supervised, tokenizer, counts)
        counts["empty_answer"] += not prompt.answer.strip()
        cut = _fit(ids, supervised, length, config.truncation, tokenizer.bos_token_id)
        counts["truncated"] += len(ids) > length and cut is not None
        if cut is None:
            counts["dropped_long"] += 1
        elif not cut[1][1:].any():
            counts["fully_masked"] += 1
        else:
            rows.append(Row(ids=cut[0], supervised=cut[1], origin=origin))
    return Encoding(rows=tuple(rows), counts=dict(counts))


def encode_texts(texts: Sequence[str], origins: Sequence[str], tokenizer: Any, *, length: int) -> tuple[Row, ...]:
    """General text: every token after the first is supervised, cut at its end; rows of one token are left out."""
    rows = []
    for text, origin in zip(texts, origins, strict=True):
        ids = _with_bos(tokenizer(text)["input_ids"], tokenizer)[:length]
        if len(ids) > 1:
            supervised = np.arange(len(ids)) > 0
            rows.append(Row(ids=np.array(ids, np.int32), supervised=supervised, origin=origin, is_replay=True))
    return tuple(rows)


def encode_inputs(texts: Sequence[str], origins: Sequence[str], tokenizer: Any, *, length: int) -> tuple[Row, ...]:
    """General text as a label head reads it, without a label, cut at its end."""
    encoded = tokenizer(list(texts), truncation=True, max_length=length)
    segments = encoded.get("token_type_ids", [None] * len(texts))
    return tuple(
        Row(
            ids=np.array(ids, np.int32),
            supervised=np.zeros(len(ids), bool),
            origin=origin,
            types=None if types is None else np.array(types, np.int8),
            is_replay=True,
        )
        for ids, types, origin in zip(encoded["input_ids"], segments, origins, strict=True)
    )


def encode_labels(
    examples: Examples, label_map: Mapping[str, int], tokenizer: Any, *, length: int, config: TrainConfig
) -> Encoding:
    """Texts or text pairs with class numbers, for a label head; long texts are cut at their end."""
    counts: Counter[str] = Counter()
    rows = []
    columns = [examples.inputs]
    if "pair" in examples.table.column_names:
        columns.append([pair or "" for pair in examples.table["pair"].to_pylist()])
    full = [len(ids) for ids in tokenizer(*columns, verbose=False)["input_ids"]]
    encoded = tokenizer(*columns, truncation=True, max_length=length)
    types = encoded.get("token_type_ids", [None] * len(full))
    targets = [split_labels(target, config.multi_label) for target in examples.targets]
    for ids, segments, size, target, origin in zip(
        encoded["input_ids"], types, full, targets, row_origins(examples), strict=True
    ):
        if size > length:
            counts["dropped_long" if config.truncation == "drop" else "truncated"] += 1
        if size > length and config.truncation == "drop":
            continue
        rows.append(
            Row(
                ids=np.array(ids, np.int32),
                supervised=np.zeros(len(ids), bool),
                origin=origin,
                target=tuple(label_map[label] for label in target),
                types=None if segments is None else np.array(segments, np.int8),
            )
        )
    return Encoding(rows=tuple(rows), counts=dict(counts))


def split_labels(target: str, separator: str | None) -> list[str]:
    """The labels of one target.

    >>> split_labels("a|b", "|"), split_labels("a|b", None), split_labels("", "|")
    (['a', 'b'], ['a|b'], [])
    """
    if separator is None:
        return [target]
    return [label.strip() for label in target.split(separator) if label.strip()]


def row_origins(examples: Examples) -> list[str]:
    """`file:line` of every example."""
    files, lines = examples.table["file"].to_pylist(), examples.table["line"].to_pylist()
    return [f"{file}:{line}" for file, line in zip(files, lines, strict=True)]


def _tokenise(
    prompts: Sequence[Prompt], tokenizer: Any, *, all_turns: bool
) -> Iterator[tuple[list[int], np.ndarray[Any, Any]]]:
    if not prompts:
        return
    texts = [prompt.prompt + prompt.answer for prompt in prompts]
    specials = not any(prompt.has_specials for prompt in prompts)
    if not tokenizer.is_fast:
        heads = tokenizer([prompt.prompt for prompt in prompts], add_special_tokens=specials, verbose=False)
        wholes = tokenizer(texts, add_special_tokens=specials, verbose=False)
        for head, ids in zip(heads["input_ids"], wholes["input_ids"], strict=True):
            yield ids, np.arange(len(ids)) >= len(head)
        return
    encoded = tokenizer(texts, add_special_tokens=specials, return_offsets_mapping=True, verbose=False)
    for prompt, text, ids, offsets in zip(prompts, texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        ends = np.array([end for _, end in offsets], np.int64)
        supervised = np.zeros(len(ends), bool)
        for start, end in [*(prompt.earlier if all_turns else ()), (len(prompt.prompt), len(text))]:
            supervised |= (ends > start) & (ends <= end)
        yield ids, supervised


def _one_bos(
    ids: list[int], supervised: np.ndarray[Any, Any], tokenizer: Any, counts: Counter[str]
) -> tuple[list[int], np.ndarray[Any, Any]]:
    bos = tokenizer.bos_token_id
    while bos is not None and len(ids) > 1 and ids[0] == bos and ids[1] == bos:
        ids, supervised = ids[1:], supervised[1:]
        counts["double_bos_removed"] += 1
    return ids, supervised


def _one_eos(
    ids: list[int], supervised: np.ndarray[Any, Any], tokenizer: Any, counts: Counter[str]
) -> tuple[list[int], np.ndarray[Any, Any]]:
    """End with exactly one supervised end-of-text token, whether or not a template or the tokenizer wrote one."""
    eos = tokenizer.eos_token_id
    if eos is None:
        counts["no_eos"] += 1
        return ids, supervised
    answer = np.flatnonzero(supervised)
    closing = [n for n in answer if ids[n] == eos]
    if closing and closing[-1] >= answer[-1] - 1:
        end = int(closing[-1])  # a template often writes a line end behind it, which is nothing to learn
        return ids[: end + 1], supervised[: end + 1]
    while len(ids) > 1 and ids[-1] == eos:
        ids, supervised = ids[:-1], supervised[:-1]
    return [*ids, eos], np.append(supervised, True)


def _with_bos(ids: list[int], tokenizer: Any) -> list[int]:
    bos = tokenizer.bos_token_id
    return [bos, *ids] if bos is not None and (not ids or ids[0] != bos) else ids


def _fit(
    ids: list[int], supervised: np.ndarray[Any, Any], length: int, policy: str, bos: int | None
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    whole = np.array(ids, np.int32)
    if len(whole) <= length:
        return whole, supervised
    if policy == "cut_answer":
        return whole[:length], supervised[:length]
    if policy == "drop" or int(supervised.sum()) >= length:
        return None
    keep = 1 if bos is not None and whole[0] == bos else 0
    tail = slice(len(whole) - (length - keep), None)
    return np.concatenate([whole[:keep], whole[tail]]), np.concatenate([supervised[:keep], supervised[tail]])
