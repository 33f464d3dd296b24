"""Speed and memory of our scorer against lm-eval's own Hugging Face adapter at its best batch size.

Same model, same items, same prompts, one CPU thread (or one GPU): `python -m tunegate.benchmarks.scoring DATA OUT`,
where DATA holds `benchmarks/index.json` and `tokenizers/gpt2`. Weights are random: speed does not depend on them, and
equality is the harder test where nothing is confident. Every measurement runs in a process of its own, so that its
peak memory is its own. Both sides are measured in turn, REPETITIONS times; a row that OUT already holds is not
measured again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

WORKLOADS = {
    "hellaswag 0-shot": ("hellaswag", 0, 40),
    "mmlu 5-shot": ("mmlu_anatomy", 5, 40),
    "blimp": ("blimp_adjunct_island", 0, 100),
    "arc_challenge 25-shot": ("arc_challenge", 25, 12),
    "lambada": ("lambada_openai", 0, 40),
    "gsm8k 2-shot, written": ("gsm8k", 2, 16),
}
"""Name to lm-eval task, solved examples, items."""
BATCH_SIZES = (4, 16)
"""Batch sizes of lm-eval's adapter, of which the fastest counts."""
NEW_TOKENS = 32
REPETITIONS = 2


def build_model(name: str, tokenizer: Any, device: str) -> Any:
    """A small model with random weights; its vocabulary is a real one."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    size = len(tokenizer)
    if name == "llama":
        config = LlamaConfig(
            hidden_size=256,
            intermediate_size=768,
            num_hidden_layers=8,
            num_attention_heads=8,
            num_key_value_heads=4,
            vocab_size=size,
            max_position_embeddings=4096,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
        return LlamaForCausalLM(config).eval().to(device)
    gpt2 = GPT2Config(n_embd=256, n_layer=8, n_head=8, n_positions=4096, vocab_size=size)
    return GPT2LMHeadModel(gpt2).eval().to(device)


def build_workload(data: Path, task: str, shots: int, items: int) -> list[tuple[Any, Any]]:
    """lm-eval's instances with our requests, for a seeded draw of items."""
    from ..evaluate.benchmarks.lmeval import build_requests
    from ..evaluate.benchmarks.scored import open_benchmarks
    from ..evaluate.config import Benchmark, EvaluateConfig

    entry = Benchmark(task=task, num_fewshot=shots, limit=items)
    config = EvaluateConfig(benchmarks=(entry,), mirror=str(data / "benchmarks"))
    (one,) = open_benchmarks(config, seed=0)
    pairs = build_requests(one.parts[0].task, one.parts[0].items)
    for instance, _ in pairs:
        if instance.request_type == "generate_until":
            instance.arguments = (instance.args[0], {**instance.args[1], "max_gen_toks": NEW_TOKENS})
    return [(instance, _with_limit(request)) for instance, request in pairs]


def _with_limit(request: Any) -> Any:
    from dataclasses import replace

    if request.kind != "generate":
        return request
    options = {**json.loads(request.options), "max_gen_toks": NEW_TOKENS}
    return replace(request, options=json.dumps(options, sort_keys=True))


def ask_ours(model: Any, tokenizer: Any, pairs: list[tuple[Any, Any]]) -> list[Any]:
    """Answers of our scorer, in order."""
    from ..evaluate.scoring.scorer import CausalScorer

    scorer = CausalScorer(model, tokenizer)
    answers = {n: answer for batch in scorer.answer([request for _, request in pairs]) for n, answer in batch}
    return [answers[number] for number in range(len(pairs))]


def ask_theirs(model: Any, tokenizer: Any, pairs: list[tuple[Any, Any]], batch_size: int) -> list[Any]:
    """Answers of lm-eval's adapter, in order."""
    from lm_eval.models.huggingface import HFLM

    adapter = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size)
    method = getattr(adapter, pairs[0][0].request_type)
    return list(method([instance for instance, _ in pairs], disable_tqdm=True))


