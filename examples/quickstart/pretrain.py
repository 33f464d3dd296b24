"""The small world to a small model: `python -m tunegate.examples.quickstart.pretrain FOLDER`.

Builds the tokenizer and a 0.94 M parameter Llama from generated text, on one CPU core, and saves safetensors in half
precision. The same seed gives the same text; weights agree to rounding between machines. No benchmark item is read.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import torch

from . import knowledge, prose, skills

SEED = 0
STEPS = 1000
BATCH, LENGTH = 32, 128
"""Rows a step, and tokens a row."""
WARMUP_STEPS = 60
VOCABULARY = 1024
START = "<|endoftext|>"
PADDING = "<|pad|>"

MIXTURE: tuple[tuple[Callable[[Random], str], float], ...] = (
    (knowledge.practise_fact, 4.0),
    (knowledge.practise_opposite, 1.5),
    (knowledge.practise_form, 1.5),
    (skills.practise_sum, 5.0),
    (skills.practise_agreement, 1.5),
    (skills.practise_order, 1.5),
    (skills.practise_sentiment, 2.5),
    (skills.practise_copy, 1.0),
    (skills.practise_topic, 1.0),
    (prose.passage, 3.0),
)
"""What a document's pieces are drawn from, with weights: drills that the abilities need, and general text."""


def documents(seed: int) -> Iterator[str]:
    """Pretraining documents without end: one to four pieces, a line each."""
    random = Random(seed)
    makers, weights = zip(*MIXTURE, strict=True)
    while True:
        pieces = random.choices(makers, weights, k=random.choice((1, 1, 2, 3, 4)))
        yield "\n".join(piece(random) for piece in pieces)


def build_tokenizer(texts: list[str]) -> Any:
    """A byte-level BPE tokenizer that splits numbers into digits and puts the start token before every text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    raw: Any = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[START, PADDING],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    raw.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", pair=f"{START} $A $B", special_tokens=[(START, raw.token_to_id(START))]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=raw, bos_token=START, eos_token=START, pad_token=PADDING, model_max_length=256
    )


def build_model(vocabulary: int) -> Any:
    """A Llama of four layers and width 128 with fresh weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=352,
        tie_word_embeddings=True,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=1,
        initializer_range=0.04,
    )
    return LlamaForCausalLM(config)


def batches(texts: Iterator[str], tokenizer: Any) -> Iterator[torch.Tensor]:
    """Rows of LENGTH tokens cut from the running text, BATCH at a time."""
    size, tokens = BATCH * LENGTH, list[int]()
    while True:
        for row in tokenizer(list(islice(texts, 500)))["input_ids"]:
            tokens += row
        while len(tokens) >= size:
            yield torch.tensor(tokens[:size]).view(BATCH, LENGTH)
            tokens = tokens[size:]


def build_optimizers(model: Any) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside, AdamW for embeddings and norms."""
    inside = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if not (p.ndim == 2 and "embed" not in name)]
    return [
        torch.optim.Muon(inside, lr=0.02, weight_decay=0.1, momentum=0.95),
        torch.optim.AdamW(others, lr=4e-3, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def rate(step: int, steps: int) -> float:
    """Share of the full learning rate: a short rise, level to the middle, then a straight fall."""
    fall = 1.0 if step < steps / 2 else max(0.02, 2 * (1 - step / steps))
    return min(1.0, (step + 1) / WARMUP_STEPS) * fall


def train(model: Any, tokenizer: Any, texts: Iterator[str], steps: int) -> None:
    """Next-token prediction on the running text."""
    optimizers = build_optimizers(model)
    full = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    started = time.process_time()
    model.train()
    for step, rows in enumerate(islice(batches(texts, tokenizer), steps)):
        for optimizer, rates in zip(optimizers, full, strict=True):
            for group, value in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = value * rate(step, steps)
        loss = model(input_ids=rows, labels=rows).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if (step + 1) % 50 == 0:
            spent = time.process_time() - started
            print(f"step {step + 1} of {steps}: loss {loss.item():.3f}, {spent:.0f} CPU s", flush=True)


def pretrain(out: Path, *, seed: int = SEED, steps: int = STEPS) -> None:
    """Build tokenizer and model from nothing and save them into `out`."""
    torch.manual_seed(seed)
    texts = documents(1000 + seed)
    tokenizer = build_tokenizer(list(islice(texts, 20_000)))
    model = build_model(len(tokenizer))
    train(model, tokenizer, texts, steps)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.to(torch.float16).save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build the quickstart's base model.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    pretrain(options.out, seed=options.seed, steps=options.steps)
