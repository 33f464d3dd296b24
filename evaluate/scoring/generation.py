"""Prompts to written texts: sorted by length, batched by tokens, each row ended by its own stop strings."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from ...core.console import note
from .forward import Forward
from .greedy import PastNotKeptError, Stops, is_plain, shared_header, write_greedily
from .request import Answer, Request
from .tokens import Encoder

DEFAULT_NEW_TOKENS = 256
"""Where a task states no limit (lm-eval's default)."""
LIMIT_NAMES = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")


def generate(
    forward: Forward, encoder: Encoder, requests: Sequence[Request], *, batch_tokens: int
) -> Iterator[list[tuple[int, Answer]]]:
    """Batches of (position of the request, text up to its first stop string)."""
    alike: dict[str, list[int]] = defaultdict(list)
    for number, request in enumerate(requests):
        alike[request.options].append(number)
    for options, numbers in alike.items():
        yield from _generate_alike(forward, encoder, requests, numbers, json.loads(options or "{}"), batch_tokens)


def _generate_alike(
    forward: Forward,
    encoder: Encoder,
    requests: Sequence[Request],
    numbers: Sequence[int],
    options: dict[str, Any],
    batch_tokens: int,
) -> Iterator[list[tuple[int, Answer]]]:
    limit = next((int(options[name]) for name in LIMIT_NAMES if options.get(name)), DEFAULT_NEW_TOKENS)
    stops = stop_strings(options.get("until"), encoder.tokenizer)
    room = max(encoder.max_length - limit, 1)
    prompts = {
        n: encoder.encode([requests[n].prompt], requests[n].has_specials)[0][-room:] or [encoder.prefix]
        for n in numbers
    }
    queue = sorted(numbers, key=lambda n: (-len(prompts[n]), requests[n].prompt))
    if not _samples(options) and is_plain(forward):
        header = shared_header(forward, list(prompts.values()))
        tails = [prompts[n][header[1] :] for n in queue]
        done = Stops(encoder.tokenizer, stops, 0)
        try:
            for ended in write_greedily(forward, done, tails, limit, header=header, batch_tokens=batch_tokens):
                yield [(queue[row], cut(_text(encoder, tokens), stops)) for row, tokens in ended]
            queue = []
        except PastNotKeptError:
            note("written token by token in the model's own way: it does not keep its past in a cache of ours")
    while queue:
        rows = max(batch_tokens // (len(prompts[queue[0]]) + limit), 1)
        batch, queue = queue[:rows], queue[rows:]
        texts = _write(forward, encoder, [prompts[n] for n in batch], limit, stops, options)
        yield [(n, cut(text, stops)) for n, text in zip(batch, texts, strict=True)]


def _text(encoder: Encoder, tokens: Sequence[int]) -> str:
    return str(encoder.tokenizer.decode(tokens, skip_special_tokens=True))


def stop_strings(until: Any, tokenizer: Any) -> list[str]:
    """A task's stop strings and the text of the model's own end token."""
    named = [until] if isinstance(until, str) else list(until or [])
    end = tokenizer.decode([tokenizer.eos_token_id]) if tokenizer.eos_token_id is not None else ""
    return named if end in named else [*named, end]


def cut(text: str, stops: Sequence[str]) -> str:
    """Text before the first stop string."""
    for stop in stops:
        if stop:
            text = text.split(stop)[0]
    return text


def _write(
    forward: Forward,
    encoder: Encoder,
    prompts: Sequence[Sequence[int]],
    limit: int,
    stops: Sequence[str],
    options: dict[str, Any],
) -> list[str]:
    import torch

    tokenizer = encoder.tokenizer
    width = max(map(len, prompts))
    padding = next(n for n in (tokenizer.pad_token_id, tokenizer.eos_token_id, 0) if n is not None)
    ids = torch.tensor([[padding] * (width - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    with torch.inference_mode():
        written = forward.model.generate(
            input_ids=ids.to(forward.device),
            attention_mask=mask.to(forward.device),
            max_new_tokens=limit,
            pad_token_id=padding,
            stopping_criteria=[Stops(tokenizer, stops, width)],
            **_sampling(options),
        )
    forward.tokens += written.numel()
    return [tokenizer.decode(row, skip_special_tokens=True) for row in written[:, width:].tolist()]


def _samples(options: dict[str, Any]) -> bool:
    """Greedy unless a task asks for sampling with a temperature above 0."""
    return bool(options.get("do_sample")) and float(options.get("temperature") or 0.0) > 0


def _sampling(options: dict[str, Any]) -> dict[str, Any]:
    if not _samples(options):
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    known = {*LIMIT_NAMES, "until", "do_sample"}
    return {"do_sample": True, **{name: value for name, value in options.items() if name not in known}}