def measure(work: Callable[[], list[Any]], model: Any) -> dict[str, Any]:
    """Run in a forked process: wall and CPU seconds, tokens computed, memory above what was there before, answers."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_measure_here, args=(work, model, sender))
    child.start()
    found: dict[str, Any] = receiver.recv()
    child.join()
    return found


def _measure_here(work: Callable[[], list[Any]], model: Any, sender: Any) -> None:
    import torch

    tokens = 0

    def count(_module: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
        nonlocal tokens
        ids = options.get("input_ids", inputs[0] if inputs else None)
        tokens += 0 if ids is None else ids.numel()

    model.register_forward_pre_hook(count, with_kwargs=True)
    on_gpu = next(model.parameters()).is_cuda
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.monotonic(), time.process_time()
    answers = work()
    if on_gpu:
        torch.cuda.synchronize()
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    memory = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else peak / 1024
    sender.send({"wall_s": wall, "cpu_s": cpu, "tokens": tokens, "memory_mb": memory, "answers": answers})


def compare(
    data: Path, model_name: str, workload: str, device: str, sizes: tuple[int, ...] = BATCH_SIZES
) -> dict[str, Any]:
    """One row of the result: ours, theirs at its best batch size, and how equal the answers are."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(data / "tokenizers" / "gpt2"))
    tokenizer.pad_token = tokenizer.eos_token
    model = build_model(model_name, tokenizer, device)
    pairs = build_workload(data, *WORKLOADS[workload])
    _warm_up(model, tokenizer, pairs)
    ours = measure(lambda: ask_ours(model, tokenizer, pairs), model)
    tried = {size: measure(lambda size=size: ask_theirs(model, tokenizer, pairs, size), model) for size in sizes}
    best = min(tried, key=lambda size: tried[size]["cpu_s" if device == "cpu" else "wall_s"])
    theirs = tried[best]
    seconds = "cpu_s" if device == "cpu" else "wall_s"
    return {
        "model": model_name,
        "workload": workload,
        "requests": len(pairs),
        "ours": _numbers(ours),
        "lm_eval": {**_numbers(theirs), "batch_size": best},
        "times_faster": round(theirs[seconds] / ours[seconds], 2),
        **equality(pairs, ours["answers"], theirs["answers"]),
    }


def _warm_up(model: Any, tokenizer: Any, pairs: list[tuple[Any, Any]]) -> None:
    """Import and run both sides once in this process, so that no measurement pays for imports."""
    ask_ours(model, tokenizer, pairs[:1])
    ask_theirs(model, tokenizer, pairs[:1], 1)


def equality(pairs: list[tuple[Any, Any]], ours: list[Any], theirs: list[Any]) -> dict[str, Any]:
    """Largest difference of a log-likelihood and items whose likeliest choice differs; or written texts that differ."""
    if isinstance(ours[0], str):
        return {"texts_different": sum(a != b for a, b in zip(ours, theirs, strict=True))}
    by_item: dict[int, list[tuple[float, float]]] = {}
    for (instance, _), a, b in zip(pairs, ours, theirs, strict=True):
        by_item.setdefault(instance.doc_id, []).append((a[0], b[0]))
    differing = sum(
        max(range(len(values)), key=lambda n: values[n][0]) != max(range(len(values)), key=lambda n: values[n][1])
        for values in by_item.values()
    )
    return {
        "largest_difference": max(abs(a[0] - b[0]) for a, b in zip(ours, theirs, strict=True)),
        "choices_different": differing,
    }


def _numbers(found: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 2) for name, value in found.items() if name != "answers"}


def main() -> None:
    """Measure every workload on both models and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--models", default="llama,gpt2")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    arguments = parser.parse_args()

    import lm_eval
    import torch
    import transformers

    if arguments.device == "cpu":
        torch.set_num_threads(1)
    about = {
        "device": arguments.device if arguments.device == "cpu" else torch.cuda.get_device_name(),
        "threads": torch.get_num_threads(),
        "versions": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "lm_eval": lm_eval.__version__,
        },
        "model": "8 layers, 256 wide, random weights, GPT-2 vocabulary of 50,257, float32",
    }
    rows = json.loads(arguments.out.read_text())["rows"] if arguments.out.exists() else []
    known = {(row["model"], row["workload"], row["repetition"]): row for row in rows}
    for place in product(range(REPETITIONS), arguments.models.split(","), WORKLOADS):
        repetition, model, workload = place
        if (model, workload, repetition) in known or workload not in arguments.workloads:
            continue
        first = known.get((model, workload, 0))
        sizes = (first["lm_eval"]["batch_size"],) if first else BATCH_SIZES
        row = {"repetition": repetition, **compare(arguments.data, model, workload, arguments.device, sizes)}
        known[model, workload, repetition] = row
        print(json.dumps(row), flush=True)
        rows.append(row)
        arguments.out.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
