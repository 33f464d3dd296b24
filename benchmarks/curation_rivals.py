"""banking77 as label rows and as Alpaca prompts to what each curation tool removes, misses and takes by mistake.

    python benchmarks/curation_rivals.py DATA_FOLDER [--peers VENV] [--out FILE]

Without `--peers` only our own rows are measured. The peers' environment needs `pip install "soup-cli[data]"`. datatrove
compares no test file and has no step for labels, and semhash needs an encoder from the hub; both are left out.
Every tool runs as its users run it, in a process of its own; of ours, which keeps compiled code, the second run counts.
Truth is folded text: lower case, word characters, single spaces. What FILE holds is not measured again.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tunegate.core.formats import load_examples
from tunegate.core.store import write_json
from tunegate.curate.config import DedupConfig
from tunegate.curate.duplicates.near_duplicates import cross_duplicates, find_near_duplicates
from tunegate.curate.overlap import jaccard

Rows = list[dict[str, str]]
INSTRUCTION = (
    "You are the assistant of a bank. Read the message of the customer below and say in one short label what the "
    "customer wants, so that the message reaches the right team."
)
UNLIKE = 0.7
"""Jaccard similarity, of character 5-grams and of word pairs, below which a removed row was like no other row."""
NO_MODELS = ["--set", "rules.label-error=off", "--set", "rules.outlier=off", "--set", "rules.rare-class=off"]


def fold(text: str) -> str:
    """Lower case, word characters only, single spaces. Ours keeps currency signs: `€1` and `£1` are two texts to it."""
    return " ".join(re.findall(r"\w+", text.lower()))


def as_labels(row: dict[str, str]) -> dict[str, str]:
    """A text and its label."""
    return {"text": row["text"], "label": row["label"]}


def as_alpaca(row: dict[str, str]) -> dict[str, str]:
    """The same as an Alpaca prompt: one instruction for all, the text as its input, the label as its output."""
    return {"instruction": INSTRUCTION, "input": row["text"], "output": row["label"]}


FORMS: dict[str, tuple[Callable[[dict[str, str]], dict[str, str]], str]] = {
    "labels": (as_labels, "text"),
    "alpaca": (as_alpaca, "input"),
}


def timed(command: Sequence[str], folder: Path) -> dict[str, float]:
    """Wall and CPU seconds of a command that must succeed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return {"wall_s": wall, "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def repeated(
    folder: Path, run: Callable[[Path], tuple[dict[str, float], Any]], times: int
) -> tuple[dict[str, float], Any]:
    """The last of some runs, each in a fresh copy of the files."""
    for number in range(times):
        place = folder / str(number)
        place.mkdir()
        for file in ("train.jsonl", "test.jsonl"):
            (place / file).write_bytes((folder / file).read_bytes())
        found = run(place)
    return found


def tunegate(options: Sequence[str]) -> Callable[[Path], tuple[dict[str, float], Any]]:
    """Our command line: kept rows, and the decisions."""

    def run(folder: Path) -> tuple[dict[str, float], Any]:
        command = [sys.executable, "-m", "tunegate", "curate", "train.jsonl", "--test", "test.jsonl", "-o", "out"]
        seconds = timed([*command, *options], folder)
        return seconds, (read(folder / "out/train.jsonl"), read(folder / "out/rejected.jsonl"), folder / "out")

    return run


def soup(peers: Path, field: str | None) -> Callable[[Path], tuple[dict[str, float], Any]]:
    """soup-cli: `data dedup`, then `data decontaminate` against the test rows."""

    def run(folder: Path) -> tuple[dict[str, float], Any]:
        program = str(peers / "bin/soup")
        dedup = [program, "data", "dedup", "train.jsonl", "-o", "deduped.jsonl"]
        first = timed([*dedup, *(["--field", field] if field else [])], folder)
        clean = ["data", "decontaminate", "-i", "deduped.jsonl", "--benchmark-file", "test.jsonl", "-o", "clean.jsonl"]
        second = timed([program, *clean], folder)
        seconds = {name: first[name] + second[name] for name in first}
        return seconds, (read(folder / "clean.jsonl"), read(folder / "deduped.jsonl"), None)

    return run


