"""Prompts to written texts: sorted by length, batched by tokens, each row ended by its own stop strings."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from ...core.console import note
from ...core.errors import ModelError
from .forward import Forward
from .greedy import PastNotKeptError, Stops, cached_at_once, is_plain, require_numbers, shared_header, write_greedily
from .request import Answer, Request, is_drawn
from .tokens import Encoder

DEFAULT_NEW_TOKENS = 256
"""Where a task states no limit (lm-eval's default)."""
TOO_LONG = (
    "answers of {wanted} tokens leave a model that reads {length} no room for a question: it writes {limit} at most; "
    "choose benchmarks with shorter answers, or a model that reads more"
)
LIMIT_NAMES = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Prompts with one set of generation options."""

    forward: Forward
    encoder: Encoder
    prompts: dict[int, list[int]]
    """Token ids by the request's number."""
    draws: dict[int, int]
    """`Request.draw` by the same."""
    limit: int
    """Tokens written at most."""
    stops: list[str]
    options: dict[str, Any]
    warning: str
    """What the user should know of; or nothing."""


def generate(
    forward: Forward, encoder: Encoder, requests: Sequence[Request], *, batch_tokens: int, warnings: list[str]
) -> Iterator[list[tuple[int, Answer]]]:
    """Batches of (position of the request, text up to its first stop string); adds to `warnings` what was cut.

    Where memory runs out, what is not written yet is begun anew with fewer rows at once.

    Raises:
        ModelError: one row alone does not fit.
    """
    alike: dict[str, list[int]] = defaultdict(list)
    for number, request in enumerate(requests):
        alike[request.options].append(number)
    for options, numbers in alike.items():
        asked = _asked(forward, encoder, {n: requests[n] for n in numbers}, json.loads(options or "{}"))
        if asked.warning:
            warnings.append(asked.warning)
            note(asked.warning)
        queue = sorted(numbers, key=lambda n: (-len(asked.prompts[n]), requests[n].prompt))
        yield from _generate_alike(asked, queue, batch_tokens)


def _asked(forward: Forward, encoder: Encoder, requests: dict[int, Request], options: dict[str, Any]) -> _Asked:
    wanted = next((int(options[name]) for name in LIMIT_NAMES if options.get(name)), DEFAULT_NEW_TOKENS)
    limit = wanted if wanted < encoder.max_length else max(encoder.max_length // 2, 1)
    room = max(encoder.max_length - limit, 1)
    prompts: dict[int, list[int]] = {}
    for flag in {request.has_specials for request in requests.values()}:
        chosen = [n for n, request in requests.items() if request.has_specials is flag]
        for n, ids in zip(chosen, encoder.encode([requests[n].prompt for n in chosen], flag), strict=True):
            prompts[n] = ids[-room:] or [encoder.prefix]
    return _Asked(
        forward=forward,
        encoder=encoder,
        prompts=prompts,
        draws={n: request.draw for n, request in requests.items()},
        limit=limit,
        stops=stop_strings(options.get("until"), encoder.tokenizer),
        options=options,
        warning="" if limit == wanted else TOO_LONG.format(wanted=wanted, length=encoder.max_length, limit=limit),
    )


def _generate_alike(asked: _Asked, queue: list[int], batch_tokens: int) -> Iterator[list[tuple[int, Answer]]]:
    import torch

    write = _write if is_drawn(asked.options) or not is_plain(asked.forward) else _write_here
    while queue:
        done: set[int] = set()
        try:
            for ended in write(asked, queue, batch_tokens):
                done.update(n for n, _ in ended)
                yield [(n, cut(_text(asked.encoder, tokens), asked.stops)) for n, tokens in ended]
        except PastNotKeptError:
            note("written token by token in the model's own way: it does not keep its past in a cache of ours")
            write = _write
        except torch.OutOfMemoryError:
            batch_tokens = _halved(batch_tokens, longest=len(asked.prompts[queue[0]]))
        queue = [n for n in queue if n not in done]


def _halved(batch_tokens: int, *, longest: int) -> int:
    if batch_tokens < longest:
        raise ModelError(
            f"out of memory while writing behind one prompt of {longest} tokens; "
            f"lower evaluate.max_length, or set evaluate.dtype: bfloat16"
        )
    note(f"out of memory while writing; now at most {batch_tokens // 2} tokens in a forward pass")
    return batch_tokens // 2


def _write_here(asked: _Asked, queue: Sequence[int], batch_tokens: int) -> Iterator[list[tuple[int, list[int]]]]:
    """(Request, tokens written), as rows end, by our own loop.

    Raises:
        PastNotKeptError: before anything was written.
    """
    header = shared_header(asked.forward, [asked.prompts[n] for n in queue])
    tails = [asked.prompts[n][header[1] :] for n in queue]
    stops = Stops(asked.encoder.tokenizer, asked.stops, 0)
    for ended in write_greedily(asked.forward, stops, tails, asked.limit, header=header, batch_tokens=batch_tokens):
        yield [(queue[row], tokens) for row, tokens in ended]


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


def _write(asked: _Asked, queue: Sequence[int], batch_tokens: int) -> Iterator[list[tuple[int, list[int]]]]:
    """The same in the model's own way."""
    most = batch_tokens if asked.forward.device.type == "cpu" else cached_at_once(asked.forward, batch_tokens)
    left = list(queue)
    while left:
        rows = max(most // (len(asked.prompts[left[0]]) + asked.limit), 1)
        batch, left = left[:rows], left[rows:]
        yield list(zip(batch, _written(asked, batch), strict=True))


def _written(asked: _Asked, batch: Sequence[int]) -> list[list[int]]:
    import torch

    tokenizer, forward, prompts = asked.encoder.tokenizer, asked.forward, [asked.prompts[n] for n in batch]
    width = max(map(len, prompts))
    padding = next(n for n in (tokenizer.pad_token_id, tokenizer.eos_token_id, 0) if n is not None)
    ids = torch.tensor([[padding] * (width - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    with torch.inference_mode(), _seeded(asked, batch):
        written = forward.model.generate(
            input_ids=ids.to(forward.device),
            attention_mask=mask.to(forward.device),
            max_new_tokens=asked.limit,
            pad_token_id=padding,
            stopping_criteria=[Stops(tokenizer, asked.stops, width)],
            logits_processor=[_checked],
            **_sampling(asked.options),
        )
    forward.tokens += written.numel()
    found: list[list[int]] = written[:, width:].tolist()
    return found


@contextmanager
def _seeded(asked: _Asked, batch: Sequence[int]) -> Iterator[None]:
    """Draw by the prompts alone, so that a model asked twice writes the same, and base and tuned draw alike."""
    import torch

    device, draws = asked.forward.device, [asked.draws[n] for n in batch]
    seed = repr([asked.prompts[n] for n in batch]) + (repr(draws) if any(draws) else "")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(crc32(seed.encode()))
        yield


def _checked(_ids: Any, logits: Any) -> Any:
    require_numbers(logits)
    return logits


def _sampling(options: dict[str, Any]) -> dict[str, Any]:
    if not is_drawn(options):
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    known = {*LIMIT_NAMES, "until", "do_sample"}
    return {"do_sample": True, **{name: value for name, value in options.items() if name not in known}}
