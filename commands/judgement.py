"""`tunegate compare`, `gate` and what belongs to them: two models' scores to a verdict and an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from .github import Github, write_summary
from .options import Changes, RecipeFile

if TYPE_CHECKING:
    from ..core.results import Scores

NOISE_FILE = "noise.json"
DEFAULT_LOCK = Path("tunegate.lock.json")
Lock = Annotated[Path, typer.Option(help="File of the accepted reference; used where it exists.")]
OutFolder = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the JSON files.", show_default=False)]


def compare(
    base: Annotated[Path, typer.Argument(help="Scores of the base model: a file, a run, or lm-eval's sample logs.")],
    tuned: Annotated[Path, typer.Argument(help="The same for the tuned model.")],
    out: OutFolder = None,
) -> None:
    """Pair two models' scores item by item and show what was lost and gained; nothing is judged.

    Example: tunegate compare base.scores.parquet tuned.scores.parquet
    """
    from ..evaluate import compare_scores, write_comparison
    from ..reports import render_comparison_terminal
    from .screen import screen

    comparison = compare_scores(*load_pair(base, tuned))
    if out:
        write_comparison(comparison, out / "comparison.json")
    typer.echo(render_comparison_terminal(comparison, **screen()))


def gate(
    run: Annotated[Path | None, typer.Argument(help="A run folder.", show_default=False)] = None,
    base: Annotated[Path | None, typer.Option(help="Scores of the base model, if there is no run.")] = None,
    tuned: Annotated[Path | None, typer.Option(help="Scores of the tuned model.")] = None,
    margin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SHARE|TASK=SHARE", help="Largest loss on a benchmark (0.05: 5 points).", show_default=False
        ),
    ] = None,
    mean_margin: Annotated[float | None, typer.Option(help="Largest loss of the mean.", show_default=False)] = None,
    alpha: Annotated[float | None, typer.Option(help="One-sided error rate.", show_default=False)] = None,
    task: Annotated[str | None, typer.Option(help="In lm-eval's logs, your own task.", show_default=False)] = None,
    metric: Annotated[
        list[str] | None, typer.Option(metavar="TASK=METRIC", help="In lm-eval's logs.", show_default=False)
    ] = None,
    recipe: RecipeFile = None,
    changes: Changes = None,
    lock: Lock = DEFAULT_LOCK,
    aa: Annotated[bool, typer.Option("--aa", help="First measure the run's base against itself.")] = False,
    out: OutFolder = None,
    github: Github = False,
) -> None:
    """Judge a tuned model against its base; the verdict is the exit code (0 pass, 1 fail, 3 inconclusive).

    Example: tunegate gate --base base_logs/ --tuned tuned_logs/ --margin 0.05 --mean-margin 0.015
    """
    from ..core.results import RunResults
    from ..evaluate import GateConfig, compare_scores, judge, reference_comparisons, write_comparison, write_verdict
    from ..reports import render_verdict_terminal
    from .screen import screen
    from .settings import stage_config

    if run is None and (base is None or tuned is None):
        raise InputError("gate needs a run folder, or --base and --tuned")
    if aa:
        if run is None:
            raise InputError("--aa needs a run folder, whose recipe says what to measure")
        _measure_noise(run)
    settings = [*_margins(margin), *_given("mean_margin", mean_margin), *_given("alpha", alpha), *(changes or [])]
    policy = stage_config(GateConfig, "gate", recipe or _recipe_of(run), settings)
    pair = load_pair(base or run, tuned or run, task=task, metrics=_metrics(metric))
    comparison = compare_scores(*pair)
    references = reference_comparisons(lock, *pair) if lock.exists() else None
    verdict = judge(comparison, policy, references=references, noise=_noise(run))
    if out:
        write_comparison(comparison, out / "comparison.json")
        write_verdict(verdict, out / "verdict.json")
    typer.echo(render_verdict_terminal(verdict, comparison, **screen()))
    if github:
        results = RunResults(name=(out or Path("gate")).name, comparison=comparison, verdict=verdict)
        write_summary(results, out or Path("gate"))
    raise typer.Exit(verdict.exit_code)


def plan(
    recipe: Annotated[Path, typer.Argument(help="The recipe.")],
    changes: Changes = None,
    pilot: Annotated[
        Path | None, typer.Option(help="An earlier run, whose share of changed items is used.", show_default=False)
    ] = None,
) -> None:
    """Say, before anything is measured, which losses the recipe's items could find, and how many items would do.

    Example: tunegate plan recipe.yaml --pilot runs/earlier
    """
    from ..evaluate import benchmark_sizes, plan_gate, plan_text, sizes_with_pilot
    from ..pipeline import load_run
    from ..recipe import read_recipe

    settings = read_recipe(recipe, changes=changes or ())
    sizes = benchmark_sizes(settings.evaluate, seed=settings.seed)
    comparison = load_run(pilot).comparison if pilot else None
    if comparison:
        sizes = sizes_with_pilot(sizes, comparison)
    typer.echo(plan_text(plan_gate(sizes, settings.gate)))


def accept(
    run: Annotated[Path, typer.Argument(help="The run whose model is deployed.")],
    by: Annotated[str, typer.Option(help="Who accepts it.")],
    reason: Annotated[str, typer.Option(help="Why, if the run did not pass.")] = "",
    lock: Lock = DEFAULT_LOCK,
) -> None:
    """Make a deployed run the reference that later runs must not fall behind; commit the file it writes.

    Example: tunegate accept runs/recipe --by ada@example.org
    """
    from ..evaluate import accept_scores
    from ..pipeline import load_run

    results = load_run(run)
    if results.base_scores is None or results.tuned_scores is None or results.verdict is None:
        raise InputError(f"{run}: the run has no verdict yet; finish it with: tunegate run RECIPE --out {run}")
    accept_scores(results.base_scores, results.tuned_scores, results.verdict, lock=lock, by=by, reason=reason)
    typer.echo(f"{lock}: {run} is the reference from now on; commit this file")


def _measure_noise(run: Path) -> None:
    """Measure the base against itself under settings that should not matter; leave noise.json in the run."""
    from ..evaluate import measure_noise, write_noise
    from ..pipeline import load_data
    from ..recipe import read_recipe

    recipe = read_recipe(run / "recipe.yaml")
    floor = measure_noise(
        recipe.model,
        task=load_data(recipe)[1],
        config=recipe.evaluate,
        prompts=recipe.prompts,
        seed=recipe.seed,
    )
    write_noise(floor, run / NOISE_FILE)
    typer.echo("\n".join(["base against base:", *floor.lines]))


def load_pair(
    base: Path | None, tuned: Path | None, *, task: str | None = None, metrics: dict[str, str] | None = None
) -> tuple[Scores, Scores]:
    """Scores of both models, from files of ours, run folders, or folders of lm-eval's sample logs.

    Raises:
        InputError: there is nothing of that kind.
    """
    from ..evaluate import read_log_pair

    assert base is not None
    assert tuned is not None
    places = [_score_file(base, "base"), _score_file(tuned, "tuned")]
    if places[0] is None and places[1] is None:
        return read_log_pair(base, tuned, task=task, metrics=metrics)
    return _scores(base, places[0]), _scores(tuned, places[1])


def _score_file(path: Path, side: str) -> Path | None:
    """The file of ours behind a path; None: a folder of something else."""
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; give scores of tunegate, a run, or lm-eval's --output_path")
    if path.is_dir():
        return path / "scores" / f"{side}.parquet" if (path / "scores").is_dir() else None
    return path


def _scores(path: Path, file: Path | None) -> Scores:
    from ..evaluate import read_logs, read_scores

    return read_scores(file) if file else read_logs(path)


def _noise(run: Path | None) -> dict[str, float] | None:
    from ..evaluate import read_noise

    return read_noise(run / NOISE_FILE).shares if run and (run / NOISE_FILE).exists() else None


def _recipe_of(run: Path | None) -> Path | None:
    """The recipe that a run keeps, whose limits hold unless options say otherwise."""
    return run / "recipe.yaml" if run and (run / "recipe.yaml").exists() else None


def _margins(margins: list[str] | None) -> list[str]:
    return [f"margins.{margin}" if "=" in margin else f"margin={margin}" for margin in margins or []]


def _metrics(metrics: list[str] | None) -> dict[str, str]:
    for metric in metrics or []:
        if "=" not in metric:
            raise InputError(f"--metric {metric!r}: write it as task=metric, such as gsm8k=exact_match")
    return dict(metric.split("=", 1) for metric in metrics or [])


def _given(key: str, value: float | None) -> list[str]:
    return [] if value is None else [f"{key}={value}"]
