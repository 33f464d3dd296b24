"""The story of a run: curate, train, evaluate twice, compare, judge, report; stages talk through files."""

from __future__ import annotations

import platform
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import curate, evaluate, judging, reports, train
from .core.console import note
from .core.formats import load_examples, write_examples
from .core.models import load_tokenizer, model_fingerprint
from .core.records import Examples
from .core.results import BenchmarkItem, RunResults, Scores
from .core.runfolder import RunFolder, open_run
from .core.split import split_examples
from .core.store import fingerprint, hash_files, hash_named, read_json, require_result, write_text
from .preview import preview, require_verdict
from .recipe import Recipe, read_recipe, recipe_yaml
from .screening import screen_replay, screened_config

REPORT_FILES = {
    "html": "report.html",
    "markdown": "report.md",
    "junit": "junit.xml",
    "json": "report.json",
    "sarif": "findings.sarif",
    "model-card": "model_card.md",
}
ASIDE = {"blocks", "drift_rows"}
"""Settings of `evaluate` that change no score."""
LIBRARIES = ("tunegate", "torch", "transformers", "peft", "lm_eval", "datasets", "scikit-learn", "numpy")


def run_recipe(
    path: Path | str, *, out: Path | str | None = None, changes: Sequence[str] = (), fresh: bool = False
) -> RunResults:
    """Run a recipe from data to verdict, or as much of it as is missing or changed.

    Args:
        path: the recipe file.
        out: the run folder; none: `runs/NAME`.
        changes: `a.b=value` on top of the recipe.
        fresh: redo everything.

    Raises:
        InputError: recipe, data or model cannot be used.
        IntegrityError: base and tuned were not measured on the same items.
    """
    path = Path(path)
    recipe = read_recipe(path, changes=changes)
    with open_run(default_out(path) if out is None else Path(out), owner=str(path.resolve()), fresh=fresh) as run:
        _record_provenance(run, path, recipe, changes)
        resident = evaluate.Resident()
        worked = [
            _curate(run, recipe),
            _train(run, recipe),
            _evaluate(run, recipe, resident),
            _drift(run, recipe, resident),
            judging.judge_run(run, recipe),
            _report(run, recipe),
        ]
        if not any(worked):
            note(f"{run.path}: nothing to do, every stage is done for this recipe and data (--fresh redoes all)")
        return load_run(run.path)


def preview_run(path: Path | str, *, changes: Sequence[str] = ()) -> str:
    """What a run of the recipe would do, stage by stage; nothing is written.

    Raises:
        InputError: what the real run would fail on.
    """
    recipe = read_recipe(Path(path), changes=changes)
    return preview(recipe, *load_data(recipe))


def write_report(results: RunResults, out: Path, *, formats: Sequence[str] = tuple(REPORT_FILES)) -> list[Path]:
    """Write results as report.html, report.md, junit.xml, report.json, findings.sarif, model_card.md.

    Returns:
        What was written; what the results have nothing for is left out.
    """
    render = {
        "html": reports.render_html,
        "markdown": reports.render_markdown,
        "junit": reports.render_junit,
        "json": reports.render_json,
        "sarif": lambda results: reports.render_sarif(results.ledger),
        "model-card": reports.render_model_card,
    }
    written = [form for form in formats if form != "sarif" or results.ledger]
    for form in written:
        write_text(out / REPORT_FILES[form], render[form](results))
    return [out / REPORT_FILES[form] for form in written]


def default_out(recipe: Path) -> Path:
    """Where a recipe's run goes when nobody says: `runs/NAME` in the working directory."""
    return Path("runs") / recipe.stem


def load_run(path: Path) -> RunResults:
    """Everything that a run folder holds, typed; a stage that did not run is None.

    Raises:
        InputError: there is no run.
        IntegrityError: a file of it is damaged.
    """
    require_result(path, "run.json", "give the folder of a run, such as runs/NAME, which tunegate run RECIPE writes")
    state = read_json(path / "run.json")
    done = {name for name, stage in state["stages"].items() if stage.get("state") == "done"}
    return RunResults(
        name=path.resolve().name,
        ledger=curate.read_ledger(path / "curated") if (path / "curated" / "summary.json").exists() else None,
        tuned=train.read_tuned(path / "model") if "train" in done else None,
        base_scores=judging.read_side(path, "base", done),
        tuned_scores=judging.read_side(path, "tuned", done),
        comparison=evaluate.read_comparison(path / "comparison.json") if "judge" in done else None,
        verdict=evaluate.read_verdict(path / "verdict.json") if "judge" in done else None,
        drift=judging.read_run_drift(path),
        provenance=state,
    )


