"""Requests to answers of a causal model, batch by batch, with every shared token computed once."""

from __future__ import annotations

import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from ...core.console import note
from ...core.errors import ModelError
from .devices import AHEAD, LOGIT_CELLS, MOST_AHEAD, MOST_LOGIT_CELLS, on_host, tokens_at_once
from .forward import LONG_CONTEXT, Forward
from .generation import generate
from .packing import Row, batches, gains_by_packing, longest_first, packed_rows, plain_rows
from .request import Answer, Request
from .tokens import Encoder, Pair, model_length

SCORER_VERSION = 2
"""Raised when an answer could differ from the one an older version gave."""
HEADER_TOKENS = 32
"""Shortest common beginning worth a cache of its own."""
TOLERANCE = 1e-3
"""Largest difference of a log-likelihood, in nats, between packed and plain scoring in float32."""
HALF_TOLERANCE = 0.12
"""The same in half precision, per square root of the tokens: four roundings of a logit near 8 at 2⁻⁸ (bfloat16)."""

Scores = list[tuple[int, tuple[float, bool]]]
"""(Number of a pair, (its log-likelihood, whether greedy decoding writes it)) of a batch."""
Arriving = Callable[[], list[Any]]
"""Gives log-probability and greediness of a batch's scored tokens, once the device has computed them."""


