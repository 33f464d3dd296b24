"""A causal model that answers requests from disk where it was asked before, and is loaded only when it was not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.collector import collector_at_rest
from ...core.errors import ModelError
from ...core.models import load_causal, load_tokenizer, model_fingerprint, quiet_peft
from ..benchmarks.lmeval import backend_answers
from ..config import EvaluateConfig
from .devices import tokens_at_once
from .processes import local_device
from .request import Answer, Request
from .response_cache import answer_all, cache_file
from .scorer import SCORER_VERSION, CausalScorer

OWN_BACKEND = "transformers"
SERVER = "server"


class Resident:
    """Keeps the base model in memory between two evaluations: with an adapter, one load serves base and tuned.

    The adapter is put on for the tuned model and taken off again; the base's weights are never written to.
    """

    def __init__(self) -> None:
        self._key: tuple[str, str, str] | None = None
        self._base: Any = None
        self.loads = 0
        """Models read from disk so far, adapters not counted."""
        self.retained: dict[str, Any] = {}
        """What a model showed on a general dataset, by the fingerprint of both: looks of one run measure it once."""

    def base(self, model: str, config: EvaluateConfig) -> Any:
        """The base model, in eval mode on its device."""
        key = (model_fingerprint(model), config.dtype, place(config.device))
        if key != self._key:
            self._base = None
            with collector_at_rest():
                loaded = load_causal(model, dtype=config.dtype, trust_remote_code=config.trust_remote_code)
            self._base, self._key = loaded.to(key[2]), key
            self.loads += 1
        return self._base

    def tuned(self, model: str, adapter: Path, config: EvaluateConfig) -> Any:
        """The base with an adapter on it; to be handed to `take_off` afterwards."""
        from peft import PeftModel

        with quiet_peft():
            return PeftModel.from_pretrained(self.base(model, config), str(adapter)).eval()

    def take_off(self, tuned: Any) -> None:
        """Leave the base as it was; where the kind of adapter does not allow that, forget it."""
        try:
            self._base = tuned.unload()
        except (AttributeError, NotImplementedError):
            self._base, self._key = None, None


class CausalModel:
    """One causal model, with or without an adapter, as an answerer of requests."""

    def __init__(
        self, model: str, config: EvaluateConfig, *, adapter: Path | None, cache: Path | None, resident: Resident | None
    ) -> None:
        self.model, self.config, self.adapter = model, config, adapter
        self.resident = resident or Resident()
        self.tokenizer = load_tokenizer(model, trust_remote_code=config.trust_remote_code)
        if config.apply_chat_template and not self.tokenizer.chat_template:
            raise ModelError(f"{model}: its tokenizer has no chat template; set evaluate.apply_chat_template: false")
        self.fingerprint = model_fingerprint(model, adapter)
        kept = cache if config.backend != SERVER else None  # a server does not tell which weights it serves
        self.file = cache_file(kept, model_hash=self.fingerprint, settings=_answering(config)) if kept else None
        self.asked = 0
        self._loaded: Any = None
        self._scorer: CausalScorer | None = None
        self._report: dict[str, Any] = {"tokens_computed": 0, "warnings": []}

    def ask(self, requests: Sequence[Request], description: str) -> list[Answer]:
        """The answer to each request, in order."""
        answers, asked = answer_all(requests, self._answer, file=self.file, description=description)
        self.asked += asked
        return answers

    def scorer(self) -> CausalScorer:
        """The loaded model."""
        if self._scorer is None:
            config = self.config
            if self.adapter is None:
                self._loaded = self.resident.base(self.model, config)
            else:
                self._loaded = self.resident.tuned(self.model, self.adapter, config)
            self._scorer = CausalScorer(
                self._loaded,
                self.tokenizer,
                batch_tokens=config.batch_tokens,
                max_length=config.max_length,
                share_context=config.share_context,
            )
        return self._scorer

    def close(self) -> dict[str, Any]:
        """Take the adapter off, and tell: requests_asked, tokens_computed, warnings."""
        if self._scorer is not None:
            self._report = {
                "tokens_computed": self._scorer.forward.tokens,
                "warnings": list(self._scorer.warnings),
            }
            if self.adapter is not None:
                self.resident.take_off(self._loaded)
        self._scorer, self._loaded = None, None
        return {"requests_asked": self.asked, **self._report}

    def _answer(self, requests: Sequence[Request]) -> Iterator[list[tuple[int, Answer]]]:
        if self.config.backend == OWN_BACKEND:
            yield from self.scorer().answer(requests)
        else:
            yield from backend_answers(
                self.config.backend,
                {"pretrained": self.model, **({"peft": str(self.adapter)} if self.adapter else {})},
                self.config.backend_options,
                [self._with_end(request) for request in requests],
            )

    def _with_end(self, request: Request) -> Request:
        """Adapters of lm-eval know no flag for the end of a text; its token is written out for them."""
        if not request.closed:
            return request
        end = self.tokenizer.eos_token or ""
        return replace(request, continuation=request.continuation + end, closed=False)


def _answering(config: EvaluateConfig) -> dict[str, Any]:
    """All settings, besides the model and the request itself, that an answer depends on."""
    return {
        "dtype": config.dtype,
        "max_length": config.max_length,
        "backend": config.backend,
        "backend_options": dict(config.backend_options),
        "scorer": SCORER_VERSION,
    }


def batch_tokens(config: EvaluateConfig) -> int:
    """Tokens that are read in one forward pass at most."""
    return tokens_at_once(config.batch_tokens, place(config.device))


def place(device: str) -> str:
    """The device that `auto` stands for, else the one named."""
    import torch

    if device != "auto":
        return device
    return local_device() if torch.cuda.is_available() else "cpu"
