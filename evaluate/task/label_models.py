"""Held-out rows to class scores: by a prompted causal model, by a trained head, or by a probe on a frozen encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.errors import ModelError
from ...core.prompts import DEFAULT_TEMPLATES, Prompt, PromptConfig, fill, render_prompts
from ...core.records import Examples
from ..scoring.request import NOT_FINITE, Answer, Request
from .labels import Classified

PROBE_FOLDS = 5
"""Folds of the probe where no training rows are given."""
PROBE_STRENGTH = 10.0
"""Inverse regularisation C of the probe on standardised features."""


def label_requests(labels: Sequence[str], prompts: Sequence[Prompt], config: PromptConfig) -> list[Request]:
    """For every row one log-likelihood request per label: the whole answer and its end, as training supervises it."""
    template = config.answer or DEFAULT_TEMPLATES["label"][1]
    answers = [fill(template, target=label) for label in labels]
    return [
        Request(
            kind="loglikelihood",
            prompt=prompt.prompt,
            continuation=answer,
            closed=True,
            has_specials=prompt.has_specials,
            group="task",
        )
        for prompt in prompts
        for answer in answers
    ]


def classify_by_prompt(
    examples: Examples,
    labels: Sequence[str],
    config: PromptConfig,
    tokenizer: Any,
    ask: Callable[[Sequence[Request]], Sequence[Answer]],
) -> Classified:
    """Log-likelihood of every label as the model's answer."""
    prompts = render_prompts(examples, config, tokenizer)
    answers = ask(label_requests(labels, prompts, config))
    values = [answer[0] for answer in answers if isinstance(answer, tuple)]
    scores = np.array(values, dtype=np.float64).reshape(len(examples), len(labels))
    return Classified(labels=tuple(labels), log_scores=scores, how="label log-likelihoods of a causal model")


def classify_by_head(examples: Examples, model: Any, tokenizer: Any, *, batch_tokens: int) -> Classified:
    """Log-probabilities of a trained head."""
    import torch

    names = tuple(str(model.config.id2label[number]) for number in range(model.config.num_labels))
    logits = np.empty((len(examples), len(names)))
    for batch, inputs in encoded_batches(examples, tokenizer, model, batch_tokens=batch_tokens):
        with torch.inference_mode():
            logits[batch] = model(**inputs).logits.float().cpu().numpy()
    require_numbers(logits)
    top = logits.max(axis=1, keepdims=True)
    scores = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return Classified(labels=names, log_scores=scores, how="trained head")


