"""Memory that runs out makes the scorer's batches smaller and changes no answer, pretended on a CPU, real on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tunegate.core import console
from tunegate.core.errors import ModelError
from tunegate.core.models import load_tokenizer
from tunegate.evaluate.scoring import forward, past
from tunegate.evaluate.scoring.packing import Row
from tunegate.evaluate.scoring.request import Request
from tunegate.evaluate.scoring.scorer import CausalScorer

WORDS = [
    "the",
    "cat",
    "dog",
    "sat",
    "on",
    "a",
    "mat",
    "and",
    "saw",
    "red",
    "birds",
    "in",
    "one",
    "two",
    "tall",
    "trees",
]
OPTIONS = '{"do_sample": false, "max_gen_toks": 9, "until": ["\\n"]}'


def build(quickstart_base: Path, *, width: int = 32, dtype: str = "float32", device: str = "cpu") -> tuple[Any, Any]:
    """A random Llama with the quickstart's tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = load_tokenizer(quickstart_base)
    torch.manual_seed(3)
    config = LlamaConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        initializer_range=0.1,
    )
    return LlamaForCausalLM(config).eval().to(device, getattr(torch, dtype)), tokenizer


def questions(kind: str, count: int) -> list[Request]:
    """Choices behind contexts of their own, choices behind one header, plain sentences, or prompts to write behind."""
    random = Random(0)

    def text(words: int) -> str:
        return " ".join(random.choices(WORDS, k=words))

    if kind == "written":
        return [Request(kind="generate", prompt=text(random.randint(5, 25)), options=OPTIONS) for _ in range(count)]
    if kind == "plain":
        return [Request(kind="loglikelihood", prompt="", continuation=text(20)) for _ in range(count)]
    header = f"{text(40)}\n" if kind == "headed" else ""
    contexts = [f"{header}{text(random.randint(20, 30))}:" for _ in range(count)]
    choices = [f" {text(3)}" for _ in range(4)]
    return [Request(kind="loglikelihood", prompt=a, continuation=b, group=kind) for a in contexts for b in choices]


def answers(scorer: CausalScorer, requests: Sequence[Request]) -> list[Any]:
    """In order, each once."""
    found = [pair for batch in scorer.answer(requests) for pair in batch]
    assert sorted(n for n, _ in found) == list(range(len(requests)))
    return [answer for _, answer in sorted(found, key=lambda pair: pair[0])]


def assert_same(found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Texts are equal, log-likelihoods up to rounding."""
    if isinstance(expected[0], str):
        assert list(found) == list(expected)
    else:
        assert max(abs(a[0] - b[0]) for a, b in zip(found, expected, strict=True)) < 1e-3


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how many tokens fit into a forward pass of the scorer."""
    import torch

    def limit(tokens: int) -> None:
        run, write = forward.Forward._run, past.Past._run

        def checked_run(self: Any, batch: Sequence[Row], options: dict[str, Any]) -> Any:
            if len(batch) * max(map(len, batch)) > tokens:
                raise torch.OutOfMemoryError("no room")
            return run(self, batch, options)

        def checked_write(self: Any, ids: list[list[int]], window: Any) -> Any:
            if len(ids) * (self.end - window.first) > tokens:
                raise torch.OutOfMemoryError("no room")
            return write(self, ids, window)

        monkeypatch.setattr(forward.Forward, "_run", checked_run)
        monkeypatch.setattr(past.Past, "_run", checked_write)

    return limit


@pytest.mark.parametrize("kind", ["packed", "headed", "plain", "written"])
def test_answers_are_those_of_a_machine_with_room(
    kind: str, quickstart_base: Path, room: Callable[[int], None]
) -> None:
    """Halved batches give each request its answer once, and the same one."""
    model, tokenizer = build(quickstart_base)
    requests = questions(kind, 30)
    expected = answers(CausalScorer(model, tokenizer), requests)
    room(400)
    scorer = CausalScorer(model, tokenizer)

    assert_same(answers(scorer, requests), expected)
    assert scorer.share_context
    assert kind == "written" or 200 <= scorer.batch_tokens <= 400


@pytest.mark.parametrize(
    ("kind", "told"),
    [("plain", r"one row of \d+ tokens.*evaluate\.max_length"), ("written", r"one prompt of \d+ tokens")],
)
def test_one_row_without_room_is_told(kind: str, told: str, quickstart_base: Path, room: Callable[[int], None]) -> None:
    """What cannot be made smaller names its tokens and what to set."""
    model, tokenizer = build(quickstart_base)
    room(4)

    with pytest.raises(ModelError, match=told):
        answers(CausalScorer(model, tokenizer), questions(kind, 5))


@contextmanager
def short_memory(more: int) -> Iterator[None]:
    """A GPU on which this process may take only so many more bytes."""
    import torch

    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    whole = torch.cuda.mem_get_info()[1]
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + more) / whole)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["packed", "headed", "plain", "written"])
def test_memory_of_a_gpu_that_runs_out_changes_no_answer(
    kind: str, quickstart_base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a real error of CUDA in the midst of the work."""
    monkeypatch.setattr(console, "_enabled", True)
    model, tokenizer = build(quickstart_base, width=1024, device="cuda")
    requests = questions(kind, 400)
    expected = answers(CausalScorer(model, tokenizer, batch_tokens=1 << 14), requests)
    with short_memory(120 << 20):
        found = answers(CausalScorer(model, tokenizer, batch_tokens=1 << 14), requests)

    assert_same(found, expected)
    assert "out of memory" in capsys.readouterr().err


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["packed", "headed", "plain"])
def test_bfloat16_is_no_worse_than_lm_evals(kind: str, quickstart_base: Path) -> None:
    """On average our bfloat16 is no farther from float32 than that of lm-eval's adapter on the same weights."""
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model, tokenizer = build(quickstart_base, width=256, dtype="bfloat16", device="cuda")
    requests = questions(kind, 100)
    scorer = CausalScorer(model, tokenizer)
    ours = answers(scorer, requests)
    arguments = [(one.prompt, one.continuation) for one in requests]
    instances = [Instance("loglikelihood", {}, one, n, metadata=("t", n, 1)) for n, one in enumerate(arguments)]
    theirs = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=16).loglikelihood(instances, disable_tqdm=True)
    exact = answers(CausalScorer(model.to(torch.float32), tokenizer), requests)
    errors = [sum(abs(a[0] - b[0]) for a, b in zip(side, exact, strict=True)) / len(exact) for side in (ours, theirs)]

    assert scorer.warnings == []
    assert errors[0] <= 1.1 * errors[1]
    assert errors[0] < 0.3
