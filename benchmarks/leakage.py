"""Rephrased benchmark items hidden among realistic decoys to the recall of every leakage search we have.

    python benchmarks/leakage.py DATA_FOLDER [--out FILE]

Test questions rephrased by a language model (leaks) stand among other questions of the same kind (decoys, no leaks):
for GSM8K all its training questions. Each search scores every row by its best match with the original test questions.
Recall is given at an item-level false-positive rate: the share of decoys that score as high. A pair-level rate would
divide by as many times more comparisons as there are questions, and flatter every method.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tunegate.core.formats import load_examples
from tunegate.core.store import write_json
from tunegate.curate.folding import fold
from tunegate.curate.leaks.similarity import similarity
from tunegate.curate.overlap import jaccard, text_shingles

Array = np.ndarray[Any, Any]
RATES = (0.001, 0.01)


def containment(texts: Sequence[str], questions: Sequence[str], run: int) -> Array:
    """(n,) largest share of any question's word runs that the text holds."""
    holders: dict[str, set[int]] = {}
    sets = [word_runs(question, run) for question in questions]
    for at, shingles in enumerate(sets):
        for shingle in shingles:
            holders.setdefault(shingle, set()).add(at)
    best = np.zeros(len(texts))
    for row, text in enumerate(texts):
        own = word_runs(text, run)
        near = {at for shingle in own for at in holders.get(shingle, ())}
        best[row] = max((len(own & sets[at]) / len(sets[at]) for at in near), default=0.0)
    return best


def word_runs(text: str, run: int) -> frozenset[str]:
    """Runs of folded words; a shorter text is itself its only run."""
    words = fold(text).split()
    return frozenset(" ".join(words[at : at + run]) for at in range(max(1, len(words) - run + 1)))


def character_jaccard(texts: Sequence[str], questions: Sequence[str]) -> Array:
    """(n,) largest Jaccard similarity of character 5-grams with any question."""
    sets = [text_shingles(question, "char:5") for question in questions]
    holders: dict[str, list[int]] = {}
    for at, shingles in enumerate(sets):
        for shingle in shingles:
            holders.setdefault(shingle, []).append(at)
    best = np.zeros(len(texts))
    for row, text in enumerate(texts):
        own = text_shingles(text, "char:5")
        shared = np.bincount([at for shingle in own for at in holders.get(shingle, ())], minlength=len(sets))
        best[row] = max(jaccard(own, sets[int(at)]) for at in np.argsort(-shared)[:20])
    return best


def rephrased_sets(folder: Path) -> dict[str, tuple[list[str], list[str], list[str]]]:
    """Name → (rephrased, originals, decoys), row by row. Decoys are other questions of the same kind.

    For MMLU they are its validation and development questions, without the subjects in history, whose questions share
    long passages on both sides; for HumanEval, of which nothing else is at hand, half
    of the problems, rephrased, serve as decoys for the other half: too few for a rate of one in a thousand.
    """
    files = folder / "instruct/rephrased_benchmarks"
    gsm8k = pairs_of(files / "gsm8k_test.jsonl.gz", "rephrased")
    found = {"gsm8k": (*gsm8k, load_examples(folder / "instruct/gsm8k/train.jsonl.gz").inputs)}
    mmlu = [row for row in read(files / "mmlu.jsonl.gz") if "history" not in row["subject"]]
    splits = [
        file for split in ("validation", "dev") for file in sorted((folder / f"benchmarks/mmlu/{split}").iterdir())
    ]
    others = [row["question"] for file in splits if "history" not in file.name for row in read(file)]
    originals = [row["original"] for row in mmlu]
    found["mmlu"] = ([row["rephrased"] for row in mmlu], originals, sorted(set(others) - set(originals)))
    for language in ("python", "js", "c"):
        rephrased, originals = pairs_of(files / "humaneval.jsonl.gz", f"rephrased_{language}")
        half = len(originals) // 2
        found[f"humaneval {language}"] = (rephrased[:half], originals[:half], rephrased[half:])
    return found


def pairs_of(file: Path, column: str) -> tuple[list[str], list[str]]:
    """The rephrased and the original texts of a file."""
    pairs = load_examples(file, kind="completion", columns={"input": column, "target": "original"})
    return pairs.inputs, pairs.targets


def read(file: Path) -> list[Any]:
    """The objects of a packed JSON-lines file."""
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]


def figures(scores: Array, leaks: int) -> dict[str, float]:
    """Recall of the first rows at rates of false positives among the others, and the threshold that gives each."""
    others = np.sort(scores[leaks:])[::-1]
    found: dict[str, float] = {"decoys": len(others)}
    for rate in RATES:
        cut = float(others[int(rate * len(others))])
        found[f"recall_at_item_fpr_{rate:g}"] = float((scores[:leaks] > cut).mean())
        found[f"threshold_at_item_fpr_{rate:g}"] = cut
    return found


def main() -> None:
    """Score, print, and write the JSON; what it holds is not measured again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results: dict[str, Any] = json.loads(options.out.read_text()) if options.out and options.out.exists() else {}
    for name, (rephrased, questions, decoys) in rephrased_sets(options.data).items():
        texts = [*rephrased, *decoys]
        searches: dict[str, Callable[[], Array]] = {
            "13-word runs": partial(containment, texts, questions, 13),
            "8-word runs": partial(containment, texts, questions, 8),
            "character 5-gram Jaccard": partial(character_jaccard, texts, questions),
            "similarity": lambda t=texts, q=questions: similarity(t, q, with_numbers=False).max(axis=1),
            "similarity with numbers": lambda t=texts, q=questions: similarity(t, q, with_numbers=True).max(axis=1),
        }
        for method, search in searches.items():
            if f"{name}: {method}" in results:
                continue
            start = time.process_time()
            scores = search()
            seconds = time.process_time() - start
            results[f"{name}: {method}"] = figures(scores, len(rephrased)) | {"cpu_s": seconds}
            print(name, method, json.dumps(results[f"{name}: {method}"]), flush=True)
            if options.out:
                write_json(options.out, results)


if __name__ == "__main__":
    main()
