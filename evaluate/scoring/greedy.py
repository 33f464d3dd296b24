"""Prompts to the texts that greedy decoding writes, with a shared beginning computed once and finished rows dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .forward import Forward, expand, last_only

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


def shared_header(forward: Forward, prompts: Sequence[Sequence[int]]) -> tuple[Any, int]:
    """Keys and values of the prompts' common beginning, and its length; (None, 0) where there is none.

    The longest and the shortest prompt are read with and without it: a model for which that differs gets none.
    """
    import torch

    header = common_header(prompts)
    if not header:
        return None, 0
    chosen = [max(prompts, key=len), min(prompts, key=len)]
    try:
        cached = forward.header(header)
        with torch.inference_mode():
            whole = _begin(forward, chosen, None, 0).step(forward).log_softmax(-1)
            tails = [prompt[len(header) :] for prompt in chosen]
            ours = _begin(forward, tails, cached, len(header)).step(forward).log_softmax(-1)
    except Exception:  # noqa: BLE001  architectures refuse masks and caches in ways of their own
        return None, 0
    tolerance = HALF_TOLERANCE if forward.head.weight.element_size() < 4 else TOLERANCE
    agree = bool((whole - ours).abs().max() <= tolerance)
    return (cached, len(header)) if agree else (None, 0)


def write_greedily(
    forward: Forward,
    tokenizer: Any,
    tails: Sequence[Sequence[int]],
    limit: int,
    stops: Sequence[str],
    *,
    header: Any,
    start: int,
) -> list[str] | None:
    """Texts of at most `limit` tokens behind a header of `start` cached tokens and each row's own tail.

    A row leaves the batch with its end token or its first stop string. None: the model does not keep its past in the
    cache it was given, and has to be asked in its own way.
    """
    import torch

    state = _begin(forward, tails, header, start)
    ends = set(_end_tokens(forward.model))
    done = Stops(tokenizer, stops, 0)
    written: list[list[int]] = [[] for _ in tails]
    alive = list(range(len(tails)))
    with torch.inference_mode():
        for step in range(limit):
            following = state.step(forward).argmax(dim=-1)
            if step == 0 and state.cache.get_seq_length() != state.mask.shape[1]:
                return None
            for row, token in zip(alive, following.tolist(), strict=True):
                written[row].append(token)
            finished = done.of([written[row] for row in alive])
            keep = [n for n, row in enumerate(alive) if written[row][-1] not in ends and not finished[n]]
            if not keep or step == limit - 1:
                break
            if len(keep) < len(alive):
                state.keep(keep)
                alive = [alive[n] for n in keep]
            state.append(following[keep])
    return [tokenizer.decode(row, skip_special_tokens=True) for row in written]


class _State:
    """Keys and values so far, which columns are tokens, and the tokens to read next (rows × columns)."""

    def __init__(self, cache: Any, mask: Any, ids: Any) -> None:
        self.cache, self.mask, self.ids = cache, mask, ids

    def step(self, forward: Forward) -> Any:
        """Read the next tokens; the logits of what follows each row (rows × vocabulary)."""
        positions = (self.mask.cumsum(1) - 1).clamp(min=0)[:, -self.ids.shape[1] :]
        forward.tokens += self.ids.numel()
        with last_only(forward.head):
            logits = forward.model(
                input_ids=self.ids,
                attention_mask=self.mask,
                position_ids=positions,
                past_key_values=self.cache,
                use_cache=True,
            ).logits
        return logits[:, -1].float()

    def keep(self, rows: Sequence[int]) -> None:
        """Drop the other rows."""
        import torch

        index = torch.tensor(rows, device=self.mask.device)
        self.cache.batch_select_indices(index)
        self.mask = self.mask[index]

    def append(self, tokens: Any) -> None:
        """Let each row read one more token."""
        import torch

        self.ids = tokens[:, None]
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], dim=1)


def _begin(forward: Forward, tails: Sequence[Sequence[int]], header: Any, start: int) -> _State:
    import torch
    from transformers import DynamicCache

    width = max(map(len, tails))
    ids = torch.tensor([[0] * (width - len(tail)) + list(tail) for tail in tails], device=forward.device)
    mask = torch.tensor([[1] * start + [0] * (width - len(tail)) + [1] * len(tail) for tail in tails])
    cache = DynamicCache() if header is None else expand(header, len(tails))
    return _State(cache, mask.to(forward.device), ids)


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
