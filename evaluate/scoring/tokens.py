"""Requests as text to token ids, exactly as lm-eval's Hugging Face adapter makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .request import Request

DEFAULT_LENGTH = 2048
"""Where neither config nor tokenizer states a limit (lm-eval's default)."""
UNSTATED = 1 << 40
"""Tokenizers without a limit state an absurd one (1e30)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Tokens to read and tokens to score behind them; both non-empty, together at most max_length + 1."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]


def model_length(config: Any, tokenizer: Any) -> int:
    """Tokens a model reads at most, by the first of config and tokenizer that states it."""
    inner = getattr(config, "text_config", None) or config
    for name in ("n_positions", "max_position_embeddings", "n_ctx"):
        if (value := getattr(inner, name, None)) is not None:
            return int(value)
    stated = getattr(tokenizer, "model_max_length", None)
    return int(stated) if stated is not None and stated < UNSTATED else DEFAULT_LENGTH


def prefix_token(tokenizer: Any) -> int:
    """The token that stands for an empty context: beginning of text, else end of text."""
    return int(tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id)


class Encoder:
    """A tokenizer that encodes every distinct text once per call of `pairs`."""

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.prefix = prefix_token(tokenizer)
        self.prefix_text = tokenizer.decode([self.prefix])

    def encode(self, texts: Sequence[str], has_specials: bool | None = None) -> list[list[int]]:
        """Token ids of each text; special tokens are added unless the text begins with one, or is said to."""
        flags = [text.startswith(self.prefix_text) if has_specials is None else has_specials for text in texts]
        out: list[list[int]] = [[]] * len(texts)
        for flag in (False, True):
            chosen = [n for n, value in enumerate(flags) if value is flag]
            if chosen:
                options = {"add_special_tokens": False} if flag else {}
                encoded = self.tokenizer(
                    [texts[n] for n in chosen],
                    verbose=False,
                    return_attention_mask=False,  # each would be as many Python numbers as the ids
                    return_token_type_ids=False,
                    **options,
                )["input_ids"]
                for n, ids in zip(chosen, encoded, strict=True):
                    out[n] = ids
        return out

    def pairs(self, requests: Sequence[Request]) -> list[Pair]:
        """One pair per log-likelihood request, too long ones without their left end."""
        texts: dict[tuple[str, bool | None], list[int]] = {}
        split = [_split(request) for request in requests]
        self._fill(texts, split, requests)
        return [self._pair(request, parts, texts) for request, parts in zip(requests, split, strict=True)]

    def _fill(
        self,
        texts: dict[tuple[str, bool | None], list[int]],
        split: Sequence[tuple[str, str]],
        requests: Sequence[Request],
    ) -> None:
        wanted: dict[bool | None, dict[str, None]] = {None: {}, True: {}, False: {}}
        for (context, continuation), request in zip(split, requests, strict=True):
            if context:
                wanted[request.has_specials][context] = None
                wanted[request.has_specials][context + continuation] = None
            else:
                wanted[True][continuation] = None
        for has_specials, chosen in wanted.items():
            for text, ids in zip(chosen, self.encode(list(chosen), has_specials), strict=True):
                texts[text, has_specials] = ids

    def _pair(self, request: Request, parts: tuple[str, str], texts: dict[tuple[str, bool | None], list[int]]) -> Pair:
        context, continuation = parts
        if context:
            before = texts[context, request.has_specials]
            after = texts[context + continuation, request.has_specials][len(before) :]
        else:
            after = texts[continuation, True]
            before, after = ([self.prefix], after) if after[:1] != [self.prefix] else (after[:1], after[1:])
        if request.closed and self.tokenizer.eos_token_id is not None:
            after = [*after, self.tokenizer.eos_token_id]
        return fit(tuple(before), tuple(after), self.max_length)

    def windows(self, request: Request) -> list[Pair]:
        """A whole text as consecutive windows, each token scored once with as much before it as fits."""
        (ids,) = self.encode([request.prompt], request.has_specials)
        return [fit(before, after, self.max_length) for before, after in _windows(ids, self.prefix, self.max_length)]


def fit(context: tuple[int, ...], continuation: tuple[int, ...], max_length: int) -> Pair:
    """Drop what is too long from the left; a model reads all tokens but the last."""
    over = max(len(context) + len(continuation) - max_length - 1, 0)
    return Pair(context[over:], continuation) if over < len(context) else _without_context(continuation, max_length)


def _without_context(continuation: tuple[int, ...], max_length: int) -> Pair:
    kept = continuation[-max_length - 1 :]
    return Pair(kept[:1], kept[1:])


def _split(request: Request) -> tuple[str, str]:
    """Spaces at the end of a context belong to the continuation, where tokenizers merge them into the word."""
    context = request.prompt.rstrip()
    return context, request.prompt[len(context) :] + request.continuation


def _windows(ids: Sequence[int], prefix: int, length: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    first = min(length, len(ids))
    if first:
        yield (prefix,), tuple(ids[:first])
    done = first
    while done < len(ids):
        end = done + min(len(ids) - done, length)
        yield tuple(ids[max(end - length - 1, 0) : done]), tuple(ids[done:end])
        done = end
