"""Which shingle and threshold suit short labelled examples: what is found of planted edits, and what is merged wrongly.

    python benchmarks/dedup_quality.py --data ../shared/data

Real rows get copies with one to four words changed, one word dropped, or two words swapped. *Found* is the share of
copies that an exact search pairs with their source. *Across labels* is the share of the data's own rows, before
anything is planted, that have a near-duplicate of another label: mostly different requests that look alike, the price
of a loose setting. For instruction data, agreement with the removal that its own author published (F1 over removed
rows) is given.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from tunegate.curate.config import DedupConfig
from tunegate.curate.duplicates.near_duplicates import find_near_duplicates, star_clusters

HERE = Path(__file__).parent
SETTINGS = [
    (shingle, threshold)
    for shingle, thresholds in (
        ("word:1", (0.8, 0.9)),
        ("word:2", (0.6, 0.7, 0.8)),
        ("word:3", (0.7, 0.8)),
        ("word:5", (0.8,)),
        ("char:5", (0.7, 0.8)),
    )
    for threshold in thresholds
]
LABELLED = {
    "banking77": ("labelled/banking77/train.jsonl.gz", "text"),
    "clinc150": ("labelled/clinc150/train.jsonl.gz", "text"),
    "snips": ("labelled/snips/train.jsonl.gz", "text"),
    "sms_spam": ("labelled/sms_spam/all.jsonl.gz", "text"),
}
TOOLFORMER = "instruct/gpteacher_toolformer/train.jsonl.gz"
EDITS = ("1 word", "2 words", "3 words", "4 words", "dropped", "swapped")
SAMPLE = 1500
"""Rows of each set that get one copy per kind of edit."""
SHORTEST = 6
"""Words that a row needs to be edited."""


def main() -> None:
    """Measure every setting on every set; print and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data", help="shared datasets")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "dedup_quality.json")
    args = parser.parse_args()
    labelled = {name: read(args.data / file, field) for name, (file, field) in LABELLED.items()}
    tools = [json.loads(line) for line in gzip.decompress((args.data / TOOLFORMER).read_bytes()).splitlines()]
    results = []
    for shingle, threshold in SETTINGS:
        config = DedupConfig(shingle=shingle, threshold=threshold, exact=True)
        sets = {
            name: {**found(texts, config), **merged(texts, labels, config)}
            for name, (texts, labels) in labelled.items()
        }
        results.append(
            {"shingle": shingle, "threshold": threshold, "sets": sets, "toolformer_f1": agreement(tools, config)}
        )
        show(results[-1])
    args.out.write_text(json.dumps({"sample": SAMPLE, "settings": results}, indent=2) + "\n", encoding="utf-8")


def read(path: Path, field: str) -> tuple[list[str], list[str]]:
    """Texts and labels."""
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    return [row[field] for row in rows], [str(row["label"]) for row in rows]


def edited(text: str, how: str, words: list[str], draw: random.Random) -> str:
    """A copy of a text with one edit."""
    parts = text.split()
    at = draw.randrange(len(parts) - 1)
    if how == "dropped":
        del parts[at]
    elif how == "swapped":
        parts[at], parts[at + 1] = parts[at + 1], parts[at]
    else:
        for place in draw.sample(range(len(parts)), int(how[0])):
            parts[place] = draw.choice(words)
    return " ".join(parts)


def found(texts: list[str], config: DedupConfig) -> dict[str, dict[str, float]]:
    """Share of the copies of each kind that are paired with their source or have its folded text."""
    draw = random.Random(7)
    words = sorted({word for text in texts for word in text.split()})
    sources = draw.sample([text for text in texts if len(text.split()) >= SHORTEST], SAMPLE)
    copies = [[edited(text, how, words, draw) for text in sources] for how in EDITS]
    near = find_near_duplicates(sources + [copy for kind in copies for copy in kind], config=config)
    texts_of = near.representative
    pairs = {tuple(pair) for pair in near.pairs.tolist()}
    shares = {}
    for kind, how in enumerate(EDITS):
        first = texts_of[:SAMPLE], texts_of[(kind + 1) * SAMPLE : (kind + 2) * SAMPLE]
        hits = [one == two or (min(one, two), max(one, two)) in pairs for one, two in zip(*first, strict=True)]
        shares[how] = round(float(np.mean(hits)), 4)
    return {"found": shares}


def merged(texts: list[str], labels: list[str], config: DedupConfig) -> dict[str, float]:
    """Share of rows with a near-duplicate of another label, and of rows that star clusters within labels remove."""
    _, codes = np.unique(labels, return_inverse=True)
    pairs = find_near_duplicates(texts, config=config).pairs
    across = np.unique(pairs[codes[pairs[:, 0]] != codes[pairs[:, 1]]])
    within = find_near_duplicates(texts, config=config, groups=codes)
    survivor, _ = star_clusters(within, np.arange(len(texts)))
    removed = np.mean(survivor != np.arange(len(texts)))
    return {"across_labels": round(len(across) / len(texts), 4), "removed_within_labels": round(float(removed), 4)}


def agreement(rows: list[dict[str, Any]], config: DedupConfig) -> dict[str, float]:
    """F1 over removed rows against the author's removal at each of his levels; his first copies stay."""
    near = find_near_duplicates([f"{row['instruction']} {row['input']} {row['output']}" for row in rows], config=config)
    survivor, _ = star_clusters(near, np.arange(len(rows)))
    ours = survivor != np.arange(len(rows))
    scores = {}
    for level in ("0_9", "0_8", "0_7", "0_6"):
        theirs = np.array([not row[f"kept_at_{level}"] for row in rows])
        scores[level] = round(2 * int((ours & theirs).sum()) / max(int(ours.sum() + theirs.sum()), 1), 4)
    return {"removed": round(float(ours.mean()), 4), **scores}


def show(result: dict[str, Any]) -> None:
    """One line: mean shares over the sets."""
    sets = result["sets"].values()
    shares = " ".join(f"{how} {np.mean([one['found'][how] for one in sets]):.3f}" for how in EDITS)
    across = np.mean([one["across_labels"] for one in sets])
    print(
        f"{result['shingle']} @ {result['threshold']}: {shares} across {across:.4f} author {result['toolformer_f1']}",
        flush=True,
    )


if __name__ == "__main__":
    main()
