"""`tunegate curate`: clean a dataset before training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import InputError
from . import questions
from .options import AllowPartial, Changes, Columns, Kind, RecipeFile, read_columns, refuse_existing


def curate(
    data: Annotated[str | None, typer.Argument(help="A file, glob, folder or hub id.", show_default=False)] = None,
    test: Annotated[str | None, typer.Option(help="Test rows that must not be trained on.", show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write.", show_default="NAME.curated")
    ] = None,
    recipe: RecipeFile = None,
    changes: Changes = None,
    kind: Kind = None,
    columns: Columns = None,
    overrides: Annotated[Path | None, typer.Option(help="A reviewer's decisions (JSONL).", show_default=False)] = None,
    allow_partial: AllowPartial = False,
    index: Annotated[
        Path | None,
        typer.Option(help="Folder of all rows accepted before; the kept rows are added to it.", show_default=False),
    ] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="ID|FILE:LINE", help="Tell all that is known of one row.", show_default=False)
    ] = None,
    advise: Annotated[bool, typer.Option("--advise", help="Show your own pairs per similarity and stop.")] = False,
    prove: Annotated[
        bool, typer.Option("--prove", help="Also compare kept with random rows, by a cheap model.")
    ] = False,
    list_rules: Annotated[bool, typer.Option("--list-rules", help="Name every rule and stop.")] = False,
) -> None:
    """Remove duplicates, leaks, conflicts and junk; account for every row.

    Example: tunegate curate train.jsonl --test test.jsonl --set dedup.threshold=0.7
    """
    if list_rules:
        typer.echo(questions.rules())
        return
    if data is None:
        raise InputError("curate needs a data file, such as: tunegate curate train.jsonl")
    from ..core.console import note
    from ..core.formats import load_examples
    from ..curate import CurateConfig, accept_rows, curate_dataset, read_ledger, write_curation
    from ..reports import render_curation_terminal
    from .screen import screen
    from .settings import stage_config

    target = out or Path(f"{Path(data).name.split('.')[0]}.curated")
    if explain:
        typer.echo(questions.explanation(target, explain))
        return
    config = stage_config(CurateConfig, "curate", recipe, changes)
    names = read_columns(columns)
    examples = load_examples(data, kind=kind, columns=names, allow_partial=allow_partial)
    if advise:
        typer.echo(questions.advice(examples, config))
        return
    refuse_existing(target)
    held_out = load_examples(test, kind=examples.kind, columns=names) if test else None
    known = index if index and index.exists() else None
    curation = curate_dataset(examples, config=config, test=held_out, overrides=overrides, index=known)
    write_curation(curation, target)
    if index:
        note(f"{index}: {accept_rows(curation, index, config=config):,} rows accepted so far")
    typer.echo(render_curation_terminal(read_ledger(target), **screen()))
    if prove:
        typer.echo(questions.benefit(curation, held_out))
    note(f"kept rows, rejected rows and findings: {target}/")
