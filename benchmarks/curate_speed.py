"""A whole curation, from a JSONL file to its ledger on disk: rows a second, stage by stage, and peak memory.

    python benchmarks/curate_speed.py --data ../shared/data --rows 1000000

The rows are those of `dedup_corpus`: sentences of public data recombined, one in five an edited copy of an earlier row.
As labelled rows, a copy has the label of its source (but one in 200 another one); as prompts and answers, each text is
cut after a sentence. One row in eight has an e-mail address, since posts of Usenet are among the sentences; the rows of
`label-few` have a tenth of them. The default rules run, which at this size leave the search for label errors out and
say so. Wall and CPU seconds are those of a process of its own, on all cores and on one, imports and cached kernels not
counted, with the memory that the command line chooses; and those of the whole command, imports and page and all. The
fastest of --rounds counts, since a shared machine is never quiet for long; all rounds are in the JSON. With --peers,
text-dedup's own command line runs on 100,000 of the rows beside ours.
"""

from __future__ import annotations

import argparse
import json
import os
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
from tunegate.cli import LIBRARY_SETTINGS

HERE = Path(__file__).parent
KINDS = ("label", "completion", "label-few")
PEER_ROWS = 100_000
CLASSES = 50
NOISE = 0.005
"""Share of copies with another label than their source."""


def main() -> None:
    """Measure each kind on one core and on all, print where the time goes, and write the JSON."""
    args = arguments()
    if args.one:
        measure(args.one)
        return
    result: dict[str, Any] = {"rows": args.rows, "machine": machine(), "kinds": {}}
    for kind in KINDS:
        path = load_rows(kind, args.rows, args.data)
        for cores in (sorted(os.sched_getaffinity(0)), [min(os.sched_getaffinity(0))]):
            rounds = [measure_apart(path, cores) for _ in range(args.rounds)]
            row = min(rounds, key=lambda found: found["wall"]) | {"walls": [found["wall"] for found in rounds]}
            result["kinds"].setdefault(kind, {})[f"{len(cores)} cores"] = row
            show(f"{kind}, {len(cores)} cores", row)
        commands = [time_curate(path) for _ in range(args.rounds)]
        whole = min(commands, key=lambda found: found["wall"])
        result["kinds"][kind]["command"] = whole | {"walls": [found["wall"] for found in commands]}
        print(f"{kind}, the whole command: {whole['wall']:.1f} s, {whole['cpu']:.1f} CPU s")
    if args.peers:
        result["peer"] = compare_with_peer(load_rows("label", PEER_ROWS, args.data), args.peers)
    args.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data", help="shared datasets")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", type=Path, help="measure one file in this process")
    parser.add_argument("--peers", type=Path, help="Python of an environment with text-dedup")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "curate_speed.json")
    return parser.parse_args()


def measure_apart(path: Path, cores: list[int]) -> dict[str, Any]:
    """`measure` in a process of its own on some cores."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", str(path)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        env={**LIBRARY_SETTINGS, **os.environ},
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare_with_peer(path: Path, python: Path) -> dict[str, Any]:
    """CPU and wall seconds of two whole commands on one file: ours with all its rules, text-dedup's MinHash alone."""
    out = Path(tempfile.mkdtemp(dir=path.parent))
    ours = curate_command(path, out / "ours")
    theirs = [str(python), "-m", "text_dedup.minhash", "--path", "json", "--data_files", str(path), "--split", "train"]
    theirs += ["--column", "text", "--ngram", "2", "--threshold", "0.8", "--num_perm", "128", "--min_length", "0"]
    theirs += ["--hash_func", "xxh3", "--hash_bits", "32", "--num_proc", str(len(os.sched_getaffinity(0)))]
    theirs += ["--cache_dir", str(out / "cache"), "--output", str(out / "theirs")]
    try:
        rows = {name: time_command(command) for name, command in (("tunegate", ours), ("text-dedup", theirs))}
    finally:
        shutil.rmtree(out, ignore_errors=True)
    ratio = {unit: rows["text-dedup"][unit] / rows["tunegate"][unit] for unit in ("cpu", "wall")}
    print(f"text-dedup / tunegate on {PEER_ROWS:,} rows: CPU {ratio['cpu']:.1f}, wall {ratio['wall']:.1f}")
    return {"rows": PEER_ROWS, **rows, "ratio": ratio}


