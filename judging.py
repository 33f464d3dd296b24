"""Two models to the scores in a run folder (all at once or as many as a verdict takes), their drift, their verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from . import evaluate
from .core.console import note
from .core.models import model_fingerprint
from .core.records import Examples
from .core.results import Drift, Scores
from .core.runfolder import RunFolder
from .core.store import hash_files
from .recipe import Recipe

LOCK_FILE = Path("tunegate.lock.json")
"""The accepted reference, in the working directory: where a repository keeps it under review."""
DRIFT_FILE = "drift.json"
NOISE_FILE = "noise.json"
IN_BLOCKS = "evaluate in blocks"
"""The stage that takes the place of `evaluate base` and `evaluate tuned`."""
SIDES = ("base", "tuned")


def goes_in_blocks(recipe: Recipe, *, causal: bool) -> bool:
    """Whether a run measures in blocks; where it cannot though it is asked to, a line says why."""
    if recipe.evaluate.blocks == 1:
        return False
    if not causal:
        note("evaluate.blocks: only causal models are measured in blocks; all items are measured at once")
    elif LOCK_FILE.exists():
        note(f"evaluate.blocks: {LOCK_FILE} is compared on all its items; all items are measured at once")
    return causal and not LOCK_FILE.exists()


def evaluate_in_blocks(
    run: RunFolder, recipe: Recipe, inputs: Mapping[str, Any], measure: Callable[[str, float | None], Scores]
) -> bool:
    """Measure both models in growing blocks until the gate's checks are decided; leaves scores/base and /tuned.

    A killed run asks nothing twice: every answer is in the cache.

    Args:
        run: The folder.
        recipe: Its gate decides when to stop, its `evaluate.blocks` how often is looked.
        inputs: By side, what its scores depend on.
        measure: Side and share of the items → scores.
    """

    def work() -> Mapping[str, Any]:
        def look(share: float) -> tuple[Scores, Scores]:
            note(f"both models on the first {share:.0%} of the items")
            return measure("base", share), measure("tuned", share)

        found = evaluate.judge_in_blocks(look, recipe.gate, blocks=recipe.evaluate.blocks)
        for side, scores in zip(SIDES, found.scores, strict=True):
            evaluate.write_scores(scores, score_file(run.path, side))
        note(f"{found.verdict.outcome.upper()} after {found.share:.0%} of the items")
        return {"looks": list(found.looks)}

    stated = {"sides": inputs, "blocks": recipe.evaluate.blocks, "gate": recipe.gate.model_dump(mode="json")}
    return run.run_stage(IN_BLOCKS, stated, [f"scores/{side}.parquet" for side in SIDES], work)


def evaluate_at_once(
    run: RunFolder, side: str, inputs: Mapping[str, Any], measure: Callable[[str, float | None], Scores]
) -> bool:
    """Measure one model on all items; leaves its file in scores/."""

    def work() -> None:
        evaluate.write_scores(measure(side, None), score_file(run.path, side))

    return run.run_stage(f"evaluate {side}", inputs, [f"scores/{side}.parquet"], work)


def measure_run_drift(
    run: RunFolder,
    recipe: Recipe,
    *,
    tuned: tuple[str, Path | None],
    test: tuple[Path, Callable[[], Examples]],
    resident: evaluate.Resident,
) -> bool:
    """Measure how far the tuned model moved from its base, where the recipe asks for it and both write words.

    Args:
        run: The folder; drift.json is left in it.
        recipe: `evaluate.drift_rows` says on how many rows.
        tuned: The tuned model and its adapter.
        test: File of the held-out rows, and what loads them.
        resident: What evaluation left in memory.
    """
    file, config, base = run.path / DRIFT_FILE, recipe.evaluate, recipe.model
    wanted = config.drift_rows > 0 and evaluate.is_causal(base) and evaluate.is_causal(*tuned)
    if not wanted and not file.exists():
        return False

    def work() -> None:
        file.unlink(missing_ok=True)
        if wanted:
            shared: dict[str, Any] = {"prompts": recipe.prompts, "seed": recipe.seed, "resident": resident}
            model, adapter = tuned
            drift = evaluate.measure_drift(base, model, adapter=adapter, task=test[1](), config=config, **shared)
            evaluate.write_drift(drift, file)

    inputs = {
        "models": [model_fingerprint(base), model_fingerprint(*tuned)],
        "config": config.model_dump(mode="json", include={"drift_rows", "dtype", "max_length"}),
        "prompts": recipe.prompts.model_dump(mode="json"),
        "test": [hash_files([test[0]]), recipe.seed],
    }
    return run.run_stage("drift", inputs, [DRIFT_FILE] if wanted else [], work)


def judge_run(run: RunFolder, recipe: Recipe) -> bool:
    """Compare and judge the scores of a run; returns whether there was work to do."""
    files = [score_file(run.path, side) for side in SIDES]
    noise_file = run.path / NOISE_FILE

    def work() -> Mapping[str, Any]:
        base, tuned = map(evaluate.read_scores, files)
        comparison = evaluate.compare_scores(base, tuned)
        references = evaluate.reference_comparisons(LOCK_FILE, base, tuned) if LOCK_FILE.exists() else None
        noise = evaluate.read_noise(noise_file).shares if noise_file.exists() else None
        verdict = evaluate.judge(comparison, recipe.gate, references=references, noise=noise)
        evaluate.write_comparison(comparison, run.path / "comparison.json")
        evaluate.write_verdict(verdict, run.path / "verdict.json")
        return {"outcome": verdict.outcome, "exit_code": verdict.exit_code}

    beside = [file for file in (LOCK_FILE, noise_file) if file.exists()]
    inputs = {"scores": hash_files([*files, *beside]), "gate": recipe.gate.model_dump(mode="json")}
    return run.run_stage("judge", inputs, ["comparison.json", "verdict.json"], work)


def read_side(path: Path, side: str, done: Collection[str]) -> Scores | None:
    """One side's scores in a run folder; None where no stage that is done wrote them."""
    return evaluate.read_scores(score_file(path, side)) if f"evaluate {side}" in done or IN_BLOCKS in done else None


def read_run_drift(path: Path) -> Drift | None:
    """The drift in a run folder; None where it was not measured."""
    return evaluate.read_drift(path / DRIFT_FILE) if (path / DRIFT_FILE).exists() else None


def score_file(path: Path, side: str) -> Path:
    """Where the scores of one side are in a run folder."""
    return path / "scores" / f"{side}.parquet"