def _curate(run: RunFolder, recipe: Recipe) -> bool:
    curated = run.path / "curated"

    def work() -> Mapping[str, Any]:
        rows, test = load_data(recipe)
        require_verdict(recipe, test)
        shutil.rmtree(curated, ignore_errors=True)  # a run on other data may have left files of another format
        curated.mkdir()
        if recipe.curate is None:
            write_examples(rows, curated / f"train.{rows.format}")
        else:
            items = evaluate.benchmark_items(recipe.evaluate, seed=recipe.seed) + _selection_items(recipe)
            tokenizer = load_tokenizer(recipe.model)
            cleaned = curate.curate_dataset(
                rows,
                config=recipe.curate,
                test=test,
                benchmarks=items,
                overrides=Path(recipe.data.overrides) if recipe.data.overrides else None,
                tokenizer=tokenizer,
            )
            told = screen_replay(recipe, items, curated)
            summary = {**cleaned.summary, "warnings": [*cleaned.summary["warnings"], *told]}
            curate.write_curation(replace(cleaned, summary=summary), curated)
        if recipe.data.test is None:
            write_examples(test, curated / f"heldout.{test.format}")
        return {"kind": rows.kind, "columns": dict(rows.columns), "labels": _labels(rows, test)}

    inputs = {
        "data": _data_fingerprints(recipe),
        "config": recipe.curate and recipe.curate.model_dump(mode="json"),
        "benchmarks": recipe.evaluate.model_dump(mode="json", exclude=ASIDE),
        "benchmark content": evaluate.local_content(recipe.evaluate),
        "selection": recipe.train.monitor.benchmark_items,
        "replay": _file_hashes(recipe.train.replay.source),
        "seed": recipe.seed,
    }
    return run.run_stage("curate", inputs, ["curated"], work)


def _train(run: RunFolder, recipe: Recipe) -> bool:
    rehearsed = screened_config(recipe, run.path / "curated")

    def work() -> Mapping[str, Any]:
        watched = _selection_items(recipe)
        _tell_of_unwatched(recipe, watched)
        tuned = train.train_model(
            _kept(run, recipe),
            model=recipe.model,
            config=rehearsed,
            prompts=recipe.prompts,
            out=run.path / "model",
            watched=watched,
            seed=recipe.seed,
        )
        return {"steps": tuned.steps, "method": tuned.method}

    inputs = {
        "kept": hash_files([_curated_file(run, "train")]),
        "model": model_fingerprint(recipe.model),
        "config": recipe.train.model_dump(mode="json"),
        "prompts": recipe.prompts.model_dump(mode="json"),
        "watched": recipe.evaluate.model_dump(mode="json", include={"suite", "benchmarks", "limit", "mirror"}),
        "watched content": evaluate.local_content(recipe.evaluate) if recipe.train.monitor.benchmark_items else {},
        "general": _file_hashes(rehearsed.replay.source, rehearsed.monitor.retention),
        "seed": recipe.seed,
    }
    return run.run_stage("train", inputs, ["model"], work)


def _selection_items(recipe: Recipe) -> list[BenchmarkItem]:
    """Benchmark items that the gate does not ask: training watches them and chooses by them."""
    limit = recipe.train.monitor.benchmark_items
    return evaluate.selection_items(recipe.evaluate, limit=limit, seed=recipe.seed) if limit else []


def _tell_of_unwatched(recipe: Recipe, watched: Sequence[BenchmarkItem]) -> None:
    if not watched and isinstance(recipe.train.interpolate, float):
        return
    asked = evaluate.benchmark_items(recipe.evaluate, seed=recipe.seed)
    for name in sorted({item.task for item in asked} - {item.task for item in watched}):
        note(f"{name}: the gate asks every item of it, so training watches none (lower its limit to leave some)")


def _evaluate(run: RunFolder, recipe: Recipe, resident: evaluate.Resident) -> bool:
    def measure(side: str, share: float | None) -> Scores:
        model, adapter = _model_of(run, recipe, side)
        return evaluate.evaluate_model(
            model,
            adapter=adapter,
            task=_test(run, recipe),
            config=_evaluate_config(run, recipe),
            prompts=recipe.prompts,
            contaminated=curate.read_ledger(run.path / "curated").contaminated if recipe.curate else (),
            cache=evaluate.cache_folder(),
            seed=recipe.seed,
            train=_kept(run, recipe) if side == "base" else None,
            resident=resident,
            share=share,
        )

    inputs = {side: _scored_from(run, recipe, side) for side in judging.SIDES}
    causal = evaluate.is_causal(recipe.model) and evaluate.is_causal(*_model_of(run, recipe, "tuned"))
    if judging.goes_in_blocks(recipe, causal=causal):
        run.forget_stages(*(f"evaluate {side}" for side in judging.SIDES))
        return judging.evaluate_in_blocks(run, recipe, inputs, measure)
    run.forget_stages(judging.IN_BLOCKS)
    worked = [judging.evaluate_at_once(run, side, inputs[side], measure) for side in judging.SIDES]
    return any(worked)