def curate_command(path: Path, out: Path) -> list[str]:
    """Our own command line on one file."""
    return [sys.executable, "-m", "tunegate", "curate", str(path), "--out", str(out)]


def time_curate(path: Path) -> dict[str, float]:
    """CPU and wall seconds of the whole command on one file."""
    out = Path(tempfile.mkdtemp(dir=path.parent))
    try:
        return time_command(curate_command(path, out / "curated"))
    finally:
        shutil.rmtree(out, ignore_errors=True)


def time_command(command: list[str]) -> dict[str, float]:
    """CPU seconds, of child processes too, and wall seconds of a command, imports and all."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tempfile.gettempdir())
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{command[:4]}: {done.stderr[-2000:]}")
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "wall": wall}


def load_rows(kind: str, rows: int, data: Path) -> Path:
    """The JSONL file of one kind, made if it is not cached yet."""
    path = CACHE / f"curate-{kind}-{rows}.jsonl"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        sentences, kinds = read_sentences(data), ("label", "completion")
        if kind == "label-few":
            addressed = [sentence for sentence in sentences if "@" in sentence]
            sentences, kinds = [sentence for sentence in sentences if "@" not in sentence], (kind,)
            sentences += addressed[::10]
        paths = {name: CACHE / f"curate-{name}-{rows}.jsonl" for name in kinds}
        streams = {name: file.with_suffix(".part").open("wb") for name, file in paths.items()}
        for text, label in labelled_texts(sentences, rows):
            cut = text.find(". ", len(text) // 3) + 2 if ". " in text[len(text) // 3 :] else len(text) // 2
            streams[kinds[0]].write(orjson.dumps({"text": text, "label": label}) + b"\n")
            if "completion" in streams:
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
    from tunegate.curate import curate_dataset, curation, write_curation

    small = load_examples(
        [{"prompt": f"Say {n}, née Müller.", "completion": f"It is {n} < {n + 1}."} for n in range(99)]
    )
    curate_dataset(small)
    stages: dict[str, dict[str, float]] = {}
    find = curation._find
    curation._find = lambda part, rows, stage, *more: timed(stages, stage, find, part, rows, stage, *more)
    examples = timed(stages, "load", load_examples, str(path))
    curated = timed(stages, "curate", curate_dataset, examples)
    out = Path(tempfile.mkdtemp(dir=path.parent))
    try:
        timed(stages, "write", write_curation, curated, out)
    finally:
        shutil.rmtree(out, ignore_errors=True)
    total = {unit: sum(stages[name][unit] for name in ("load", "curate", "write")) for unit in ("wall", "cpu")}
    inner = [name for name in stages if name not in ("load", "curate", "write", "read")]
    stages["rest"] = {unit: stages["curate"][unit] - sum(stages[n][unit] for n in inner) for unit in ("wall", "cpu")}
    del stages["curate"]
    result = {
        "rows": len(examples),
        "bytes": path.stat().st_size,
        "rows_per_second": len(examples) / total["wall"],
        **total,
        "cores_used": total["cpu"] / total["wall"],
        "stages": {
            name: {unit: round(s, 3) for unit, s in stages[name].items()} for name in ("load", *inner, "rest", "write")
        },
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rows_kept": len(curated.kept),
        "findings": len(curated.findings),
    }
    print(json.dumps(result))


def timed(stages: dict[str, dict[str, float]], name: str, function: Any, *given: Any) -> Any:
    """What the function returns; its wall and CPU seconds go into `stages`."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = function(*given)
    stages[name] = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return result


def show(name: str, row: dict[str, Any]) -> None:
    """Where the time of one kind goes."""
    print(f"{name}: {row['rows']:,} rows, {row['rows_per_second']:,.0f} rows/s, {row['cpu']:.1f} CPU s, ", end="")
    print(f"{row['cores_used']:.2f} cores used, peak {row['peak_memory_mb']:,.0f} MB, {row['findings']:,} findings")
    for stage, spent in row["stages"].items():
        print(f"  {stage:8}{spent['wall']:8.2f} s {spent['wall'] / row['wall']:6.0%}{spent['cpu']:8.2f} CPU s")


if __name__ == "__main__":
    main()
