"""Prompts to the tokens that greedy decoding writes: a shared beginning computed once, ended rows make room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .devices import CACHED, FILLED, FREE_SHARE, MOST_CACHED, MOST_FILLED, free_bytes
from .forward import Forward
from .past import Past

HEADER_TOKENS = 32
"""Shortest common beginning worth a cache of its own."""
TOLERANCE = 1e-2
"""Largest difference of a log-probability, over the vocabulary, that rounding explains in float32."""
HALF_TOLERANCE = 0.5
"""The same in half precision."""
CHANGING = {
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "num_beams": 1,
    "min_length": 0,
}
"""Settings of a model's own generation config that change greedy decoding, and the values that do not."""
FORCING = (
    "min_new_tokens",
    "suppress_tokens",
    "begin_suppress_tokens",
    "bad_words_ids",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "sequence_bias",
    "exponential_decay_length_penalty",
    "guidance_scale",
)
"""Settings that change it by being there."""


def is_plain(forward: Forward) -> bool:
    """Whether a model's greedy decoding is the likeliest token each time and its cache keeps every position."""
    settings = getattr(forward.model, "generation_config", None)
    if settings is None or forward.window is not None:
        return False
    same = all((getattr(settings, name, None) or value) == value for name, value in CHANGING.items())
    return same and not any(getattr(settings, name, None) for name in FORCING)


