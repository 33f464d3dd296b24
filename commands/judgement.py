"""`tunegate compare` and `tunegate gate`: two models' scores to a verdict and an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from .options import Changes, RecipeFile

if TYPE_CHECKING:
    from ..core.results import Scores

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

    comparison = compare_scores(load_scores(base, "base"), load_scores(tuned, "tuned"))
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
    recipe: RecipeFile = None,
    changes: Changes = None,
    out: OutFolder = None,
) -> None:
    """Judge a tuned model against its base; the verdict is the exit code (0 pass, 1 fail, 3 inconclusive).

    Example: tunegate gate --base base_logs/ --tuned tuned_logs/ --margin 0.05 --mean-margin 0.015
    """
    from ..evaluate import GateConfig, compare_scores, judge, write_comparison, write_verdict
    from ..reports import render_verdict_terminal
    from .screen import screen
    from .settings import stage_config

    if run is None and (base is None or tuned is None):
        raise InputError("gate needs a run folder, or --base and --tuned")
    settings = [*_margins(margin), *_given("mean_margin", mean_margin), *_given("alpha", alpha), *(changes or [])]
    policy = stage_config(GateConfig, "gate", recipe or _recipe_of(run), settings)
    comparison = compare_scores(load_scores(base or run, "base"), load_scores(tuned or run, "tuned"))
    verdict = judge(comparison, policy)
    if out:
        write_comparison(comparison, out / "comparison.json")
        write_verdict(verdict, out / "verdict.json")
    typer.echo(render_verdict_terminal(verdict, comparison, **screen()))
    raise typer.Exit(verdict.exit_code)


def load_scores(path: Path | None, side: str) -> Scores:
    """Scores from a file of ours, a run folder, or a folder of lm-eval's sample logs.

    Raises:
        InputError: there is nothing of that kind.
    """
    from ..evaluate import read_sample_logs, read_scores

    assert path is not None
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; give scores of tunegate, a run, or lm-eval's --output_path")
    if path.is_file():
        return read_scores(path)
    if (path / "scores").is_dir():
        return read_scores(path / "scores" / f"{side}.parquet")
    return read_sample_logs(path)


def _recipe_of(run: Path | None) -> Path | None:
    """The recipe that a run keeps, whose limits hold unless options say otherwise."""
    return run / "recipe.yaml" if run and (run / "recipe.yaml").exists() else None


def _margins(margins: list[str] | None) -> list[str]:
    return [f"margins.{margin}" if "=" in margin else f"margin={margin}" for margin in margins or []]


def _given(key: str, value: float | None) -> list[str]:
    return [] if value is None else [f"{key}={value}"]
