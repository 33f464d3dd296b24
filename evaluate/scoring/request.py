"""What is asked of a model: the likelihood of a text after another, of a whole text, or a text of its own."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ...core.errors import ModelError

Answer = tuple[float, bool] | float | str
"""By kind: (log-likelihood, whether greedy decoding would write it); log-likelihood of the whole text; written text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to a causal model, as text."""

    kind: Literal["loglikelihood", "rolling", "generate"]
    """loglikelihood of `continuation` after `prompt`; rolling: of all of `prompt`; generate: a text after `prompt`."""
    prompt: str
    continuation: str = ""
    closed: bool = False
    """Whether the model's end-of-text token is scored behind the continuation."""
    has_specials: bool | None = None
    """Whether the prompt already holds the model's special tokens; None: seen from its beginning, as lm-eval does."""
    options: str = ""
    """Generation options as JSON with sorted keys."""
    draw: int = 0
    """Which of several texts drawn behind one prompt."""
    group: str = ""
    """Requests of one group may begin alike (a few-shot header); not part of the question."""

    @property
    def key(self) -> str:
        """32 hex digits that name the question, whatever group it came in."""
        parts = [self.kind, self.prompt, self.continuation, str(self.closed), str(self.has_specials), self.options]
        parts += [str(self.draw)] if self.draw else []
        lengths = ":".join(str(len(part)) for part in parts)
        return hashlib.blake2b("".join((lengths, *parts)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def is_drawn(options: Mapping[str, Any]) -> bool:
    """Whether generation options ask for a text that is drawn: sampling, with a temperature above 0."""
    return bool(options.get("do_sample")) and float(options.get("temperature") or 0.0) > 0


def answer_from_json(kind: str, value: Any) -> Answer:
    """An answer as it was before it became JSON."""
    if kind == "loglikelihood":
        return float(value[0]), bool(value[1])
    return float(value) if kind == "rolling" else str(value)


NOT_FINITE = (
    "its weights may hold NaN (a training that diverged), or the number format overflows; "
    "try evaluate.dtype: float32, or train again with a lower learning rate"
)
SHOWN = 60
"""Characters of a text that a message shows."""


def require_finite(request: Request, answer: Answer) -> None:
    """Refuse what no model may answer: of choices that are not numbers the first would count as the likeliest.

    Raises:
        ModelError: a log-likelihood is NaN or infinite.
    """
    value = answer[0] if isinstance(answer, tuple) else answer
    if isinstance(value, float) and not math.isfinite(value):
        text = request.continuation or request.prompt
        raise ModelError(
            f"the model gives {text[:SHOWN]!r} the log-likelihood {value}, which is no number to compare: {NOT_FINITE}"
        )
