"""Prompts to the tokens that greedy decoding writes: a shared beginning computed once, ended rows make room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...core.errors import ModelError
from .devices import CACHED, FREE_SHARE, MOST_CACHED, READ_TOGETHER, free_bytes
from .forward import Forward
from .past import Past
from .request import NOT_FINITE

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
            whole = Past(forward, 1, len(chosen[0])).read(chosen[:1]).log_softmax(-1)
            tails = [prompt[len(header) :] for prompt in chosen]
            ours = Past(forward, 2, len(chosen[1]), (cached, len(header))).read(tails)[:1].log_softmax(-1)
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

    Rows are read in batches and then write together, as many as CACHED times `batch_tokens` cached tokens hold; where
    half of them have ended, others take their place.

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

    start, read = header[1], READ_TOGETHER.get(forward.device.type, batch_tokens)
    columns = start + len(tails[0]) + limit
    turns = -(-len(tails) // max(cached_at_once(forward, batch_tokens) // columns, 1))
    most = -(-len(tails) // turns)  # as many rows in every turn
    writing = _Writing(Past(forward, most, columns, header), done, limit)
    waiting = list(range(len(tails)))
    while waiting or writing.rows:
        ended = []
        refill = len(writing.rows) <= most // 2
        with torch.inference_mode():
            while refill and waiting and len(writing.rows) < most:
                width = len(tails[waiting[0]])
                fitting = max(min(read // width, batch_tokens // (width + start // 4), most - len(writing.rows)), 1)
                fresh, waiting = waiting[:fitting], waiting[fitting:]
                ended += writing.begin(fresh, [tails[row] for row in fresh])
            ended += writing.step()
        if ended:
            yield ended


def cached_at_once(forward: Forward, batch_tokens: int) -> int:
    """Tokens whose keys and values the rows that write together may hold."""
    most = CACHED.get(forward.device.type, MOST_CACHED) * batch_tokens
    free = free_bytes(forward.device)
    return most if free is None else min(most, int(FREE_SHARE * free) // forward.bytes_cached)


class _Writing:
    """Rows that are being written."""

    def __init__(self, past: Past, done: Stops, limit: int) -> None:
        self.past, self.done, self.limit = past, done, limit
        self.ends = set(_end_tokens(past.forward.model))
        self.rows: list[int] = []
        self.written: dict[int, list[int]] = {}

    def begin(self, rows: Sequence[int], tails: Sequence[Sequence[int]]) -> list[tuple[int, list[int]]]:
        """Let rows read their tails and write their first token; those that end with it."""
        following = self._read(tails, is_first=0 in rows)
        self.rows += rows
        return self._write(rows, following)

    def _read(self, tails: Sequence[Sequence[int]], *, is_first: bool) -> Any:
        import torch

        try:
            following = self.past.read(tails)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            if is_first:  # architectures refuse a cache in ways of their own
                raise PastNotKeptError from error
            raise
        if not self.past.is_kept:
            raise PastNotKeptError
        require_numbers(following)
        return following

    def step(self) -> list[tuple[int, list[int]]]:
        """Let every row write a token; those that end with it."""
        if not self.rows:
            return []
        return self._write(self.rows, self.past.step([self.written[row][-1] for row in self.rows]))

    def _write(self, rows: Sequence[int], following: Any) -> list[tuple[int, list[int]]]:
        for row, token in zip(rows, following.argmax(dim=-1).tolist(), strict=True):
            self.written.setdefault(row, []).append(token)
        stopped = self.done.of([self.written[row] for row in rows])
        over = {
            row
            for row, stop in zip(rows, stopped, strict=True)
            if stop or self.written[row][-1] in self.ends or len(self.written[row]) >= self.limit
        }
        if over:
            order = self.past.keep([place for place, row in enumerate(self.rows) if row not in over])
            self.rows = [self.rows[place] for place in order]
        return [(row, self.written.pop(row)) for row in rows if row in over]


def require_numbers(logits: Any) -> None:
    """Refuse logits of which the likeliest is none.

    Raises:
        ModelError: one is NaN.
    """
    if bool(logits.isnan().any()):
        raise ModelError(f"the model's next token has no likelihood (NaN): {NOT_FINITE}")


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
