"""Our scorer gives lm-eval's numbers on every kind of causal model, or says that it scored choice by choice."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tunegate.core.models import load_tokenizer
from tunegate.evaluate.scoring.forward import Forward
from tunegate.evaluate.scoring.generation import TOO_LONG
from tunegate.evaluate.scoring.request import Request
from tunegate.evaluate.scoring.scorer import CausalScorer

SMALL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 128}
WIDE = {"intermediate_size": 48, "num_key_value_heads": 2}
MODELS = {
    "llama": {**SMALL, **WIDE},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128},
    "qwen2": {**SMALL, **WIDE},
    "qwen3": {**SMALL, **WIDE, "head_dim": 8},
    "gemma2": {**SMALL, **WIDE, "head_dim": 8, "sliding_window": 12, "query_pre_attn_scalar": 8},
    "gemma3_text": {**SMALL, **WIDE, "head_dim": 8, "sliding_window": 12, "query_pre_attn_scalar": 8},
    "mistral": {**SMALL, **WIDE, "sliding_window": 12},
    "gpt_neox": {**SMALL, "intermediate_size": 48},
    "opt": {**SMALL, "ffn_dim": 48, "word_embed_proj_dim": 32},
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 4, "seq_length": 128},
    "mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
}
FALLS_BACK = {"bloom", "mamba"}
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
UNSUPPORTED = {("gemma2", "sdpa"), ("mamba", "eager")}
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
    "blue",
    "birds",
    "in",
    "one",
    "two",
    "three",
    "tall",
    "trees",
    "today",
]


def tiny_model(name: str, tokenizer: Any, length: int | None = None, device: str = "cpu") -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(3)
    config = AutoConfig.for_model(
        name,
        **{
            **MODELS[name],
            **({"n_positions" if name == "gpt2" else "max_position_embeddings": length} if length else {}),
        },
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=0,
    )
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3)  # larger weights make attention matter, so that a wrong mask shows
    return model.to(device)


def questions(seed: int = 0) -> list[Request]:
    """Choices after contexts with and without a shared header, empty contexts, one-token choices, too long ones."""
    random = Random(seed)

    def text(n: int) -> str:
        return " ".join(random.choice(WORDS) for _ in range(n))

    header = text(30)
    asked = []
    for _ in range(5):
        context = f"{header}\n{text(8)}:"
        asked += [(context, f" {text(random.randint(1, 5))}", "headed") for _ in range(3)]
        asked += [(context, f" {word}", "headed") for word in ("a", "on")]
    for _ in range(4):
        context = text(random.randint(2, 20)) + " "
        asked += [(context, text(random.randint(1, 6)), "plain") for _ in range(3)]
    asked += [
        ("", text(7), "empty"),
        ("", text(9), "empty"),
        (text(140), " the cat", "long"),
        (text(140), " a", "long"),
    ]
    return [Request(kind="loglikelihood", prompt=a, continuation=b, group=c) for a, b, c in asked]


def ours(scorer: CausalScorer, requests: list[Request]) -> list[Any]:
    answers: dict[int, Any] = {}
    for batch in scorer.answer(requests):
        for number, answer in batch:
            assert number not in answers
            answers[number] = answer
    return [answers[number] for number in range(len(requests))]


def theirs(model: Any, tokenizer: Any, requests: list[Request], kind: str) -> list[Any]:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    reference = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4)
    arguments = {
        "loglikelihood": lambda one: (one.prompt, one.continuation),
        "loglikelihood_rolling": lambda one: (one.prompt,),
        "generate_until": lambda one: (one.prompt, json.loads(one.options)),
    }[kind]
    instances = [Instance(kind, {}, arguments(one), n, metadata=("t", n, 1)) for n, one in enumerate(requests)]
    return list(getattr(reference, kind)(instances, disable_tqdm=True))


CASES = [(name, way) for name in MODELS for way in ("sdpa", "eager") if (name, way) not in UNSUPPORTED]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "attention"), CASES)
def test_log_likelihoods_are_those_of_lm_eval(name: str, attention: str, quickstart_base: Path, device: str) -> None:
    """Packed rows, headers, sliding windows, one-token choices and left truncation change no number beyond rounding."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model(name, tokenizer, device=device)
    if name != "mamba":
        model.set_attn_implementation(attention)
    scorer = CausalScorer(model, tokenizer, batch_tokens=256)
    requests = questions()

    found, expected = ours(scorer, requests), theirs(model, tokenizer, requests, "loglikelihood")

    assert max(abs(a[0] - b[0]) for a, b in zip(found, expected, strict=True)) < 1e-3
    assert [a[1] for a in found] == [b[1] for b in expected]
    assert bool(scorer.warnings) == (name in FALLS_BACK)


