"""`tunegate curate`: clean a dataset before training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import InputError
from ..core.store import require_writable
from . import questions
from .github import Github, write_summary
from .options import AllowPartial, Changes, Columns, Kind, RecipeFile, read_columns, refuse_existing
from .screen import screen

if TYPE_CHECKING:
    from ..core.records import Curation, Examples
    from ..curate import CurateConfig


Test = Annotated[str | None, typer.Option(help="Test rows that must not be trained on.", show_default=False)]
Benchmarks = Annotated[
    list[str] | None,
    typer.Option(
        "--benchmark", "-b", help="lm-eval task, group or YAML that must not be trained on.", show_default=False
    ),
]
Mirror = Annotated[Path | None, typer.Option(help="Folder with the benchmarks' data.", show_default=False)]
Overrides = Annotated[Path | None, typer.Option(help="A reviewer's decisions (JSONL).", show_default=False)]
Index = Annotated[
    Path | None, typer.Option(help="Folder of all rows accepted before; the kept rows join it.", show_default=False)
]
Explain = Annotated[
    str | None, typer.Option(metavar="ID|FILE:LINE", help="Tell all that is known of one row.", show_default=False)
]
ProveBy = Annotated[
    Path | None, typer.Option(metavar="RECIPE", help="--prove by tuning the model of a recipe.", show_default=False)
]


def curate(
    data: Annotated[list[str] | None, typer.Argument(help="Files, folder or hub id.", show_default=False)] = None,
    test: Test = None,
    benchmark: Benchmarks = None,
    mirror: Mirror = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder.", show_default="NAME.curated")] = None,
    recipe: RecipeFile = None,
    changes: Changes = None,
    kind: Kind = None,
    columns: Columns = None,
    overrides: Overrides = None,
    allow_partial: AllowPartial = False,
    index: Index = None,
    explain: Explain = None,
    advise: Annotated[bool, typer.Option("--advise", help="Show your own pairs per similarity; stop.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be compared, how well, and stop.")] = False,
    exact: Annotated[bool, typer.Option("--exact", help="Find every near-duplicate by an exact join.")] = False,
    prove: Annotated[bool, typer.Option("--prove", help="Compare kept with random rows by a cheap model.")] = False,
    prove_by: ProveBy = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; 1 if a row of any file would go.")] = False,
    list_rules: Annotated[bool, typer.Option("--list-rules", help="Name every rule and stop.")] = False,
    github: Github = False,
) -> None:
    """Remove duplicates, leaks, conflicts and junk; account for every row.

    Example: tunegate curate train.jsonl --test test.jsonl -b hellaswag --mirror mirror --set dedup.threshold=0.7
    """
    if list_rules:
        typer.echo(questions.rules())
        return
    if not data:
        raise InputError("curate needs a data file, such as: tunegate curate train.jsonl")
    target = out or Path(f"{Path(data[0]).name.split('.')[0]}.curated")
    if explain:
        typer.echo(questions.explanation(target, explain))
        return
    from ..core.formats import load_examples
    from ..curate import CurateConfig
    from ..recipe import read_recipe
    from .settings import benchmark_questions, recipe_overrides, stage_config

    def load(source: str | list[str]) -> Examples:
        return load_examples(source, kind=kind, columns=read_columns(columns), allow_partial=allow_partial)

    config = stage_config(CurateConfig, "curate", recipe, [*(changes or ()), *(["dedup.exact=true"] if exact else ())])
    if dry_run:
        typer.echo(questions.forecast(load(data), config))
        return
    if advise:
        typer.echo(questions.advice(load(data), config))
        return
    held_out = load(test) if test else None
    questions_asked = benchmark_questions(recipe, benchmark, mirror)
    decisions = overrides or recipe_overrides(recipe)
    beside = {"test": held_out, "benchmarks": questions_asked, "overrides": decisions}
    if check:
        _check([load(file) for file in data], config, beside)
        return
    refuse_existing(target)
    if index:
        require_writable(index.parent)
    prover = read_recipe(prove_by) if prove_by else None
    curation = _curate(load(data), config, target, beside=beside, index=index)
    _summarise(curation, target, github=github)
    if prove or prove_by:
        typer.echo(questions.benefit(curation, held_out, tuned_by=prover))


def _check(files: list[Examples], config: CurateConfig, beside: Mapping[str, Any]) -> None:
    """Leave with 1 if curation would drop a row of any of the files."""
    from ..curate import curate_dataset, ledger_of
    from ..reports import render_curation_terminal

    dropped = 0
    for examples in files:
        ledger = ledger_of(curate_dataset(examples, config=config, **beside))
        dropped += ledger.summary["rows_rejected"]
        if ledger.summary["rows_rejected"]:
            typer.echo(render_curation_terminal(ledger, **screen()))
    raise typer.Exit(1 if dropped else 0)


def _curate(
    examples: Examples, config: CurateConfig, target: Path, *, beside: Mapping[str, Any], index: Path | None
) -> Curation:
    """Curate, write the folder, let the kept rows join the index, and print what was done."""
    from ..core.console import note
    from ..core.store import write_text
    from ..curate import accept_rows, curate_dataset, write_curation
    from ..reports import render_curation_html, render_curation_terminal

    known = index if index and index.exists() else None
    curation = curate_dataset(examples, config=config, index=known, **beside)
    ledger = write_curation(curation, target)
    write_text(target / "report.html", render_curation_html(ledger, name=target.name))
    if index:
        note(f"{index}: {accept_rows(curation, index, config=config):,} rows accepted so far")
    files = [("kept rows", str(next(target.glob("train.*")))), ("page", str(target / "report.html"))]
    if len(curation.kept) < len(examples) + len(examples.bad_rows):
        files.insert(1, ("rejected", str(target / "rejected.jsonl")))
    typer.echo(render_curation_terminal(ledger, **screen(), files=files))
    return curation


def _summarise(curation: Curation, target: Path, *, github: bool) -> None:
    """What a job on GitHub shows, where `--github` asks for it."""
    if not github:
        return
    from ..core.results import RunResults
    from ..curate import ledger_of

    write_summary(RunResults(name=target.name, ledger=ledger_of(curation)), target)