def encoded_batches(examples: Examples, tokenizer: Any, model: Any, *, batch_tokens: int) -> Any:
    """(positions, model inputs) by falling length, `batch_tokens` padded tokens at a time; long texts are cut."""
    import torch

    columns = examples.table.column_names
    texts = [examples.inputs] + ([examples.table["pair"].to_pylist()] if "pair" in columns else [])
    length = encoder_length(model.config, tokenizer)
    encoded = tokenizer(*texts, truncation=True, max_length=length)
    order = sorted(range(len(examples)), key=lambda n: -len(encoded["input_ids"][n]))
    padding = next(n for n in (tokenizer.pad_token_id, getattr(model.config, "pad_token_id", None), 0) if n is not None)
    fills = {"input_ids": padding, "attention_mask": 0, "token_type_ids": 0}
    while order:
        width = max(len(encoded["input_ids"][order[0]]), 1)
        batch, order = order[: max(batch_tokens // width, 1)], order[max(batch_tokens // width, 1) :]
        inputs = {
            name: torch.tensor([encoded[name][n] + [fills[name]] * (width - len(encoded[name][n])) for n in batch])
            for name in fills
            if name in encoded
        }
        yield batch, {name: value.to(model.device) for name, value in inputs.items()}


def encoder_length(config: Any, tokenizer: Any) -> int:
    """Tokens an encoder reads at most; RoBERTa's position table begins behind its padding token."""
    stated = [getattr(config, "max_position_embeddings", None), getattr(tokenizer, "model_max_length", None)]
    known = [int(value) for value in stated if value and value < 1 << 20]
    offset = 2 if getattr(config, "model_type", "") in {"roberta", "xlm-roberta", "camembert"} else 0
    return (min(known) if known else 512) - (offset if known and known[0] == min(known) else 0)


def features(examples: Examples, model: Any, tokenizer: Any, *, batch_tokens: int) -> np.ndarray[Any, Any]:
    """Mean of the last hidden states over each row's tokens (n × width)."""
    import torch

    inner = model.get_base_model() if hasattr(model, "get_base_model") else model  # with the adapter's layers
    body = getattr(inner, inner.base_model_prefix, inner) if hasattr(inner, "base_model_prefix") else inner
    out: np.ndarray[Any, Any] | None = None
    for batch, inputs in encoded_batches(examples, tokenizer, model, batch_tokens=batch_tokens):
        with torch.inference_mode():
            hidden = body(**inputs).last_hidden_state.float()
        mask = inputs["attention_mask"][..., None].to(hidden.dtype)
        means = ((hidden * mask).sum(1) / mask.sum(1).clamp(min=1)).cpu().numpy()
        out = np.empty((len(examples), means.shape[1])) if out is None else out
        out[batch] = means
    assert out is not None
    require_numbers(out)
    return out


def require_numbers(values: np.ndarray[Any, Any]) -> None:
    """Of scores that are not numbers the first would count as the likeliest."""
    if not np.isfinite(values).all():
        rows = int((~np.isfinite(values).all(axis=1)).sum())
        raise ModelError(f"the model gives {rows:,} of {len(values):,} rows scores that are not numbers: {NOT_FINITE}")


def classify_by_probe(
    examples: Examples, train: Examples | None, model: Any, tokenizer: Any, *, batch_tokens: int, seed: int
) -> Classified:
    """What an untuned encoder can do: a linear probe on its frozen features.

    The probe learns from `train`; without it, from the held-out rows themselves by cross-validation, so that no row is
    predicted by a probe that has seen it. A class with a single row then cannot be learned.
    """
    ours = features(examples, model, tokenizer, batch_tokens=batch_tokens)
    if train is not None:
        theirs = features(train, model, tokenizer, batch_tokens=batch_tokens)
        labels = sorted(set(train.targets))
        scores = probe_scores(theirs, train.targets, ours, labels)
        return Classified(
            labels=tuple(labels), log_scores=scores, how="linear probe on the frozen encoder, fitted on training rows"
        )
    labels = sorted(set(examples.targets))
    scores = np.full((len(examples), len(labels)), -np.log(len(labels)))
    targets = np.array(examples.targets, dtype=object)
    folds = np.random.default_rng(seed).permutation(len(examples)) % min(PROBE_FOLDS, len(examples))
    for fold in sorted(set(folds.tolist())):
        inside = folds == fold
        scores[inside] = probe_scores(ours[~inside], targets[~inside].tolist(), ours[inside], labels)
    return Classified(
        labels=tuple(labels),
        log_scores=scores,
        how="linear probe on the frozen encoder, cross-validated on the held-out rows",
    )


def probe_scores(
    known: np.ndarray[Any, Any], targets: Sequence[str], asked: np.ndarray[Any, Any], labels: Sequence[str]
) -> np.ndarray[Any, Any]:
    """Log-probabilities (n × k) of a logistic regression on standardised features; a label it never saw gets −30."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scores = np.full((len(asked), len(labels)), -30.0)
    if len(set(targets)) < 2:
        scores[:, list(labels).index(targets[0])] = 0.0
        return scores
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=PROBE_STRENGTH / known.shape[1], max_iter=2000))
    probe.fit(known, list(targets))
    columns = [list(labels).index(label) for label in probe[-1].classes_]
    scores[:, columns] = np.maximum(probe.predict_log_proba(asked), -30.0)
    return scores
