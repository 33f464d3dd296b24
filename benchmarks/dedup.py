"""Near-duplicate search beside its peers: one command, CPU seconds on one core, precision and recall against the truth.

    python benchmarks/dedup.py --data ../shared/data --peers /path/to/venv/bin/python

The peers' environment needs `pip install datasketch rensa text-dedup pyarrow`; without `--peers` only our own rows are
measured. Tools run in turn, round after round, each in a process of its own on the same core; the fastest round of each
counts, so that all follow one rule on a busy machine. The truth is the exact join, itself checked against comparing
every pair in the tests. `--memory` adds larger corpora, for our engine alone, on one core and on two.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from dedup_corpus import CACHE, load_rotated, load_texts, read_arrow
from dedup_tools import TOOLS

HERE = Path(__file__).parent
TRUTH = "tunegate exact"
MOST_COPIES = 20
"""Copies of a corpus with rotated letters that make a larger one; the alphabet allows 25."""
Array = np.ndarray[Any, Any]


def main() -> None:
    """Measure, print, and write the JSON."""
    args = arguments()
    everywhere = sorted(os.sched_getaffinity(0))
    pin([args.core])
    corpus = load_texts("recombined", args.rows, args.data)
    names = [name for name in TOOLS if name.startswith("tunegate") or args.peers]
    best: dict[str, dict[str, float]] = {}
    write_shingles(corpus)
    for turn in range(args.rounds):
        for name in names:
            python = sys.executable if name.startswith("tunegate") else args.peers
            fresh = run(python, name, corpus)
            best[name] = fresh if turn == 0 else {key: min(fresh[key], best[name][key]) for key in fresh}
            print(f"round {turn + 1}: {name}: {fresh['cpu']:.3f} CPU s", file=sys.stderr, flush=True)
    scores = score(names, corpus)
    rows = [
        {"tool": name, "rows_per_second": args.rows / best[name]["cpu"], **best[name], **scores[name]} for name in names
    ]
    result = {"rows": args.rows, "rounds": args.rounds, "machine": machine(), "tools": rows}
    result["larger"] = [figures for size in args.memory for figures in measure_larger(size, args, everywhere[:2])]
    show(result)
    args.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure_larger(size: int, args: argparse.Namespace, both: list[int]) -> Iterator[dict[str, float]]:
    """Our engine over a corpus of about this size, on one core and on two."""
    base = args.rows if size <= MOST_COPIES * args.rows else -(-size // MOST_COPIES)
    corpus = load_rotated(load_texts("recombined", base, args.data), size // base)
    for cores in ([args.core], both):
        pin(cores)
        rounds = [run(sys.executable, "tunegate 16x8", corpus) for _ in range(args.rounds)]
        fastest = {key: min(figures[key] for figures in rounds) for key in rounds[0]}
        yield {"rows": size // base * base, "cores": len(cores), **fastest}


def pin(cores: list[int]) -> None:
    """Let the tools run on these cores only, a thread on each."""
    os.sched_setaffinity(0, cores)
    names = ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS")
    os.environ.update(dict.fromkeys(names, str(len(cores))))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data", help="shared datasets")
    parser.add_argument("--peers", help="Python of the peers' environment")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--memory", type=int, nargs="*", default=[], metavar="ROWS", help="also time larger corpora")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "dedup.json")
    return parser.parse_args()


def run(python: str, name: str, corpus: Path) -> dict[str, float]:
    """One tool, once; what it found is left beside the corpus."""
    command = [python, str(HERE / "dedup_tools.py"), name, str(corpus), "1", str(found_by(name, corpus))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed under {python}:\n{done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def found_by(name: str, corpus: Path) -> Path:
    """Where a tool's result lies."""
    return CACHE / f"{corpus.stem}-{name.replace(' ', '-')}.npz"


def write_shingles(corpus: Path) -> None:
    """Our shingle numbers beside the corpus, for the peer that takes numbers."""
    from tunegate.curate.duplicates.rows import as_rows
    from tunegate.curate.duplicates.sketches import shingle_sets

    values, ends = shingle_sets(as_rows(read_arrow(corpus)), 3)
    np.save(corpus.with_suffix(".shingles.npy"), values)
    np.save(corpus.with_suffix(".ends.npy"), ends)


def score(names: list[str], corpus: Path) -> dict[str, dict[str, Any]]:
    """Precision and recall of each tool, over pairs of rows, or over flagged rows where it only flags."""
    truth = row_pairs(np.load(found_by(TRUTH, corpus)))
    flagged = np.unique(np.concatenate((truth >> 32, truth & 0xFFFFFFFF)))
    scores = {}
    for name in names:
        found = np.load(found_by(name, corpus))
        if "flags" in found:
            scores[name] = {"unit": "rows", **overlap(np.flatnonzero(found["flags"]), flagged)}
        else:
            scores[name] = {"unit": "pairs", **overlap(row_pairs(found), truth)}
    return scores


def overlap(found: Array, truth: Array) -> dict[str, float]:
    """Precision and recall of one set of numbers against another."""
    shared = len(np.intersect1d(found, truth, assume_unique=True))
    return {"found": len(found), "precision": shared / max(len(found), 1), "recall": shared / max(len(truth), 1)}


def row_pairs(found: Any) -> Array:
    """Every pair of rows that a result stands for, lower row in the upper half, sorted."""
    pairs = found["pairs"]
    if "representative" in found:
        order = np.argsort(found["representative"], kind="stable")
        texts, starts, sizes = np.unique(found["representative"][order], return_index=True, return_counts=True)
        members = {text: order[start : start + size] for text, start, size in zip(texts, starts, sizes, strict=True)}
        same = [rows[np.stack(np.triu_indices(len(rows), 1), axis=1)] for rows in members.values() if len(rows) > 1]
        across = [np.stack(np.meshgrid(members[i], members[j]), axis=-1).reshape(-1, 2) for i, j in pairs]
        pairs = np.concatenate([np.empty((0, 2), np.int64), *same, *across])
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    unique: Array = np.unique((low << 32) | high)
    return unique


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name")), "")
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]}


def show(result: dict[str, Any]) -> None:
    """The table."""
    base = result["tools"][0]["cpu"]
    print(f"{'tool':24}{'CPU s':>9}{'x ours':>8}{'rows/s':>10}{'MB':>7}{'P':>8}{'R':>8}")
    for row in result["tools"]:
        figures = f"{row['cpu']:9.3f}{row['cpu'] / base:8.1f}{row['rows_per_second']:10,.0f}{row['memory']:7.0f}"
        print(f"{row['tool']:24}{figures}{row['precision']:8.4f}{row['recall']:8.4f} {row['unit']}")
    for row in result["larger"]:
        print(
            f"tunegate 16x8, {row['rows']:,} rows on {row['cores']} cores: "
            f"{row['cpu']:.2f} CPU s, {row['wall']:.2f} s, {row['memory']:.0f} MB above the text"
        )


if __name__ == "__main__":
    main()