class CausalScorer:
    """A causal model that answers requests; the same numbers as lm-eval's own adapter, up to rounding."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        batch_tokens: int | None = None,
        max_length: int | None = None,
        share_context: bool = True,
    ) -> None:
        self.forward = Forward(model)
        self.tokenizer = tokenizer
        self.batch_tokens = tokens_at_once(batch_tokens, self.forward.device.type)
        self.max_length = max_length or model_length(model.config, tokenizer)
        self.encoder = Encoder(tokenizer, self.max_length)
        self.share_context = share_context
        self.warnings: list[str] = []
        self.halvings = 0
        self.checked: dict[tuple[bool, bool], int] = {}

    def answer(self, requests: Sequence[Request]) -> Iterator[list[tuple[int, Answer]]]:
        """Batches of (position of the request, answer), as they are computed; each request is answered once."""
        kinds: dict[str, list[int]] = defaultdict(list)
        for number, request in enumerate(requests):
            kinds[request.kind].append(number)
        for kind, numbers in kinds.items():
            chosen = [requests[number] for number in numbers]
            for batch in getattr(self, f"_{kind}")(chosen):
                yield [(numbers[n], answer) for n, answer in batch]

    def _generate(self, requests: Sequence[Request]) -> Iterator[list[tuple[int, Answer]]]:
        budget, warnings = self.batch_tokens, self.warnings
        yield from generate(self.forward, self.encoder, requests, batch_tokens=budget, warnings=warnings)

    def _rolling(self, requests: Sequence[Request]) -> Iterator[list[tuple[int, Answer]]]:
        windows = [(n, pair) for n, request in enumerate(requests) for pair in self.encoder.windows(request)]
        left = [0] * len(requests)
        totals = [0.0] * len(requests)
        for n, _ in windows:
            left[n] += 1
        yield [(n, 0.0) for n, count in enumerate(left) if count == 0]
        for batch in self._score([pair for _, pair in windows], [""] * len(windows)):
            done = []
            for position, (value, _) in batch:
                n = windows[position][0]
                totals[n] += value
                left[n] -= 1
                if left[n] == 0:
                    done.append((n, totals[n]))
            yield list(done)

    def _loglikelihood(self, requests: Sequence[Request]) -> Iterator[list[tuple[int, Answer]]]:
        pairs = self.encoder.pairs(requests)
        for batch in self._score(pairs, [request.group for request in requests]):
            yield list(batch)

    def _score(self, pairs: Sequence[Pair], groups: Sequence[str]) -> Iterator[Scores]:
        yield [(n, (0.0, True)) for n, pair in enumerate(pairs) if not pair.continuation]
        plain, packed, headed = self._plan(pairs, groups) if self.share_context else (range(len(pairs)), [], [])
        for header, contexts in headed:
            yield from self._shared(pairs, contexts, header)
        for is_long in (False, True):  # they are computed in different ways, so each is checked
            alike = [owners for owners in packed if (len(pairs[owners[0]].context) >= LONG_CONTEXT) is is_long]
            if alike:
                yield from self._shared(pairs, alike, ())
        yield from self._run(plain_rows(pairs, plain), self.forward.plain)

    def _plan(
        self, pairs: Sequence[Pair], groups: Sequence[str]
    ) -> tuple[list[int], list[list[int]], list[tuple[tuple[int, ...], list[list[int]]]]]:
        """Owners to score plainly; contexts (lists of owners) to pack; headers with the contexts behind each."""
        contexts: dict[tuple[str, tuple[int, ...]], list[int]] = defaultdict(list)
        for owner, (pair, group) in enumerate(zip(pairs, groups, strict=True)):
            if pair.continuation:
                contexts[group, pair.context].append(owner)
        headed, rest = _headers(contexts)
        plain, packed = [], []
        for owners in rest:
            if gains_by_packing(pairs, owners):
                packed.append(owners)
            else:
                plain += owners
        return plain, packed, headed

    def _shared(
        self, pairs: Sequence[Pair], contexts: Sequence[list[int]], header: tuple[int, ...]
    ) -> Iterator[Scores]:
        """Pairs by context, packed behind a header; plainly where a check shows that the model does not honour that."""
        start = len(header)
        rows = [row for owners in contexts for row in packed_rows(pairs, owners, start=start, width=self.batch_tokens)]
        stream = self._packed(rows, header)
        first = self._first_checked(stream, rows, pairs, header) if self.share_context else None
        if first is None:
            owners = [owner for group in contexts for owner in group]
            yield from self._run(plain_rows(pairs, owners), self.forward.plain)
            return
        yield first
        yield from stream

    def _packed(self, rows: Sequence[Row], header: tuple[int, ...]) -> Iterator[Scores]:
        start = len(header)
        cache = self.forward.header(header) if header else None
        yield from self._run(rows, lambda batch: self.forward.packed(batch, cache, start), cached=start)

    def _run(self, rows: Sequence[Row], call: Any, *, cached: int = 0) -> Iterator[Scores]:
        """Batches of (owner, answer); where memory runs out, the same rows in smaller batches from there on."""
        ahead = AHEAD.get(self.forward.device.type, MOST_AHEAD)
        begun: deque[tuple[list[Row], Arriving]] = deque()
        stream = self._batches(rows, cached)
        while batch := next(stream, None):
            found = self._begun(batch, call)
            if found is None:
                stream = self._batches([row for part in (batch, *stream) for row in part], cached)
                continue
            begun.append((batch, found))
            if len(begun) > ahead:
                yield _sum(*begun.popleft())
        while begun:
            yield _sum(*begun.popleft())

    def _batches(self, rows: Sequence[Row], cached: int) -> Iterator[list[Row]]:
        limit = LOGIT_CELLS.get(self.forward.device.type, MOST_LOGIT_CELLS) >> self.halvings
        cells = sys.maxsize if self.forward.in_blocks else max(limit // max(self.forward.vocabulary, 1), 1)
        return batches(rows, tokens=self.batch_tokens, cells=cells, cached=cached)

    def _begun(self, batch: Sequence[Row], call: Any) -> Arriving | None:
        """What a batch gives, which an accelerator may still compute; None: no memory for it, smaller ones are next."""
        import torch

        try:
            found = on_host(call(batch))
        except torch.OutOfMemoryError:
            pass  # its traceback holds what was computed, until this block is left
        else:
            return found
        if len(batch) == 1:
            raise ModelError(
                f"out of memory with one row of {len(batch[0])} tokens in a forward pass; "
                f"lower evaluate.max_length, or set evaluate.dtype: bfloat16"
            )
        self._halve(len(batch) * len(batch[0]))
        return None

    def _halve(self, tokens: int) -> None:
        import torch

        self.batch_tokens = max(min(self.batch_tokens, tokens) // 2, 1)
        self.halvings += 1
        note(f"out of memory; now at most {self.batch_tokens} tokens in a forward pass")
        torch.cuda.empty_cache()

    def _first_checked(
        self,
        stream: Iterator[Scores],
        rows: Sequence[Row],
        pairs: Sequence[Pair],
        header: tuple[int, ...],
    ) -> Scores | None:
        """The first batch, with the widest row, once that was scored both ways; None: packed rows are not honoured.

        A width is checked once. The last choice tells: it is wrong where mask, positions or header are not honoured.
        """
        widest = min(rows, key=longest_first)
        width, last = len(header) + len(widest), widest.scored.owners[-1]
        way = (bool(header), len(pairs[last].context) >= LONG_CONTEXT)
        single = plain_rows(pairs, [last])
        plain = self._begun(single, self.forward.plain) if width > self.checked.get(way, 0) else None
        try:
            first = next(stream)
        except Exception as error:  # noqa: BLE001  architectures refuse a mask in ways of their own
            self._fall_back(f"it refuses packed rows ({type(error).__name__})")
            return None
        if plain:
            difference = abs(dict(first)[last][0] - dict(_sum(single, plain))[last][0])
            if not difference <= self._tolerance(pairs[last]):  # NaN is no agreement
                self._fall_back("packed rows give other numbers")
                return None
            self.checked[way] = width
        return first

    def _tolerance(self, pair: Pair) -> float:
        """Difference of a log-likelihood that rounding explains."""
        half = self.forward.head.weight.element_size() < 4
        return HALF_TOLERANCE * len(pair.continuation) ** 0.5 if half else TOLERANCE

    def _fall_back(self, reason: str) -> None:
        self.share_context = False
        self.warnings.append(f"contexts are not shared on this model: {reason}; scored one choice at a time")
        note(self.warnings[-1])


def _headers(
    contexts: dict[tuple[str, tuple[int, ...]], list[int]],
) -> tuple[list[tuple[tuple[int, ...], list[list[int]]]], list[list[int]]]:
    """Contexts of a group that begin alike, with their common beginning; and the contexts without one."""
    alike: dict[tuple[str, tuple[int, ...]], list[tuple[tuple[int, ...], list[int]]]] = defaultdict(list)
    for (group, context), owners in contexts.items():
        alike[group, context[:HEADER_TOKENS]].append((context, owners))
    headed, rest = [], []
    for members in alike.values():
        low, high = min(context for context, _ in members), max(context for context, _ in members)
        common = next((n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
        common = min(common, min(len(context) for context, _ in members) - 1)
        if common >= HEADER_TOKENS and len(members) > 2:
            headed.append((low[:common], [owners for _, owners in members]))
        else:
            rest += [owners for _, owners in members]
    return headed, rest


def _sum(batch: Sequence[Row], found: Arriving) -> Scores:
    """A batch's scores, once the device has computed them."""
    values, greedy = found()
    owners = np.fromiter(chain.from_iterable(row.scored.owners for row in batch), dtype=np.int64)
    named, index = np.unique(owners, return_inverse=True)
    totals = np.bincount(index, weights=values)
    exact = np.bincount(index, weights=~greedy) == 0
    return list(zip(named.tolist(), zip(totals.tolist(), exact.tolist(), strict=True), strict=True))
