"""Speed and memory of our scorer against lm-eval's own Hugging Face adapter at its best batch size.

Same model, same items, same prompts, one CPU thread, or one GPU with `--device cuda`:

    python -m tunegate.benchmarks.scoring DATA OUT

DATA holds `benchmarks/index.json` and `tokenizers/gpt2`. Weights are random: speed does not depend on them, and
equality is the harder test where nothing is confident. On a CPU every row begins in a fresh process, and every
measurement in a fork of that: its peak memory is its own, and nothing that was freed before is used again. Both sides
are warmed up and measured in turn; a row that OUT already holds is not measured again. A model in half precision is
also compared, once and on both sides, with its own weights in float32.
"""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from .scoring_measure import measure
from .scoring_models import ABOUT, build_model, in_float32

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

WORKLOADS = {
    "hellaswag 0-shot": ("hellaswag", 0),
    "mmlu 5-shot": ("mmlu_anatomy", 5),
    "blimp": ("blimp_adjunct_island", 0),
    "arc_challenge 25-shot": ("arc_challenge", 25),
    "lambada": ("lambada_openai", 0),
    "gsm8k 2-shot, written": ("gsm8k", 2),
}
"""Name to lm-eval task and solved examples."""
ITEMS = {"cpu": (40, 40, 100, 12, 40, 16), "cuda": (500, 135, 500, 100, 500, 256)}
"""Items of each workload by device: enough to keep it busy."""
BATCH_SIZES = {"cpu": (4, 16), "cuda": (16, 64, 256)}
"""Batch sizes of lm-eval's adapter, of which the fastest counts; one that does not fit into memory is left out."""
REPETITIONS = {"cpu": 2, "cuda": 3}
MODELS = {"cpu": "llama,gpt2", "cuda": "llama-1b,llama,gpt2"}
WARM_UP = {"cpu": (1, 1), "cuda": (64, 16)}
"""Requests that both sides answer before the clock starts, and lm-eval's batch size for them."""
NEW_TOKENS = 32


@cache
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


@cache
def load_tokenizer(data: Path) -> Any:
    """GPT-2's, with a padding token."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(data / "tokenizers" / "gpt2"))
    tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def compare(data: Path, model_name: str, workload: str, device: str, sizes: tuple[int, ...]) -> dict[str, Any]:
    """One row of the result: ours, theirs at its best batch size, and how equal the answers are."""
    tokenizer = load_tokenizer(data)
    model = build_model(model_name, tokenizer, device)
    items = dict(zip(WORKLOADS, ITEMS[device], strict=True))[workload]
    pairs = build_workload(data, *WORKLOADS[workload], items)
    warm, size = WARM_UP[device]
    ask_ours(model, tokenizer, pairs[:warm])
    ask_theirs(model, tokenizer, pairs[:warm], size)
    ours = measure(lambda: ask_ours(model, tokenizer, pairs), model)
    tried = {size: measure(lambda size=size: ask_theirs(model, tokenizer, pairs, size), model) for size in sizes}
    seconds = "cpu_s" if device == "cpu" else "wall_s"
    best = min(tried, key=lambda size: tried[size][seconds])
    theirs = tried[best]
    return {
        "model": model_name,
        "workload": workload,
        "requests": len(pairs),
        "ours": _numbers(ours),
        "lm_eval": {**_numbers(theirs), "batch_size": best},
        "times_faster": round(theirs[seconds] / ours[seconds], 2),
        **equality(pairs, ours["answers"], theirs["answers"]),
        **(_against_float32(model, tokenizer, pairs, ours["answers"], theirs["answers"]) if len(sizes) > 1 else {}),
    }


def compare_afresh(*arguments: Any) -> dict[str, Any]:
    """The same on a CPU, in a process that did nothing before."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_on_one_thread) as pool:
        return pool.submit(compare, *arguments).result()


def _on_one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _against_float32(
    model: Any, tokenizer: Any, pairs: list[tuple[Any, Any]], ours: list[Any], theirs: list[Any]
) -> dict[str, Any]:
    """How far each side is from what the same weights say in float32, where they are held in another format."""
    exact = in_float32(model)
    if exact is None:
        return {}
    right = ask_ours(exact, tokenizer, pairs)
    return {"ours_to_float32": equality(pairs, ours, right), "lm_eval_to_float32": equality(pairs, theirs, right)}


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
    differences = [abs(a[0] - b[0]) for a, b in zip(ours, theirs, strict=True)]
    return {
        "largest_difference": max(differences),
        "mean_difference": sum(differences) / len(differences),
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
    parser.add_argument("--models")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    arguments = parser.parse_args()

    import lm_eval
    import torch
    import transformers

    device = arguments.device
    if device == "cpu":
        torch.set_num_threads(1)
    else:
        os.environ.pop("TOKENIZERS_PARALLELISM")
    models = (arguments.models or MODELS[device]).split(",")
    about = {
        "device": device if device == "cpu" else torch.cuda.get_device_name(),
        "threads": torch.get_num_threads(),
        "versions": {module.__name__: module.__version__ for module in (torch, transformers, lm_eval)},
        "models": {name: ABOUT[name] for name in models},
    }
    known = json.loads(arguments.out.read_text()) if arguments.out.exists() else {"about": about, "rows": []}
    rows = {(row["model"], row["workload"], row["repetition"]): row for row in known["rows"]}
    for model, repetition, workload in product(models, range(REPETITIONS[device]), WORKLOADS):
        if (model, workload, repetition) in rows or workload not in arguments.workloads:
            continue
        first = rows.get((model, workload, 0))
        sizes = (first["lm_eval"]["batch_size"],) if first else BATCH_SIZES[device]
        compared = (compare_afresh if device == "cpu" else compare)(arguments.data, model, workload, device, sizes)
        row = {"repetition": repetition, **compared}
        rows[model, workload, repetition] = row
        print(json.dumps(row), flush=True)
        arguments.out.write_text(json.dumps({"about": known["about"], "rows": list(rows.values())}, indent=1) + "\n")


if __name__ == "__main__":
    main()