def read(path: Path) -> list[Any]:
    """The objects of a JSON-lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def judge(train: Rows, test: Rows, kept: Rows, field: str) -> dict[str, int]:
    """What was removed, what is left, and which removed rows were like nothing."""
    texts, left = [row[field] for row in train], Counter(row[field] for row in kept)
    removed = np.array([at for at, text in enumerate(texts) if not _take(left, text)], dtype=np.int64)
    after = [row[field] for row in kept]
    known = {fold(text) for text in after}
    innocent = removed[best_similarity(texts, [row[field] for row in test])[removed] < UNLIKE]
    return {
        "removed": len(removed),
        "redundant_left": len(after) - len(known),
        "test_rows_left_in_train": sum(fold(row[field]) in known for row in test),
        "innocent_removed": len(innocent),
    }


def _take(left: Counter[str], text: str) -> bool:
    """Whether a copy of the text is still unaccounted for among the kept."""
    left[text] -= 1
    return left[text] >= 0


def best_similarity(texts: Sequence[str], test: Sequence[str]) -> Any:
    """(n,) similarity of each text to the likest other text or test text; 0 below `UNLIKE`."""
    best = np.zeros(len(texts))
    for shingle in ("char:5", "word:2"):
        config = DedupConfig(shingle=shingle, threshold=UNLIKE, exact=True)
        near = find_near_duplicates(texts, config=config)
        found = np.zeros(len(texts))
        for side in (0, 1):
            np.maximum.at(found, near.pairs[:, side], near.jaccard)
        copies = np.bincount(near.representative, minlength=len(texts))[near.representative] > 1
        best = np.maximum(best, np.where(copies, 1.0, found[near.representative]))
        pairs, similarity = cross_duplicates(texts, test, config=config)
        np.maximum.at(best, pairs[:, 0], similarity)
    return best


def without_partner(train: Rows, deduped: Rows, fields: Sequence[str], size: int) -> int:
    """Rows that a MinHash step removed though no row reaches 0.8 by its own measure: word runs of lower-case text."""
    left = Counter(" ".join(row[name] for name in fields) for row in deduped)
    texts = [" ".join(row[name] for name in fields) for row in train]
    sets = [_word_runs(text, size) for text in texts]
    holders: dict[str, list[int]] = {}
    for at, runs in enumerate(sets):
        for run in runs:
            holders.setdefault(run, []).append(at)
    alone = 0
    for at, text in enumerate(texts):
        if _take(left, text):
            continue
        others = {other for run in sets[at] if len(holders[run]) < 2_000 for other in holders[run]} - {at}
        alone += not any(jaccard(sets[at], sets[other]) >= 0.8 for other in others)
    return alone


def _word_runs(text: str, size: int) -> frozenset[str]:
    words = text.lower().split()
    return frozenset(" ".join(words[at : at + size]) for at in range(max(1, len(words) - size + 1)))


def ours(found: Any, train: Rows, field: str) -> dict[str, int]:
    """What only a tool with a ledger can be asked: every removal with its partner, conflicts reported."""
    import pyarrow.parquet as pq

    kept, rejected, folder = found
    known = {fold(row[field]) for row in kept}
    duplicates = [row for row in rejected if "duplicate" in row["rule"]]
    rules = Counter(pq.read_table(folder / "findings.parquet")["rule"].to_pylist())
    return {
        "removed_as_duplicates": len(duplicates),
        "without_partner": sum(
            row["evidence"]["jaccard"] < 0.8 or fold(train[row["evidence"]["survivor_line"] - 1][field]) not in known
            for row in duplicates
        ),
        "removed_as_leaks": sum(row["rule"] == "test-leak" for row in rejected),
        "rows_in_conflicts_reported": rules["label-conflict"] + rules["several-answers"],
        "label_errors_flagged": rules["label-error"],
    }


def main() -> None:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--peers", type=lambda path: Path(path).absolute())
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results: dict[str, Any] = json.loads(options.out.read_text()) if options.out and options.out.exists() else {}
    sides = [
        load_examples(
            options.data / f"labelled/banking77/{side}.jsonl.gz", columns={"input": "text", "target": "label"}
        )
        for side in ("train", "test")
    ]
    for form, (shape, field) in FORMS.items():
        train, test = (
            [shape({"text": t, "label": y}) for t, y in zip(side.inputs, side.targets, strict=True)] for side in sides
        )
        tools = {"tunegate": tunegate([]), "tunegate, no label models": tunegate(NO_MODELS)}
        if options.peers:
            tools["soup-cli, text field"] = soup(options.peers, field)
            tools["soup-cli, all fields"] = soup(options.peers, None)
        for tool, run in tools.items():
            if f"{form}: {tool}" in results:
                continue
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                for file, rows in (("train.jsonl", train), ("test.jsonl", test)):
                    (folder / file).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
                seconds, found = repeated(folder, run, 2 if tool.startswith("tunegate") else 1)
                figures: dict[str, Any] = judge(train, test, found[0], field) | seconds
                if tool.startswith("tunegate"):
                    figures |= ours(found, train, field)
                else:
                    fields = list(train[0]) if tool.endswith("all fields") else [field]
                    figures |= {"removed_as_duplicates": len(train) - len(found[1])}
                    figures |= {"without_partner": without_partner(train, found[1], fields, 3)}
            results[f"{form}: {tool}"] = figures
            print(form, tool, json.dumps(figures), flush=True)
            if options.out:
                write_json(options.out, results)


if __name__ == "__main__":
    main()