@pytest.mark.filterwarnings("ignore")
def test_a_mask_that_is_not_honoured_is_noticed(quickstart_base: Path) -> None:
    """With the sliding window left out of the mask the numbers would be wrong: the self-check sees it."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model("mistral", tokenizer)
    scorer = CausalScorer(model, tokenizer)
    scorer.forward.window = None
    requests = questions()

    found, expected = ours(scorer, requests), theirs(model, tokenizer, requests, "loglikelihood")

    assert max(abs(a[0] - b[0]) for a, b in zip(found, expected, strict=True)) < 1e-3
    assert scorer.warnings == [
        "contexts are not shared on this model: packed rows give other numbers; scored one choice at a time"
    ]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_rolling_log_likelihoods_are_those_of_lm_eval(name: str, quickstart_base: Path, device: str) -> None:
    """A text longer than the model reads is scored in the same windows; an empty text scores 0."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model(name, tokenizer, device=device)
    texts = [one.prompt for one in questions() if one.prompt] + ["the cat", " ".join(WORDS * 12)]
    requests = [Request(kind="rolling", prompt=text) for text in texts]

    found = ours(CausalScorer(model, tokenizer, batch_tokens=256), requests)
    expected = theirs(model, tokenizer, requests, "loglikelihood_rolling")

    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) < 5e-3


PROMPTS = {
    "mixed": sorted({one.prompt for one in questions()} - {""}),
    "headed": sorted({one.prompt for one in questions() if one.group == "headed"}),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("prompts", PROMPTS)
@pytest.mark.parametrize("name", ["llama", "gpt2", "mistral", "gemma3_text", "bloom", "mamba"])
def test_written_texts_are_those_of_lm_eval(name: str, prompts: str, quickstart_base: Path, device: str) -> None:
    """Batching by length, a shared beginning, and rows that end one by one change no text."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model(name, tokenizer, device=device)
    options = '{"do_sample": false, "max_gen_toks": 12, "until": ["cat", "\\n"]}'
    requests = [Request(kind="generate", prompt=prompt, options=options) for prompt in PROMPTS[prompts]]

    assert ours(CausalScorer(model, tokenizer), requests) == theirs(model, tokenizer, requests, "generate_until")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["llama", "gpt2", "opt"])
@pytest.mark.parametrize("prompts", PROMPTS)
def test_rows_that_take_the_place_of_others_write_the_same(
    quickstart_base: Path, name: str, prompts: str, device: str
) -> None:
    """Where few rows fit, prompts wait, join rows in the middle of their texts, and still write lm-eval's texts."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model(name, tokenizer, device=device)
    options = '{"do_sample": false, "max_gen_toks": 20, "until": ["cat", "a"]}'
    requests = [
        Request(kind="generate", prompt=f"{p} {w}", options=options) for p in PROMPTS[prompts] for w in WORDS[:4]
    ]
    scorer = CausalScorer(model, tokenizer, batch_tokens=200)

    assert ours(scorer, requests) == theirs(model, tokenizer, requests, "generate_until")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["llama", "gpt2", "qwen2", "opt", "gpt_neox", "mistral"])
