"""A whole curation, from a JSONL file to its ledger on disk: rows a second, stage by stage, and peak memory.

    python benchmarks/curate_speed.py --data ../shared/data --rows 1000000

The rows are those of `dedup_corpus`: sentences of public data recombined, one in five an edited copy of an earlier row.
As labelled rows, a copy has the label of its source (but one in 200 another one); as prompts and answers, each text is
cut after a sentence. The default rules run, which at this size leave the search for label errors out and say so. Wall
and CPU seconds are those of a process of its own, imports and cached kernels not counted; nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
from dedup import machine
from dedup_corpus import CACHE, FILL, compose, edit, read_sentences

HERE = Path(__file__).parent
KINDS = ("label", "completion")
CLASSES = 50
NOISE = 0.005
"""Share of copies with another label than their source."""


def main() -> None:
    """Measure each kind, print where the time goes, and write the JSON."""
    args = arguments()
    if args.one:
        measure(args.one)
        return
    result: dict[str, Any] = {"rows": args.rows, "machine": machine(), "kinds": {}}
    for kind in KINDS:
        path = load_rows(kind, args.rows, args.data)
        done = subprocess.run(
            [sys.executable, __file__, "--one", str(path)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        result["kinds"][kind] = json.loads(done.stdout.splitlines()[-1])
        show(kind, result["kinds"][kind])
    args.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data", help="shared datasets")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--one", type=Path, help="measure one file in this process")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "curate_speed.json")
    return parser.parse_args()


def load_rows(kind: str, rows: int, data: Path) -> Path:
    """The JSONL file of one kind, made if it is not cached yet."""
    path = CACHE / f"curate-{kind}-{rows}.jsonl"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        paths = {name: CACHE / f"curate-{name}-{rows}.jsonl" for name in KINDS}
        streams = {name: file.with_suffix(".part").open("wb") for name, file in paths.items()}
        for text, label in labelled_texts(read_sentences(data), rows):
            cut = text.find(". ", len(text) // 3) + 2 if ". " in text[len(text) // 3 :] else len(text) // 2
            streams["label"].write(orjson.dumps({"text": text, "label": label}) + b"\n")
            streams["completion"].write(orjson.dumps({"prompt": text[:cut], "completion": text[cut:]}) + b"\n")
        for name, stream in streams.items():
            stream.close()
            paths[name].with_suffix(".part").rename(paths[name])
    return path


def labelled_texts(sentences: list[str], rows: int) -> Any:
    """Texts and labels, one in five an edited copy with its source's label."""
    draw, made = random.Random(21), []
    vocabulary = sorted({word for sentence in sentences[:20_000] for word in sentence.split()})
    for _ in range(rows):
        kind, label = draw.random(), f"class {draw.randrange(CLASSES)}"
        if kind < 0.2 and made:
            source, own = made[int(draw.random() * len(made))]
            text, label = edit(source, draw, vocabulary), label if draw.random() < NOISE else own
        elif kind < 0.28:
            text, label = FILL.format(*(draw.choice(vocabulary) for _ in range(7))), "class 0"
        else:
            text = compose(sentences, draw)
        made.append((text, label))
        yield made[-1]


def measure(path: Path) -> None:
    """Curate one file and write the ledger; print one line of JSON."""
    from tunegate.core.formats import load_examples
    from tunegate.curate import curate_dataset, write_curation

    small = load_examples(
        [{"prompt": f"Say {n}, née Müller.", "completion": f"It is {n} < {n + 1}."} for n in range(99)]
    )
    curate_dataset(small)
    clock, cpu = time.perf_counter(), time.process_time()
    examples = load_examples(str(path))
    read = time.perf_counter() - clock
    curation = curate_dataset(examples)
    start = time.perf_counter()
    out = Path(tempfile.mkdtemp(dir=path.parent))
    try:
        write_curation(curation, out)
    finally:
        shutil.rmtree(out, ignore_errors=True)
    end = time.perf_counter()
    timings = {name: seconds for name, seconds in curation.summary["timings"].items() if name not in ("read", "total")}
    stages = {"read": read, **timings, "write": end - start}
    stages["rest"] = end - clock - sum(stages.values())
    result = {
        "rows": len(examples),
        "bytes": path.stat().st_size,
        "rows_per_second": len(examples) / (end - clock),
        "wall": end - clock,
        "cpu": time.process_time() - cpu,
        "stages": {name: round(seconds, 3) for name, seconds in stages.items()},
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rows_kept": len(curation.kept),
        "findings": len(curation.findings),
    }
    print(json.dumps(result))


def show(kind: str, row: dict[str, Any]) -> None:
    """Where the time of one kind goes."""
    print(f"{kind}: {row['rows']:,} rows, {row['rows_per_second']:,.0f} rows/s, {row['cpu']:.1f} CPU s, ", end="")
    print(f"peak {row['peak_memory_mb']:,.0f} MB, {row['findings']:,} findings")
    for name, seconds in row["stages"].items():
        print(f"  {name:8}{seconds:8.2f} s {seconds / row['wall']:6.0%}")


if __name__ == "__main__":
    main()
