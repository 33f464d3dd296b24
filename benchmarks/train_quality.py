"""Test accuracy of a pretrained encoder with a new head on all of banking77, tuned end to end and frozen.

    python benchmarks/train_quality.py --model FOLDER --data BANKING77_FOLDER --seeds 0 1 2

The encoder is any folder that transformers can load, such as the MiniLM-L6 sentence encoder. Results are merged into
benchmarks/results/train_quality.json by (variant, intents, seed), so that seeds can be measured one at a time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from tunegate.core.models import load_classifier, load_tokenizer
from tunegate.core.prompts import PromptConfig
from tunegate.train import TrainConfig, train_model

RESULTS = Path(__file__).parent / "results" / "train_quality.json"
VARIANTS: dict[str, dict[str, Any]] = {
    "tuned": {"learning_rate": 1e-4, "head_learning_rate": 2e-3, "epochs": 5},
    "frozen": {"freeze": "encoder", "head_learning_rate": 1e-2, "epochs": 5},
}
"""Usual values, fixed before the first test score was seen; nothing was searched on the test rows."""


def read_rows(folder: Path, part: str) -> list[dict[str, str]]:
    """The rows of `train` or `test`, as text and label."""
    (path,) = folder.glob(f"{part}.jsonl*")
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in content.splitlines()]


@torch.no_grad()
def accuracy(folder: Path, rows: list[dict[str, str]], text: str, label: str) -> float:
    """Share of rows that the saved model, loaded afresh, labels right."""
    network, tokenizer = load_classifier(folder), load_tokenizer(folder)
    right = 0
    for start in range(0, len(rows), 64):
        part = sorted(rows[start : start + 64], key=lambda row: len(row[text]))
        inputs = tokenizer([row[text] for row in part], padding=True, truncation=True, return_tensors="pt")
        guesses = network(**inputs).logits.argmax(-1).tolist()
        named = [network.config.id2label[guess] for guess in guesses]
        right += sum(name == str(row[label]) for name, row in zip(named, part, strict=True))
    return right / len(rows)


def measure(variant: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train once and test once."""
    train, test = (read_rows(arguments.data, part) for part in ("train", "test"))
    intents = sorted({row["label"] for row in train})[: arguments.intents]
    train, test = ([row for row in rows if row["label"] in intents] for rows in (train, test))
    label = "label"
    settings = {**VARIANTS[variant], **json.loads(arguments.settings)}
    config = TrainConfig(monitor={"validation_share": arguments.validation}, **settings)
    cpu = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        rows = [{"text": row["text"], "label": str(row[label])} for row in train]
        tuned = train_model(
            rows, model=str(arguments.model), config=config, out=Path(scratch) / "m", prompts=PromptConfig(), seed=seed
        )
        spent = time.process_time() - cpu
        score = accuracy(tuned.path, test, "text", label) if not arguments.no_test else None
    return {
        "variant": variant,
        "seed": seed,
        "intents": len(intents),
        "settings": settings,
        "train_rows": tuned.notes["audit"]["trained_rows"],
        "test_rows": len(test),
        "test_accuracy": score,
        "validation_accuracy": tuned.notes["evaluations"][-1].get("accuracy"),
        "cpu_seconds": round(spent, 1),
        "torch": torch.__version__,
    }


def record(found: dict[str, Any]) -> None:
    """Merge one result into the file."""
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else []
    key = ("variant", "intents", "seed")
    results = [old for old in results if [old[name] for name in key] != [found[name] for name in key]]
    results = sorted([*results, found], key=lambda one: (one["intents"], one["variant"], one["seed"]))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    for variant in VARIANTS:
        wanted = (variant, found["intents"])
        scores = [one["test_accuracy"] for one in results if (one["variant"], one["intents"]) == wanted]
        if scores:
            spread = f" ± {statistics.stdev(scores):.4f} (standard deviation)" if len(scores) > 1 else ""
            print(f"{variant}: {statistics.mean(scores):.4f}{spread} over {len(scores)} seeds")


def main() -> None:
    """Measure every asked variant and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--intents", type=int, default=77, help="the first so many intents by name")
    parser.add_argument("--settings", default="{}", help="JSON over a variant's settings")
    parser.add_argument("--validation", type=float, default=0.0, help="share held out of the training rows")
    parser.add_argument("--no-test", action="store_true", help="choose settings: print, leave the test rows alone")
    arguments = parser.parse_args()
    for variant in arguments.variants:
        for seed in arguments.seeds:
            found = measure(variant, seed, arguments)
            print(json.dumps(found), flush=True)
            if not arguments.no_test:
                record(found)


if __name__ == "__main__":
    main()
