"""Rephrased benchmark items hidden among realistic decoys to the recall of every leakage search we have.

    python benchmarks/leakage.py DATA_FOLDER [--out FILE]

GSM8K test questions rephrased by a language model (leaks) stand among all GSM8K training questions (decoys: the same
kind of text, no leaks); each search scores every row by its best match with the 1,319 original test questions. Recall
is given at an item-level false-positive rate: the share of decoys that score as high. A pair-level rate would divide
by 1,319 times as many comparisons and flatter every method.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tunegate.core.formats import load_examples
from tunegate.curate.field_overlap import jaccard, text_shingles
from tunegate.curate.folding import fold
from tunegate.curate.leaks.similarity import similarity

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


def main() -> None:
    """Score, print, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    pairs = load_examples(
        options.data / "instruct/rephrased_benchmarks/gsm8k_test.jsonl.gz",
        kind="completion",
        columns={"input": "rephrased", "target": "original"},
    )
    decoys = load_examples(options.data / "instruct/gsm8k/train.jsonl.gz").inputs
    texts, questions = [*pairs.inputs, *decoys], pairs.targets
    searches: dict[str, Callable[[], Array]] = {
        "13-word runs": lambda: containment(texts, questions, 13),
        "8-word runs": lambda: containment(texts, questions, 8),
        "character 5-gram Jaccard": lambda: character_jaccard(texts, questions),
        "similarity": lambda: similarity(texts, questions, with_numbers=False).max(axis=1),
        "similarity with numbers": lambda: similarity(texts, questions, with_numbers=True).max(axis=1),
    }
    results = {}
    for name, search in searches.items():
        start = time.process_time()
        scores = search()
        leaks, others = scores[: len(questions)], scores[len(questions) :]
        cuts = {rate: float(np.sort(others)[::-1][int(rate * len(others))]) for rate in RATES}
        results[name] = {
            **{f"recall_at_item_fpr_{rate:g}": float((leaks > cut).mean()) for rate, cut in cuts.items()},
            **{f"threshold_at_item_fpr_{rate:g}": cut for rate, cut in cuts.items()},
            "cpu_s": time.process_time() - start,
        }
        print(name, {figure: round(value, 4) for figure, value in results[name].items()}, flush=True)
    if options.out:
        options.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
