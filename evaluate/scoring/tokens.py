"""Requests as text to token ids, exactly as lm-eval's Hugging Face adapter makes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from .cutting import can_cut, cut_last, is_place, paragraphs
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


Part = tuple[str, bool]
"""A text, and whether it is encoded without adding special tokens."""


class Encoder:
    """A tokenizer that encodes every distinct part of its texts once per call."""

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.prefix = prefix_token(tokenizer)
        self.prefix_text = tokenizer.decode([self.prefix])
        self.can_cut = can_cut(tokenizer, self.prefix_text)

    def encode(self, texts: Sequence[str], has_specials: bool | None = None) -> list[list[int]]:
        """Token ids of each text; special tokens are added unless the text begins with one, or is said to."""
        parts = [self._parts(text, has_specials) for text in texts]
        ids = self._encoded(chain.from_iterable(parts))
        return [_joined(whole, ids) for whole in parts]

    def pairs(self, requests: Sequence[Request]) -> list[Pair]:
        """One pair per log-likelihood request, too long ones without their left end."""
        split = [_split(request) for request in requests]
        keys = [(context, one.has_specials) for (context, _), one in zip(split, requests, strict=True)]
        contexts = {key: self._parts(*key, is_context=True) for key in dict.fromkeys(keys) if key[0]}
        tails = [
            self._tail(contexts.get(key), key[1], continuation)
            for key, (_, continuation) in zip(keys, split, strict=True)
        ]
        ids = self._encoded(chain(*contexts.values(), (tail for tail, _ in tails)))
        before = {key: tuple(_joined(parts, ids)) for key, parts in contexts.items()}
        after = [ids[tail][len(ids[known]) if known else 0 :] for tail, known in tails]
        return [
            self._pair(before.get(key), own, is_closed=request.closed)
            for request, key, own in zip(requests, keys, after, strict=True)
        ]

    def _parts(self, text: str, has_specials: bool | None, *, is_context: bool = False) -> list[Part]:
        """What is encoded of a text, in order; of a context the last word is a part, which what follows may change."""
        if not self.can_cut:
            return [(text, self._has_specials(text, has_specials))]
        *begin, end = paragraphs(text)
        first, *others = (*begin, *(cut_last(end) if is_context else [end]))
        return [(first, self._has_specials(text, has_specials)), *((other, True) for other in others)]

    def _tail(
        self, context: Sequence[Part] | None, has_specials: bool | None, continuation: str
    ) -> tuple[Part, Part | None]:
        """What is encoded for a continuation, and the end of its context where that is encoded with it."""
        if context is None:
            return (continuation, True), None
        end = context[-1]
        if self.can_cut and is_place(end[0], continuation):
            return (continuation, True), None
        text = end[0] + continuation
        return (text, len(context) > 1 or self._has_specials(text, has_specials)), end

    def _has_specials(self, text: str, stated: bool | None) -> bool:
        return text.startswith(self.prefix_text) if stated is None else stated

    def _encoded(self, parts: Iterable[Part]) -> dict[Part, list[int]]:
        """The token ids of each distinct part."""
        distinct = dict.fromkeys(parts)
        found: dict[Part, list[int]] = {}
        for has_specials in (False, True):
            chosen = [part for part in distinct if part[1] is has_specials]
            if chosen:
                options = {"add_special_tokens": False} if has_specials else {}
                encoded = self.tokenizer(
                    [text for text, _ in chosen],
                    verbose=False,
                    return_attention_mask=False,  # each would be as many Python numbers as the ids
                    return_token_type_ids=False,
                    **options,
                )["input_ids"]
                found.update(zip(chosen, encoded, strict=True))
        return found

    def _pair(self, before: tuple[int, ...] | None, after: list[int], *, is_closed: bool) -> Pair:
        if before is None:
            before, after = (self.prefix,), after[1:] if after[:1] == [self.prefix] else after
        if is_closed and self.tokenizer.eos_token_id is not None:
            after = [*after, self.tokenizer.eos_token_id]
        return fit(before, tuple(after), self.max_length)

    def windows(self, request: Request) -> list[Pair]:
        """A whole text as consecutive windows, each token scored once with as much before it as fits."""
        (ids,) = self.encode([request.prompt], request.has_specials)
        return [fit(before, after, self.max_length) for before, after in _windows(ids, self.prefix, self.max_length)]


def _joined(parts: Iterable[Part], ids: Mapping[Part, list[int]]) -> list[int]:
    return list(chain.from_iterable(ids[part] for part in parts))


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
