"""`tunegate compare`, `gate` and what belongs to them: two models' scores to a verdict and an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from ..core.store import require_writable
from .github import Github, write_summary
from .options import Changes, RecipeFile
from .score_pair import load_pair

if TYPE_CHECKING:
    from ..core.results import Comparison, Scores, Verdict
    from ..evaluate import GateConfig

NOISE_FILE = "noise.json"
DEFAULT_LOCK = Path("tunegate.lock.json")
Lock = Annotated[Path, typer.Option(help="File of the accepted reference; used where it exists.")]
Margins = Annotated[
    list[str] | None,
    typer.Option(metavar="SHARE|TASK=SHARE", help="Largest loss on a benchmark (0.05: 5 points).", show_default=False),
]
Metrics = Annotated[list[str] | None, typer.Option(metavar="TASK=METRIC", help="In foreign logs.", show_default=False)]
OutFolder = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the JSON files.", show_default=False)]


def compare(
    base: Annotated[
        Path, typer.Argument(help="Scores of the base model: a file, a run, or logs of lm-eval or lighteval.")
    ],
    tuned: Annotated[Path, typer.Argument(help="The same for the tuned model.")],
    out: OutFolder = None,
) -> None:
    """Pair two models' scores item by item and show what was lost and gained; nothing is judged.

    Example: tunegate compare base.scores.parquet tuned.scores.parquet
    """
    from ..evaluate import compare_scores, write_comparison
    from ..reports import render_comparison_terminal
    from .screen import screen

    if out:
        require_writable(out)
    comparison = compare_scores(*load_pair(base, tuned))
    if out:
        write_comparison(comparison, out / "comparison.json")
    typer.echo(render_comparison_terminal(comparison, **screen()))


def gate(
    run: Annotated[Path | None, typer.Argument(help="A run folder.", show_default=False)] = None,
    base: Annotated[Path | None, typer.Option(help="Scores of the base model, if there is no run.")] = None,
    tuned: Annotated[Path | None, typer.Option(help="Scores of the tuned model.")] = None,
    margin: Margins = None,
    mean_margin: Annotated[float | None, typer.Option(help="Largest loss of the mean.", show_default=False)] = None,
    alpha: Annotated[float | None, typer.Option(help="One-sided error rate.", show_default=False)] = None,
    task: Annotated[str | None, typer.Option(help="In foreign logs, your own task.", show_default=False)] = None,
    metric: Metrics = None,
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
    from ..evaluate import GateConfig
    from .settings import stage_config

    sides = _sides(run, base, tuned)
    if out:
        require_writable(out)
    if aa:
        _measure_noise(run)
    level = [] if alpha is None else [f"alpha={alpha}"]
    settings = [*_margins(margin, mean_margin), *level, *(changes or [])]
    policy = stage_config(GateConfig, "gate", recipe or _recipe_of(run), settings)
    scores = load_pair(*sides, task=task, metrics=_metrics(metric))
    verdict, comparison = _judged(scores, policy, lock, _noise(run))
    _show(verdict, comparison, out, github=github)
    raise typer.Exit(verdict.exit_code)


def _sides(run: Path | None, base: Path | None, tuned: Path | None) -> tuple[Path, Path]:
    """Where the scores of both models are."""
    first, second = base or run, tuned or run
    if first is None or second is None:
        raise InputError("gate needs a run folder, or --base and --tuned")
    return first, second


def _judged(
    scores: tuple[Scores, Scores], policy: GateConfig, lock: Path, noise: dict[str, float] | None
) -> tuple[Verdict, Comparison]:
    from ..evaluate import compare_scores, judge, reference_comparisons

    comparison = compare_scores(*scores)
    references = reference_comparisons(lock, *scores) if lock.exists() else None
    return judge(comparison, policy, references=references, noise=noise), comparison


def _show(verdict: Verdict, comparison: Comparison, out: Path | None, *, github: bool) -> None:
    """Print the verdict, and leave its files where they are wanted."""
    from ..core.results import RunResults
    from ..evaluate import write_comparison, write_verdict
    from ..reports import render_verdict_terminal
    from .screen import screen

    if out:
        write_comparison(comparison, out / "comparison.json")
        write_verdict(verdict, out / "verdict.json")
    typer.echo(render_verdict_terminal(verdict, comparison, **screen()))
    if github:
        folder = out or Path("gate")
        write_summary(RunResults(name=folder.name, comparison=comparison, verdict=verdict), folder)


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
    from ..evaluate import benchmark_sizes, plan_gate, plan_text, seconds_an_item, sizes_with_pilot
    from ..pipeline import load_run
    from ..recipe import read_recipe

    settings = read_recipe(recipe, changes=changes or ())
    sizes = benchmark_sizes(settings.evaluate, seed=settings.seed)
    earlier = load_run(pilot) if pilot else None
    if earlier and earlier.comparison:
        sizes = sizes_with_pilot(sizes, earlier.comparison, seconds_an_item(earlier.base_scores))
    typer.echo(plan_text(plan_gate(sizes, settings.gate, blocks=settings.evaluate.blocks)))


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

    require_writable(lock.parent)
    results = load_run(run)
    if results.base_scores is None or results.tuned_scores is None or results.verdict is None:
        raise InputError(f"{run}: the run has no verdict yet; finish it with: tunegate run RECIPE --out {run}")
    accept_scores(results.base_scores, results.tuned_scores, results.verdict, lock=lock, by=by, reason=reason)
    typer.echo(f"{lock}: {run} is the reference from now on; commit this file")


def _measure_noise(run: Path | None) -> None:
    """Measure the base against itself under settings that should not matter; leave noise.json in the run."""
    if run is None:
        raise InputError("--aa needs a run folder, whose recipe says what to measure")
    require_writable(run)
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


def _noise(run: Path | None) -> dict[str, float] | None:
    from ..evaluate import read_noise

    return read_noise(run / NOISE_FILE).shares if run and (run / NOISE_FILE).exists() else None


def _recipe_of(run: Path | None) -> Path | None:
    """The recipe that a run keeps, whose limits hold unless options say otherwise."""
    return run / "recipe.yaml" if run and (run / "recipe.yaml").exists() else None


def _margins(margins: list[str] | None, mean: float | None) -> list[str]:
    """`--margin` and `--mean-margin` as changes of the policy."""
    changes = [] if mean is None else [f"mean_margin={_share('--mean-margin', str(mean))}"]
    for margin in margins or []:
        task, _, value = margin.rpartition("=")
        if "=" in margin and not task:
            raise InputError(f"--margin {margin!r}: write it as SHARE or TASK=SHARE, such as 0.05 or hellaswag=0.02")
        changes.append(f"margins.{task}={value}" if task else f"margin={_share('--margin', value)}")
    return changes


def _share(option: str, value: str) -> str:
    """A share as it was written, where it is one."""
    try:
        fits = 0 < float(value) < 1
    except ValueError:
        fits = False
    if not fits:
        raise InputError(f"{option} {value}: write a share above 0 and below 1 (0.05 is 5 points)")
    return value


def _metrics(metrics: list[str] | None) -> dict[str, str]:
    for metric in metrics or []:
        if "=" not in metric:
            raise InputError(f"--metric {metric!r}: write it as task=metric, such as gsm8k=exact_match")
    return dict(metric.split("=", 1) for metric in metrics or [])
