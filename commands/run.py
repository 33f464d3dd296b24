"""`tunegate run`, `init` and `demo`: whole runs, and how to begin one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..core.store import require_writable, write_text
from .github import Github, write_summary
from .options import refuse_existing
from .screen import show_run

Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder to write; never another run's.", show_default=False)
]
Set = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe.", show_default=False)
]


def run(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.")],
    out: Out = None,
    changes: Set = [],  # noqa: B006  typer reads the default, nobody changes it
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what each stage would do, and touch nothing.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Redo every stage.")] = False,
    github: Github = False,
) -> None:
    """Curate, train, evaluate, judge and report; redoes only what is missing or changed.

    Example: tunegate run recipe.yaml --set train.epochs=1
    """
    from ..pipeline import default_out, preview_run, run_recipe

    if dry_run:
        typer.echo(preview_run(recipe, changes=changes))
        return
    results = run_recipe(recipe, out=out, changes=changes, fresh=fresh)
    show_run(results, out or default_out(recipe))
    if github:
        write_summary(results, out or default_out(recipe))
    assert results.verdict is not None
    raise typer.Exit(results.verdict.exit_code)


def init(
    data: Annotated[Path | None, typer.Argument(help="A file of labelled rows.", show_default=False)] = None,
    model: Annotated[str, typer.Option(help="Folder or hub id of the base model.")] = "HuggingFaceTB/SmolLM2-135M",
    test: Annotated[Path | None, typer.Option(help="A file of test rows; none: a share is held out.")] = None,
    mirror: Annotated[Path | None, typer.Option(help="Benchmarks' data, for machines without a hub.")] = None,
    general: Annotated[Path | None, typer.Option(help="For an encoder: labelled rows of another domain.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The recipe to write.")] = Path("recipe.yaml"),
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of a recipe instead.")] = False,
) -> None:
    """Look at a data file and write a commented recipe that runs.

    Example: tunegate init train.jsonl --model ./base
    """
    from ..core.errors import InputError
    from ..recipe import recipe_schema
    from ..starter import starter_recipe

    if schema:
        typer.echo(json.dumps(recipe_schema(), indent=2))
        return
    if data is None:
        raise InputError("init needs a data file, such as: tunegate init train.jsonl")
    refuse_existing(out)
    text, summary = starter_recipe(data, model=model, test=test, mirror=mirror, general=general, out=out)
    write_text(out, text)
    typer.echo(f"{summary}\nwrote {out}; next: tunegate run {out} --dry-run")


def demo(out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("runs/demo")) -> None:
    """Show the whole tool on an embedded example: a careless run fails the gate, a careful one passes.

    Example: tunegate demo
    """
    from ..examples.quickstart.demo import run_demo

    require_writable(out)
    raise typer.Exit(run_demo(out))