def _scored_from(run: RunFolder, recipe: Recipe, side: str) -> Mapping[str, Any]:
    """All that one side's scores depend on."""
    return {
        "model": model_fingerprint(*_model_of(run, recipe, side)),
        "config": _evaluate_config(run, recipe).model_dump(mode="json", exclude=ASIDE),
        "prompts": recipe.prompts.model_dump(mode="json"),
        "test": hash_files([_test_file(run, recipe)]),
        "benchmark content": evaluate.local_content(recipe.evaluate),
        "general": _file_hashes(*(name for one in recipe.evaluate.retention for name in (one.data, one.test))),
        "curation": run.stage("curate")["key"],
        "seed": recipe.seed,
    }


def _evaluate_config(run: RunFolder, recipe: Recipe) -> evaluate.EvaluateConfig:
    """The recipe's, with the labels that a causal model chooses between, and what separates a row's labels."""
    labels = recipe.evaluate.labels or tuple(run.stage("curate")["labels"])
    separator = recipe.evaluate.multi_label or recipe.train.multi_label
    return recipe.evaluate.model_copy(update={"labels": labels, "multi_label": separator})


def _model_of(run: RunFolder, recipe: Recipe, side: str) -> tuple[str, Path | None]:
    """The base or the tuned model; where an adapter was tuned, the base and the adapter on it."""
    if side == "base":
        return recipe.model, None
    tuned = train.read_tuned(run.path / "model")
    return (recipe.model, tuned.path) if tuned.is_adapter else (str(tuned.path), None)


def _drift(run: RunFolder, recipe: Recipe, resident: evaluate.Resident) -> bool:
    tuned, test = _model_of(run, recipe, "tuned"), (_test_file(run, recipe), lambda: _test(run, recipe))
    return judging.measure_run_drift(run, recipe, tuned=tuned, test=test, resident=resident)


def _report(run: RunFolder, recipe: Recipe) -> bool:
    formats = [form for form in recipe.report.formats if form != "sarif" or recipe.curate]
    outputs = [REPORT_FILES[form] for form in formats]
    stages = run.state()["stages"]
    inputs = {"stages": {name: stages[name]["key"] for name in stages if name != "report"}, "outputs": outputs}

    def work() -> None:
        write_report(load_run(run.path), run.path, formats=formats)

    return run.run_stage("report", inputs, outputs, work)


def load_data(recipe: Recipe) -> tuple[Examples, Examples]:
    """Training rows and test rows of a recipe; without a test file a share of every class is held out.

    Raises:
        DataError: a file cannot be used, or the two files hold different kinds of rows.
    """
    data = recipe.data
    rows = load_examples(data.train, kind=data.kind, columns=data.columns, allow_partial=data.allow_partial)
    if data.test is None:
        return split_examples(rows, share=data.holdout, seed=recipe.seed)
    return rows, load_examples(data.test, kind=rows.kind, columns=data.columns, allow_partial=data.allow_partial)


def _labels(rows: Examples, test: Examples) -> list[str]:
    """Every label there is: what a causal model chooses between, for base and tuned alike."""
    return sorted({*rows.targets, *test.targets}) if rows.kind == "label" else []


def _kept(run: RunFolder, recipe: Recipe) -> Examples:
    return load_examples(_curated_file(run, "train"), kind=run.stage("curate")["kind"], columns=recipe.data.columns)


def _test(run: RunFolder, recipe: Recipe) -> Examples:
    return load_examples(_test_file(run, recipe), kind=run.stage("curate")["kind"], columns=recipe.data.columns)


def _test_file(run: RunFolder, recipe: Recipe) -> Path:
    return Path(recipe.data.test) if recipe.data.test else _curated_file(run, "heldout")


def _curated_file(run: RunFolder, stem: str) -> Path:
    return next(iter(sorted((run.path / "curated").glob(f"{stem}.*"))))


def _data_fingerprints(recipe: Recipe) -> dict[str, Any]:
    """What the data is: hashes of local files, else the name under which a hub knows it."""
    data = recipe.data
    return {"files": _file_hashes(*data.train, data.test, data.overrides), **data.model_dump(mode="json")}


def _file_hashes(*names: str | None) -> dict[str, str]:
    return {name: hash_named(name) for name in names if name}


def _record_provenance(run: RunFolder, path: Path, recipe: Recipe, changes: Sequence[str]) -> None:
    resolved = recipe_yaml(recipe)
    write_text(run.path / "recipe.yaml", resolved)
    settings = [part for change in changes for part in ("--set", change)]
    run.update(
        command=shlex.join(["tunegate", "run", str(path), *settings, "--out", str(run.path)]),
        recipe_fingerprint=fingerprint(resolved),
        seed=recipe.seed,
        model=recipe.model,
        python=platform.python_version(),
        libraries={name: version(name) for name in LIBRARIES},
    )
