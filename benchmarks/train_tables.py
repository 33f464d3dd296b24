"""The trainer's measured runs to the Markdown tables of docs/training.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

Run = Mapping[str, Any]

PAGE = Path(__file__).parent.parent / "docs" / "training.md"
END = "<!-- end of measured -->"
CASES = {
    "mix": "mixed lengths, vocabulary 50k",
    "bank": "short rows, vocabulary 50k",
    "small": "mixed lengths, vocabulary 512",
}
SYSTEMS = {
    "own": "tunegate",
    "trainer": "Trainer, its defaults",
    "trainer-grouped": "Trainer, grouped by length",
    "trl": "TRL SFTTrainer, its defaults",
    "trl-fp32": "TRL SFTTrainer, float32, no checkpointing",
}
GPU_SYSTEMS = {
    "own": "tunegate (bf16)",
    "trainer-bf16": "Trainer, bf16",
    "trainer-grouped": "Trainer, bf16, grouped by length",
    "own-fp32": "tunegate, float32",
    "trainer": "Trainer, its defaults (float32)",
}
VARIANTS = {
    "frozen": "frozen, head 1e-1 (the default here)",
    "frozen-1e-2": "frozen, head 1e-2",
    "tuned-2e-5": "tuned end to end, 2e-5",
    "tuned": "tuned end to end, 2e-4",
    "tuned-held": "the same, held near the base (`replay.features: 10`)",
    "tuned-1e-3": "tuned end to end, 1e-3",
}


def write_tables(benchmark: str, lines: Sequence[str]) -> None:
    """Replace what stands between a benchmark's markers in the docs."""
    start = f"<!-- measured: benchmarks/{benchmark} -->\n"
    head, found, rest = PAGE.read_text(encoding="utf-8").partition(start)
    if not found:
        raise SystemExit(f"{PAGE}: no line {start.strip()!r}")
    PAGE.write_text(head + start + "\n".join(["", *lines, "", ""]) + END + rest.partition(END)[2], encoding="utf-8")


def speed_lines(runs: Sequence[Run]) -> Iterator[str]:
    """One line per case and system; times are those of the same round, their median and range."""
    yield "| rows | trainer | CPU µs per token | times tunegate | peak memory | times tunegate | rounds |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for case, rows in CASES.items():
        own = _by_round(runs, case, "own")
        for system, name in SYSTEMS.items():
            found = _by_round(runs, case, system)
            if not set(found) & set(own):
                continue
            spent = median(run["cpu_us_per_token"] for run in found.values())
            peak = median(run["peak_gib"] for run in found.values())
            times = [_times(found, own, key) for key in ("cpu_us_per_token", "peak_gib")]
            cells = [rows, name, f"{spent:,.0f}", times[0], f"{peak:.1f} GiB", times[1], str(len(found))]
            yield f"| {' | '.join(cells)} |"


def gpu_lines(runs: Sequence[Run]) -> Iterator[str]:
    """One line per system: medians over the rounds."""
    yield "| trainer | tokens per second | ms per step | peak GPU memory |"
    yield "|---|---:|---:|---:|"
    for system, name in GPU_SYSTEMS.items():
        found = [run for run in runs if run["system"] == system]
        speed, step, peak = (median(run[k] for run in found) for k in ("tokens_per_second", "ms_per_step", "peak_gib"))
        yield f"| {name} | {speed:,.0f} | {step:,.0f} | {peak:.1f} GiB |"


def quality_lines(results: Mapping[str, Any]) -> Iterator[str]:
    """The encoder as it comes, every variant over its seeds, and published models."""
    base = 100 * results["base_clinc150_centroid_accuracy"]
    yield "| encoder | seeds | banking77 test | clinc150 centroids |"
    yield "|---|---:|---:|---:|"
    yield f"| MiniLM-L6 (22M), as it comes | | | {base:.1f} |"
    for variant, name in VARIANTS.items():
        runs = [run for run in results["runs"] if run["variant"] == variant and run["intents"] == 77]
        if runs:
            right, kept = (_spread(runs, key) for key in ("test_accuracy", "clinc150_centroid_accuracy"))
            yield f"| {name} | {len(runs)} | {right} | {kept} |"
    for other in results["published"]:
        yield f"| {other['model']} ({other['source']}) | | {100 * other['accuracy']:.1f} | |"


def _by_round(runs: Sequence[Run], case: str, system: str) -> dict[int, Run]:
    return {run["round"]: run for run in runs if (run["case"], run["system"]) == (case, system)}


def _times(found: Mapping[int, Run], own: Mapping[int, Run], key: str) -> str:
    values = sorted(found[number][key] / own[number][key] for number in set(found) & set(own))
    low, middle, high = f"{values[0]:.1f}", f"{median(values):.1f}", f"{values[-1]:.1f}"
    return middle if low == high else f"{middle} ({low} to {high})"


def _spread(runs: Sequence[Run], key: str) -> str:
    values = sorted(100 * run[key] for run in runs)
    low, high = f"{values[0]:.1f}", f"{values[-1]:.1f}"
    return f"{fmean(values):.1f}" + ("" if low == high else f" ({low} to {high})")
