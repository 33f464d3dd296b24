"""One tool over one corpus, timed alone in this process: CPU seconds of the fastest run, peak memory, what was found.

Run by `dedup.py`, once per tool and round, on one core: `PYTHON dedup_tools.py TOOL CORPUS RUNS OUT`. Neither reading
the file nor listing pairs for the score is timed; the fast tools take Arrow, the others a list of strings, each its
natural input. Every tool first runs over 2,000 examples, so that imports and compilation are not timed either. All
compare word 3-grams of lower-case words at a threshold of 0.8 with 128 permutations.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

THRESHOLD, PERMUTATIONS, SIZE = 0.8, 128, 3
WARM_UP = 2000
TOKENS = re.compile(r"\w+")
Array = np.ndarray[Any, Any]


def word_runs(text: str) -> set[str]:
    """Word 3-grams, as every tool in Python strings gets them."""
    words = TOKENS.findall(text.lower())
    size = min(SIZE, len(words))
    return {" ".join(words[at : at + size]) for at in range(len(words) - size + 1)} if words else set()


def ours(texts: pa.ChunkedArray, **options: Any) -> Any:
    """tunegate: verified pairs of representatives, and the representative of each row."""
    from tunegate.curate.config import DedupConfig
    from tunegate.curate.duplicates.near_duplicates import find_near_duplicates

    config = DedupConfig(threshold=THRESHOLD, shingle=f"word:{SIZE}", permutations=PERMUTATIONS, **options)
    return find_near_duplicates(texts, config=config)


def datasketch(texts: list[str]) -> Any:
    """datasketch: bulk signatures, insertion, one query per example."""
    from datasketch import MinHash, MinHashLSH

    sketches = MinHash.bulk([[run.encode() for run in word_runs(text)] for text in texts], num_perm=PERMUTATIONS)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    with index.insertion_session() as session:
        for row, sketch in enumerate(sketches):
            session.insert(row, sketch, check_duplication=False)
    return [index.query(sketch) for sketch in sketches]


def rensa(texts: list[str]) -> Any:
    """rensa: its objects from token sets, 16 bands, one bulk query."""
    from rensa import RMinHash, RMinHashLSH

    sketches = RMinHash.from_token_sets([list(word_runs(text)) for text in texts], PERMUTATIONS, 42)
    index = RMinHashLSH(THRESHOLD, PERMUTATIONS, 16)
    index.insert_many(sketches)
    return index.query_all(sketches)


def rensa_hashes(sets: tuple[Array, Array]) -> Any:
    """rensa, given our shingle numbers: its compact matrix and one pass that only flags rows, nothing verified."""
    from rensa import RMinHash, RMinHashLSH

    values, ends = sets
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(values, ends, PERMUTATIONS, 42)
    return np.array(RMinHashLSH(THRESHOLD, PERMUTATIONS, 16).query_duplicate_flags_matrix_one_shot(matrix))


def text_dedup(texts: list[str]) -> Any:
    """text-dedup: its signature function and its clustering by union-find, driven as its own program does."""
    from text_dedup.minhash import RNG, embed_func
    from text_dedup.utils import UnionFind, optimal_param, xxh3_32hash

    prime, high = np.uint32((1 << 32) - 5), np.uint32((1 << 32) - 1)
    bands, rows = optimal_param(THRESHOLD, PERMUTATIONS, false_positive_weight=0.5, false_negative_weight=0.5)
    a, b = (RNG.randint(low, prime, size=(PERMUTATIONS,), dtype=np.uint32) for low in (1, 0))
    tables: list[dict[bytes, set[int]]] = [defaultdict(set) for _ in range(bands)]
    sign = partial(
        embed_func,
        num_perm=PERMUTATIONS,
        ngram_size=SIZE,
        min_length=0,
        hashranges=[(band * rows, (band + 1) * rows) for band in range(bands)],
        permutations=(a, b),
        hash_func=xxh3_32hash,
        dtype=np.uint32,
        max_hash=high,
        modulo_prime=prime,
    )
    for row, text in enumerate(texts):
        for table, key in zip(tables, sign(text, row)["__signatures__"], strict=True):
            table[key].add(row)
    union = UnionFind()
    clusters = [cluster for table in tables for cluster in table.values() if len(cluster) > 1]
    for cluster in clusters:
        first = min(cluster)
        for row in cluster:
            union.union(row, first)
    return clusters


def as_arrays(found: Any) -> dict[str, Array]:
    """What a tool found, for the score: pairs of rows, of representatives, or one flag per row."""
    if isinstance(found, np.ndarray):
        return {"flags": found}
    if hasattr(found, "representative"):
        return {"pairs": found.pairs, "representative": found.representative}
    packed = [np.empty(0, np.int64)]
    for row, others in enumerate(found):
        members = np.array(sorted(others), dtype=np.int64)
        if isinstance(others, set):
            one, two = np.triu_indices(len(members), 1)
            packed.append((members[one] << 32) | members[two])
        else:
            packed.append((row << 32) | members[members > row])
    pairs = np.unique(np.concatenate(packed))
    return {"pairs": np.stack((pairs >> 32, pairs & 0xFFFFFFFF), axis=1)}


TOOLS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "tunegate 16x8": ("arrow", lambda texts: ours(texts, recall=0.94)),
    "tunegate 21x6": ("arrow", lambda texts: ours(texts, recall=0.998)),
    "tunegate exact": ("arrow", lambda texts: ours(texts, exact=True)),
    "datasketch": ("strings", datasketch),
    "rensa": ("strings", rensa),
    "rensa fed our hashes": ("hashes", rensa_hashes),
    "text-dedup": ("strings", text_dedup),
}
"""Name → its natural input, and the tool."""


def load(kind: str, corpus: Path, rows: int | None) -> Any:
    """The first rows of the corpus in the form that a tool takes."""
    column = pa.ipc.open_file(pa.memory_map(str(corpus))).read_all()["text"][:rows]
    if kind == "strings":
        return column.to_pylist()
    if kind == "hashes":
        ends = np.load(corpus.with_suffix(".ends.npy"))[: len(column) + 1]
        return np.load(corpus.with_suffix(".shingles.npy"))[: ends[-1]], ends.astype(np.uint64)
    return column


def resident(field: str) -> float:
    """Memory of this process in MB: VmRSS now, VmHWM at its peak."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(field))


def main() -> None:
    """Time one tool; print one line of JSON."""
    name, corpus, runs, out = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    kind, tool = TOOLS[name]
    tool(load(kind, corpus, WARM_UP))
    data = load(kind, corpus, None)
    if kind == "arrow":
        data.validate(full=True)  # touches every page, so that the file is in memory as the strings are
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the warm-up
    before, seconds, wall, found = resident("VmRSS"), [], [], None
    for _ in range(runs):
        start, clock = time.process_time(), time.perf_counter()
        found = tool(data)
        seconds.append(time.process_time() - start)
        wall.append(time.perf_counter() - clock)
    memory = resident("VmHWM") - before
    np.savez(out, **as_arrays(found))
    print(json.dumps({"cpu": min(seconds), "wall": min(wall), "memory": memory}))


if __name__ == "__main__":
    main()
