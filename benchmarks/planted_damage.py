"""Real A/A runs and planted damage on two small models, to benchmarks/results/planted_damage.json.

The quickstart's base is measured on its nine abilities, and stories260K (if given) on bits per byte of short stories.
A/A: the base against itself under other batches, without shared passes, in bfloat16. Damage: normal noise on every
weight matrix, sized by its standard deviation. A gate is worth something if the first never fails and the second does.

Run: python benchmarks/planted_damage.py [--stories MODEL --text STORIES.jsonl.gz] (about ten minutes on one core).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from tunegate.core.prompts import PromptConfig
from tunegate.core.results import Comparison, Scores
from tunegate.evaluate import EvaluateConfig, GateConfig, compare_scores, evaluate_model, judge
from tunegate.evaluate.noise import CHANGES

HERE = Path(__file__).resolve().parent
QUICKSTART = HERE.parent / "examples" / "quickstart"
NOISE = (0.0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 0.32)
"""Standard deviation of the noise, in those of the weights."""
SEEDS = (0, 1)
STORIES = 200


def damaged(model: str, folder: Path, noise: float, seed: int) -> str:
    """A copy of a model with noise on every weight matrix."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in loaded.parameters():
            if weight.ndim == 2:
                weight += noise * weight.std() * torch.randn(weight.shape, generator=generator)
    out = folder / f"noise-{noise}-{seed}"
    loaded.save_pretrained(out)
    AutoTokenizer.from_pretrained(model).save_pretrained(out)
    return str(out)


def story_config(text: Path, folder: Path) -> EvaluateConfig:
    """Bits per byte of the first stories of a file."""
    with gzip.open(text, "rt", encoding="utf-8") as stream:
        lines = [line for line, _ in zip(stream, range(STORIES), strict=False)]
    (folder / "stories.jsonl").write_text("".join(lines))
    definition = {
        "task": "stories",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / "stories.jsonl")}},
        "test_split": "test",
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "{{text}}",
        "metric_list": [{"metric": "bits_per_byte"}],
        "metadata": {"version": 1},
    }
    entry = {"task": "stories", "definition": definition, "ability": "language"}
    return EvaluateConfig.model_validate({"benchmarks": [entry], "limit": STORIES})


def summarise(comparison: Comparison) -> dict[str, Any]:
    """Outcome, the mean's change, and every check in short."""
    verdict = judge(comparison, GateConfig())
    checks = [
        {"name": c.name, "state": c.state, "delta": c.delta, "low": c.low, "lost": c.lost, "gained": c.gained}
        for c in verdict.checks
    ]
    return {"outcome": verdict.outcome, "checks": checks, "flips": sum(t.lost + t.gained for t in comparison.tasks)}


def run(model: str, config: EvaluateConfig, folder: Path) -> dict[str, Any]:
    """A/A and planted damage of one model."""

    def measure(weights: str, **change: Any) -> Scores:
        settings = config.model_copy(update=change)
        return evaluate_model(weights, task=None, config=settings, prompts=PromptConfig())

    base = measure(model)
    items = {task.info.name: [task.n, round(task.base, 4)] for task in compare_scores(base, base).tasks}
    result: dict[str, Any] = {"items_and_scores": items, "same": {}, "damage": []}
    changes = {"one batch size": {"batch_tokens": 16384}, **CHANGES}
    for name, change in changes.items():
        result["same"][name] = summarise(compare_scores(base, measure(model, **change)))
        print("same", name, result["same"][name]["outcome"], result["same"][name]["flips"], flush=True)
    for noise in NOISE:
        for seed in SEEDS:
            tuned = measure(damaged(model, folder, noise, seed))
            row = {"noise": noise, "seed": seed, **summarise(compare_scores(base, tuned))}
            result["damage"].append(row)
            failed = [check["name"] for check in row["checks"] if check["state"] == "fail"]
            print("noise", noise, seed, row["outcome"], row["flips"], failed, flush=True)
    return result


def main() -> None:
    """Run both models and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", help="folder of stories260K")
    parser.add_argument("--text", type=Path, help="stories, one JSON object with `text` a line, gzipped")
    options = parser.parse_args()
    started = time.process_time()
    abilities = [str(file) for file in sorted((QUICKSTART / "benchmarks").glob("*.yaml"))]
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        config = EvaluateConfig.model_validate({"benchmarks": abilities, "limit": 300})
        results["quickstart base, nine abilities"] = run(str(QUICKSTART / "base"), config, folder / "quickstart")
        if options.stories and options.text:
            results["stories260K, bits per byte"] = run(
                options.stories, story_config(options.text, folder), folder / "stories"
            )
    results["cpu_seconds"] = round(time.process_time() - started, 1)
    (HERE / "results" / "planted_damage.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