def test_long_contexts_are_read_without_a_mask_of_ours(quickstart_base: Path, name: str, device: str) -> None:
    """Contexts of different lengths and their choices in two passes give lm-eval's numbers, one-token choices too."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model(name, tokenizer, length=700, device=device)
    random = Random(1)
    requests = [
        Request(kind="loglikelihood", prompt=f"{context}:", continuation=choice, group=context)
        for context in (" ".join(random.choices(WORDS, k=n)) for n in (260, 140, 200, 3))
        for choice in (" a", " the cat sat", f" {random.choice(WORDS)} on a mat", " red")
    ]
    scorer = CausalScorer(model, tokenizer)
    found, expected = ours(scorer, requests), theirs(model, tokenizer, requests, "loglikelihood")

    assert scorer.warnings == []
    for (a, greedy), (b, theirs_greedy) in zip(found, expected, strict=True):
        assert a == pytest.approx(b, abs=2e-3)
        assert greedy == theirs_greedy


def test_the_self_check_costs_one_choice(quickstart_base: Path) -> None:
    """Packed answers of the checked context are kept: beside them only its last choice is scored again, plainly."""
    tokenizer = load_tokenizer(quickstart_base)
    scorer = CausalScorer(tiny_model("llama", tokenizer), tokenizer)
    context = " ".join(WORDS * 3)
    requests = [Request(kind="loglikelihood", prompt=context, continuation=f" {a} {b}") for a in WORDS for b in "ab"]
    ours(scorer, requests)
    first, *others = (len(tokenizer(context + one.continuation)["input_ids"]) - 1 for one in requests)
    shared = len(tokenizer(context)["input_ids"])
    branches = {tuple(tokenizer(context + one.continuation)["input_ids"][shared:-1]) for one in requests}

    assert scorer.forward.tokens == shared + sum(map(len, branches)) + others[-1]
    assert first > shared


@pytest.mark.parametrize(("words", "passes"), [(6, 1), (150, 2)])
def test_the_self_check_is_one_pass_and_only_once(quickstart_base: Path, words: int, passes: int) -> None:
    """The checked context is scored in the first batch; later questions cost no check, unless they are wider."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model("llama", tokenizer, length=700)
    seen: list[int] = []
    model.register_forward_pre_hook(lambda *_: seen.append(1))
    scorer = CausalScorer(model, tokenizer, batch_tokens=1 << 14)

    def count(words: int) -> int:
        contexts = [" ".join(["birds"] * words) + f" {other}" for other in WORDS]
        choices = (" a cat", " the red mat", " one")
        asked = [Request(kind="loglikelihood", prompt=a, continuation=b, group=a) for a in contexts for b in choices]
        ours(scorer, asked)
        counted, seen[:] = len(seen), []
        return counted

    assert [count(words), count(words), count(words + 3)] == [passes + 1, passes, passes + 1]
    assert scorer.warnings == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["llama", "mistral"])
def test_a_context_longer_than_a_batch_is_still_read_once(name: str, quickstart_base: Path) -> None:
    """Beside the self-check it is computed once for all of its choices, and the numbers are lm-eval's."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model(name, tokenizer)
    context = " ".join(WORDS * 3)
    requests = [Request(kind="loglikelihood", prompt=context, continuation=f" {a} cat sat") for a in WORDS[:4]]
    read = len(tokenizer(context)["input_ids"])
    scorer = CausalScorer(model, tokenizer, batch_tokens=read - 1)

    found, expected = ours(scorer, requests), theirs(model, tokenizer, requests, "loglikelihood")

    assert max(abs(a[0] - b[0]) for a, b in zip(found, expected, strict=True)) < 1e-3
    assert 2 * read < scorer.forward.tokens < 2.5 * read


@pytest.mark.filterwarnings("ignore")
def test_a_models_own_generation_settings_are_kept(quickstart_base: Path) -> None:
    """A repetition penalty in the model's generation config changes greedy texts, ours as lm-eval's."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model("llama", tokenizer)
    options = '{"do_sample": false, "max_gen_toks": 12, "until": ["cat", "\\n"]}'
    requests = [Request(kind="generate", prompt=prompt, options=options) for prompt in PROMPTS["headed"]]
    plain = ours(CausalScorer(model, tokenizer), requests)
    model.generation_config.repetition_penalty = 1.8
    found = ours(CausalScorer(model, tokenizer), requests)

    assert found == theirs(model, tokenizer, requests, "generate_until") != plain


