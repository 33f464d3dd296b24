"""Seconds from the start of a process to the first scored item: ours, and lm-eval's own command line beside it.

Same small model, same three named tasks, the same data files on a warm disk, no network:
`python -m tunegate.benchmarks.startup DATA OUT`, where DATA holds `benchmarks/index.json` and `models/stories260K`.
Ours has scored when the first line is in its cache of answers; lm-eval when its progress bar has left 0. The sides take
turns, REPETITIONS times after one unmeasured turn; turns that OUT already holds are not measured again. CPU seconds are
those of all processes of a side, and of these those that it started.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

TASKS = ("hellaswag", "arc_easy", "lambada_openai")
ITEMS = 100
REPETITIONS = 5
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
POLL_S = 0.01
PROGRESS = re.compile(rb"Running loglikelihood requests: +(\d+)%")
"""lm-eval's progress bar and its share of requests that are scored."""
LIBRARIES = ("torch", "transformers", "datasets", "lm_eval")


def our_command(data: Path, scratch: Path) -> list[str]:
    """`tunegate evaluate` on the tasks."""
    named = [part for task in TASKS for part in ("-b", task)]
    mirror = ["--set", f"mirror={data / 'benchmarks'}", "--set", f"limit={ITEMS}"]
    model = str(data / "models" / "stories260K")
    return [sys.executable, "-m", "tunegate", "evaluate", model, *named, *mirror, "-o", str(scratch / "a.parquet")]


def their_command(data: Path, scratch: Path) -> list[str]:
    """`lm-eval run` on the tasks: official definitions whose data is read from the same files."""
    write_definitions(data / "benchmarks", scratch / "tasks")
    options = ["--model", "hf", "--model_args", f"pretrained={data / 'models' / 'stories260K'}", "--device", "cpu"]
    chosen = ["--tasks", ",".join(TASKS), "--limit", str(ITEMS), "--include_path", str(scratch / "tasks")]
    return [sys.executable, "-m", "lm_eval", "run", *options, *chosen, "--batch_size", "16"]


def write_definitions(mirror: Path, folder: Path) -> None:
    """One YAML file a task: the official definition with another place of the data."""
    from ..evaluate.benchmarks.locate import find_leaves

    folder.mkdir()
    index = json.loads((mirror / "index.json").read_text())
    for task in TASKS:
        ((_, (leaf,)),) = find_leaves(task)
        entry = index[task]
        files = {split: str((mirror / file).resolve()) for split, file in entry["data_files"].items()}
        content = {
            "include": str(leaf.path),
            "task": task,
            "dataset_path": "json",
            "dataset_name": None,
            "dataset_kwargs": {"data_files": files},
            **dict.fromkeys(entry.get("null_splits", ())),
        }
        (folder / f"{task}.yaml").write_text(json.dumps(content))  # JSON is YAML


def our_first(scratch: Path, _log: Path) -> bool:
    """Whether an answer is in the cache."""
    return any(path.stat().st_size for path in (scratch / "cache").glob("*.jsonl"))


def their_first(_scratch: Path, log: Path) -> bool:
    """Whether the progress bar has left 0."""
    shares = PROGRESS.findall(log.read_bytes())
    return bool(shares) and int(shares[-1]) > 0


SIDES: dict[str, tuple[Callable[[Path, Path], list[str]], Callable[[Path, Path], bool]]] = {
    "tunegate": (our_command, our_first),
    "lm_eval": (their_command, their_first),
}


def measure(side: str, data: Path) -> dict[str, Any]:
    """Wall and CPU seconds until the first scored item of one side; the process is ended there."""
    command, has_begun = SIDES[side]
    with tempfile.TemporaryDirectory() as folder:
        scratch, log = Path(folder), Path(folder) / "log"
        arguments = command(data, scratch)
        environment = {**os.environ, **OFFLINE, "TUNEGATE_CACHE": str(scratch / "cache")}
        started = time.monotonic()
        with log.open("wb") as stream:
            process = subprocess.Popen(arguments, stdout=stream, stderr=stream, env=environment, cwd=scratch)
        while not has_begun(scratch, log):
            if process.poll() is not None:
                raise SystemExit(f"{side} ended before it scored anything:\n{log.read_text()[-2000:]}")
            time.sleep(POLL_S)
        wall = time.monotonic() - started
        own, others = cpu_seconds(process.pid)
        process.terminate()
        process.wait()
        return {"wall_s": round(wall, 2), "cpu_s": round(own + others, 2), "cpu_of_children_s": round(others, 2)}


def cpu_seconds(process: int) -> tuple[float, float]:
    """CPU seconds so far of a running process, and of all processes that it started, from Linux's /proc."""
    stats = {int(path.parent.name): fields for path in Path("/proc").glob("[0-9]*/stat") if (fields := _stat(path))}
    family = [process]
    for member in family:
        family += [child for child, fields in stats.items() if int(fields[1]) == member]
    used = {member: [int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in stats[member][11:15]] for member in family}
    own = sum(used[process][:2])  # behind these stand those of children that have ended
    return own, sum(map(sum, used.values())) - own


def _stat(path: Path) -> list[str]:
    """What stands behind a process's name in its `stat`; nothing if it is gone."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return []


def main() -> None:
    """Measure both sides in turn and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sides", default=",".join(SIDES))
    arguments = parser.parse_args()
    data = arguments.data.resolve()
    rows = json.loads(arguments.out.read_text())["rows"] if arguments.out.exists() else []
    known = {(row["side"], row["repetition"]) for row in rows}
    sides = arguments.sides.split(",")
    missing = [(side, n) for n in range(REPETITIONS) for side in sides if (side, n) not in known]
    for side in dict.fromkeys(side for side, _ in missing):
        measure(side, data)  # so that every file has been read
    for side, repetition in missing:
        rows.append({"side": side, "repetition": repetition, **measure(side, data)})
        print(json.dumps(rows[-1]), flush=True)
        about = {
            "tasks": TASKS,
            "items": ITEMS,
            "model": "stories260K",
            "versions": {name: version(name) for name in LIBRARIES},
        }
        arguments.out.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