def common_header(prompts: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The tokens that all prompts begin with, where there are several prompts and enough such tokens."""
    low, high = min(map(tuple, prompts)), max(map(tuple, prompts))
    common = next((n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    common = min(common, min(map(len, prompts)) - 1)
    return low[:common] if common >= HEADER_TOKENS and len(prompts) > 2 else ()


class PastNotKeptError(Exception):
    """The model does not keep what it has read in the cache that it was given; it has to be asked in its own way."""


def shared_header(forward: Forward, prompts: Sequence[Sequence[int]]) -> tuple[Any, int]:
    """Keys and values of the prompts' common beginning, and its length; (None, 0) where there is none.

    The shortest prompt is read with and without it, beside the longest: a model for which that differs gets none.
    """
    import torch

    header = common_header(prompts)
    if not header:
        return None, 0
    chosen = [min(prompts, key=len), max(prompts, key=len)]
    try:
        cached = forward.header(header)
        with torch.inference_mode():
            whole = Past(forward, chosen[:1], None, 0).step(forward).log_softmax(-1)
            tails = [prompt[len(header) :] for prompt in chosen]
            ours = Past(forward, tails, cached, len(header)).step(forward)[:1].log_softmax(-1)
    except Exception:  # noqa: BLE001  architectures refuse masks and caches in ways of their own
        return None, 0
    tolerance = HALF_TOLERANCE if forward.head.weight.element_size() < 4 else TOLERANCE
    agree = bool((whole - ours).abs().max() <= tolerance)
    return (cached, len(header)) if agree else (None, 0)


def write_greedily(
    forward: Forward,
    done: Stops,
    tails: Sequence[Sequence[int]],
    limit: int,
    *,
    header: tuple[Any, int],
    batch_tokens: int,
) -> Iterator[list[tuple[int, list[int]]]]:
    """(Row, tokens written) of each row, as rows end: at their end token, their first stop string, or `limit` tokens.

    Rows are read in batches of `batch_tokens` and then write together, as many as CACHED times so many cached tokens
    hold; where half of them have ended, others take their place.

    Args:
        forward: The model.
        done: Knows the stop strings.
        tails: What each row reads behind the header, the longest first.
        limit: Tokens a row writes at most.
        header: Cached keys and values that all rows begin with, and their tokens; (None, 0) for none.
        batch_tokens: Tokens in one forward pass at most.

    Raises:
        PastNotKeptError: before anything was written.
    """
    import torch

    start = header[1]
    most = max(cached_at_once(forward, batch_tokens) // (start + len(tails[0]) + limit), 1)
    waiting = list(range(len(tails)))
    writing = _Writing(_end_tokens(forward.model), done, limit)
    while waiting or writing.rows:
        ended = []
        refill = len(writing.rows) <= most // 2
        while waiting and refill and _has_room(len(writing.rows), most, forward.device.type):
            fitting = max(min(batch_tokens // (len(tails[waiting[0]]) + start // 4), most - len(writing.rows)), 1)
            fresh, waiting = waiting[:fitting], waiting[fitting:]
            with torch.inference_mode():
                past, following = _read(forward, [tails[row] for row in fresh], header, is_first=not fresh[0])
                ended += writing.begin(past, fresh, following.argmax(dim=-1))
        with torch.inference_mode():
            ended += writing.step(forward)
        if ended:
            yield ended


def _has_room(rows: int, most: int, device: str) -> bool:
    """Whether more rows are taken in before those that are there write a token."""
    return rows < most and rows <= int(most * FILLED.get(device, MOST_FILLED))


def cached_at_once(forward: Forward, batch_tokens: int) -> int:
    """Tokens whose keys and values the rows that write together may hold."""
    most = CACHED.get(forward.device.type, MOST_CACHED) * batch_tokens
    free = free_bytes(forward.device)
    return most if free is None else min(most, int(FREE_SHARE * free) // forward.bytes_cached)


def _read(forward: Forward, tails: Sequence[Sequence[int]], header: tuple[Any, int], *, is_first: bool) -> Any:
    """The past of rows that have read their tails, and the logits of what follows each."""
    import torch

    try:
        past = Past(forward, tails, *header)
        following = past.step(forward)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        if is_first:  # architectures refuse a cache in ways of their own
            raise PastNotKeptError from error
        raise
    if not past.is_kept:
        raise PastNotKeptError
    return past, following


class _Writing:
    """Rows that are being written."""

    def __init__(self, ends: Sequence[int], done: Stops, limit: int) -> None:
        self.ends, self.done, self.limit = set(ends), done, limit
        self.rows: list[int] = []
        self.written: dict[int, list[int]] = {}
        self.past: Past | None = None

    def begin(self, past: Past, rows: Sequence[int], following: Any) -> list[tuple[int, list[int]]]:
        """Let rows write their first token; those that end with it."""
        kept, ended = self._write(past, rows, following)
        if kept:
            if self.past is None:
                self.past = past
            else:
                self.past.join(past)
            self.rows += kept
        return ended

    def step(self, forward: Forward) -> list[tuple[int, list[int]]]:
        """Let every row write a token; those that end with it."""
        if self.past is None:
            return []
        following = self.past.step(forward).argmax(dim=-1)
        self.rows, ended = self._write(self.past, self.rows, following)
        if not self.rows:
            self.past = None
        return ended

    def _write(self, past: Past, rows: Sequence[int], following: Any) -> tuple[list[int], list[tuple[int, list[int]]]]:
        for row, token in zip(rows, following.tolist(), strict=True):
            self.written.setdefault(row, []).append(token)
        stopped = self.done.of([self.written[row] for row in rows])
        over = [
            stop or self.written[row][-1] in self.ends or len(self.written[row]) >= self.limit
            for row, stop in zip(rows, stopped, strict=True)
        ]
        keep = [n for n, ended in enumerate(over) if not ended]
        if keep:
            if len(keep) < len(rows):
                past.keep(keep)
            past.append(following[keep])
        ended = [(row, self.written.pop(row)) for row, ends in zip(rows, over, strict=True) if ends]
        return [rows[n] for n in keep], ended


def _end_tokens(model: Any) -> list[int]:
    ends = model.generation_config.eos_token_id
    return [] if ends is None else [ends] if isinstance(ends, int) else list(ends)


class Stops:
    """Says of each row whether one of the stop strings is in what it wrote last."""

    def __init__(self, tokenizer: Any, stops: Sequence[str], begin: int) -> None:
        self.tokenizer = tokenizer
        self.stops = [stop for stop in stops if stop]
        self.begin = begin
        lengths = [len(tokenizer.encode(stop, add_special_tokens=False)) for stop in self.stops]
        self.look_back = max(lengths, default=0) + 2

    def of(self, rows: Sequence[Sequence[int]]) -> list[bool]:
        """Whether each row ends in a text that holds a stop string."""
        tails = self.tokenizer.batch_decode([row[-self.look_back :] for row in rows])
        return [any(stop in tail for stop in self.stops) for tail in tails]

    def __call__(self, ids: Any, _scores: Any, **_: Any) -> Any:
        """What `generate` asks: rows × columns of token ids to one truth value a row."""
        import torch

        return torch.tensor(self.of(ids[:, self.begin :].tolist()), device=ids.device)