@pytest.mark.filterwarnings("ignore")
def test_answers_longer_than_the_model_leave_room_for_the_question(quickstart_base: Path) -> None:
    """Half of what it reads, and the user is told; every question cut to one token got the same answer."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model("llama", tokenizer, length=40)
    options = '{"do_sample": false, "max_gen_toks": 40}'
    requests = [Request(kind="generate", prompt=f"{word} cat sat", options=options) for word in WORDS[:6]]
    scorer = CausalScorer(model, tokenizer)
    found = ours(scorer, requests)

    assert scorer.warnings == [TOO_LONG.format(wanted=40, length=40, limit=20)]
    assert len(set(found)) > 1
    assert scorer.forward.tokens <= len(requests) * 40


@pytest.mark.filterwarnings("ignore")
def test_sampled_texts_are_the_same_again(quickstart_base: Path) -> None:
    """A model compared with itself shows no loss; other prompts draw otherwise, and torch's own state is left alone."""
    import torch

    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model("llama", tokenizer)
    options = '{"do_sample": true, "temperature": 1.0, "max_gen_toks": 12}'
    requests = [Request(kind="generate", prompt=prompt, options=options) for prompt in ("a cat", "the dog")]
    state = torch.random.get_rng_state()
    first = ours(CausalScorer(model, tokenizer), requests)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(1)

    assert ours(CausalScorer(model, tokenizer), requests) == first
    assert first[0] != first[1]


@pytest.mark.filterwarnings("ignore")
def test_several_texts_behind_one_prompt_are_several_draws(quickstart_base: Path) -> None:
    """Written row by row, where every batch holds the same prompt, they differ too."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model("llama", tokenizer)
    options = '{"do_sample": true, "temperature": 1.0, "max_gen_toks": 12}'
    requests = [Request(kind="generate", prompt="a cat", options=options, draw=draw) for draw in range(4)]
    first = ours(CausalScorer(model, tokenizer, batch_tokens=1), requests)

    assert len(set(first)) == 4
    assert ours(CausalScorer(model, tokenizer, batch_tokens=1), requests) == first


def test_a_shared_beginning_is_computed_once(quickstart_base: Path) -> None:
    """Forty prompts of one header cost its tokens once, and once more for the self-check, in scoring and writing."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model("llama", tokenizer)
    prompts = [f"{PROMPTS['headed'][0]} {word} {other}" for word in WORDS[:8] for other in WORDS[:5]]
    tokens = sum(len(ids) for ids in tokenizer(prompts)["input_ids"])
    options = '{"do_sample": false, "max_gen_toks": 1}'
    for requests in (
        [Request(kind="generate", prompt=prompt, options=options) for prompt in prompts],
        [Request(kind="loglikelihood", prompt=prompt, continuation=" cat", group="one") for prompt in prompts],
    ):
        scorer = CausalScorer(model, tokenizer)
        ours(scorer, requests)
        assert scorer.forward.tokens < tokens / 4


def asked_linear(forward: Forward) -> bool:
    """What the trial says of a model, which only accelerators make."""
    import torch

    states: list[Any] = []
    handle = forward.head.register_forward_pre_hook(lambda _module, inputs: states.append(inputs[0]))
    with torch.inference_mode():
        logits = forward.model(input_ids=torch.arange(8)[None], use_cache=False).logits
        handle.remove()
        return forward._is_linear(states[0], logits)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["llama", "gpt2", "qwen3", "opt"])
def test_logits_made_in_blocks_give_the_same_numbers(
    name: str, quickstart_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on an accelerator: the model only makes states, and the output matrix is applied to a few lines at a time."""
    tokenizer = load_tokenizer(quickstart_base)
    model = tiny_model(name, tokenizer)
    requests = questions()
    expected = ours(CausalScorer(model, tokenizer), requests)
    scorer = CausalScorer(model, tokenizer)
    monkeypatch.setattr(Forward, "in_blocks", True)
    scorer.forward.linear = True
    found = ours(scorer, requests)

    assert asked_linear(scorer.forward)
    assert max(abs(a[0] - b[0]) for a, b in zip(found, expected, strict=True)) < 1e-4
    assert [a[1] for a in found] == [b[1] for b in expected]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gemma2", {"final_logit_softcapping": 30.0}),
        ("cohere", {"logit_scale": 0.5}),
        ("granite", {"logits_scaling": 4}),
    ],
)
def test_a_model_that_does_more_to_its_logits_makes_them_itself(
    name: str, options: dict[str, float], quickstart_base: Path
) -> None:
    """A cap or a scale behind the output matrix would be lost in blocks."""
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = load_tokenizer(quickstart_base)
    shape = {**SMALL, **WIDE, "head_dim": 8, "vocab_size": len(tokenizer), "pad_token_id": 0}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **shape, **options)).eval()

    assert not asked_linear(CausalScorer(model, tokenizer).forward)
