"""`tunegate train` and `tunegate evaluate`: one stage alone, on files of the user's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import InputError
from ..core.store import require_writable
from .options import AllowPartial, Changes, Columns, Kind, RecipeFile, read_columns, refuse_existing

SUITES_NOTE = (
    "finds: the smallest true loss that is found in four of five runs where the two models differ on a tenth of the\n"
    "items. Use one with evaluate.suite in a recipe or --set suite=quick; items are drawn with the seed, over subjects."
)


def train(
    data: Annotated[str, typer.Argument(help="Training rows: a file, glob, folder or hub id.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Folder or hub id of the base model.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write.", show_default="NAME.model")] = None,
    validation: Annotated[
        str | None, typer.Option(help="Rows to validate on; none: a part of the training rows.", show_default=False)
    ] = None,
    recipe: RecipeFile = None,
    changes: Changes = None,
    kind: Kind = None,
    columns: Columns = None,
    allow_partial: AllowPartial = False,
    seed: Annotated[int, typer.Option(help="Seed of head, order and dropout.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Audit data and model; train nothing.")] = False,
) -> None:
    """Tune a model on labelled rows.

    Example: tunegate train kept.jsonl --model ./base --set method=lora --set epochs=2
    """
    from ..core.console import note
    from ..core.formats import load_examples
    from ..preview import training_lines
    from ..train import TrainConfig, preflight, train_model
    from .settings import stage_and_prompts

    target = out or Path(f"{Path(data).name.split('.')[0]}.model")
    if not dry_run:
        refuse_existing(target)
    config, prompts = stage_and_prompts(TrainConfig, "train", recipe, changes)
    examples = load_examples(data, kind=kind, columns=read_columns(columns), allow_partial=allow_partial)
    held = load_examples(validation, kind=kind, columns=read_columns(columns)) if validation else None
    if dry_run:
        found = preflight(examples, model=model, config=config, prompts=prompts, validation=held, seed=seed)
        typer.echo("\n".join(training_lines(found)))
        return
    tuned = train_model(examples, model=model, config=config, out=target, prompts=prompts, validation=held, seed=seed)
    if int(os.environ.get("RANK", "0")):
        return  # one process of several speaks
    typer.echo(f"{tuned.method}: {tuned.steps} steps on {len(examples):,} rows, last loss {tuned.losses[-1][1]:.3f}")
    measured = f"{model} --adapter {target}" if tuned.is_adapter else target
    note(f"model: {target}/   next: tunegate evaluate {measured} --task TEST.jsonl")


def evaluate(
    model: Annotated[str | None, typer.Argument(help="Folder or hub id of a model.", show_default=False)] = None,
    task: Annotated[str | None, typer.Option(help="Held-out rows of the user's own task.", show_default=False)] = None,
    benchmark: Annotated[
        list[str] | None,
        typer.Option("--benchmark", "-b", help="lm-eval task, group or YAML; may be repeated.", show_default=False),
    ] = None,
    adapter: Annotated[Path | None, typer.Option(help="PEFT adapter on top of the model.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File.", show_default="NAME.scores.parquet")] = None,
    recipe: RecipeFile = None,
    changes: Changes = None,
    kind: Kind = None,
    columns: Columns = None,
    seed: Annotated[int, typer.Option(help="Seed that draws the items.")] = 0,
    list_suites: Annotated[bool, typer.Option("--list-suites", help="Describe every shipped suite and stop.")] = False,
) -> None:
    """Measure one model on a task and on benchmarks; per-item scores go to a file.

    Example: tunegate evaluate ./tuned --task test.jsonl -b hellaswag --set mirror=./mirror --set limit=200
    On several devices: torchrun --nproc-per-node 4 -m tunegate evaluate …
    """
    if list_suites:
        from ..evaluate import suites_text

        typer.echo(suites_text() + "\n\n" + SUITES_NOTE)
        return
    if model is None:
        raise InputError("evaluate needs a model, such as: tunegate evaluate ./tuned --task test.jsonl")
    from ..core.collector import own_process
    from ..core.console import enable, note
    from ..core.formats import load_examples
    from ..evaluate import EvaluateConfig, cache_folder, evaluate_model, process_number, write_scores
    from .settings import stage_and_prompts

    own_process()
    enable(not process_number())  # of several processes one speaks and writes
    target = refuse_existing(out or Path(f"{(adapter or Path(model)).resolve().name}.scores.parquet"))
    config, prompts = stage_and_prompts(EvaluateConfig, "evaluate", recipe, changes)
    config = config.model_copy(update={"benchmarks": (*config.benchmarks, *(benchmark or ()))})
    examples = load_examples(task, kind=kind, columns=read_columns(columns)) if task else None
    scores = evaluate_model(
        model, adapter=adapter, task=examples, config=config, prompts=prompts, cache=cache_folder(), seed=seed
    )
    if process_number():
        return
    from ..reports import render_scores_terminal
    from .screen import screen

    write_scores(scores, target)
    typer.echo(render_scores_terminal(scores, **screen()))
    note(f"scores: {target}   next: tunegate compare BASE.scores.parquet {target}")


def mirror(
    tasks: Annotated[list[str], typer.Argument(help="lm-eval tasks, groups or tags.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the mirror; an existing one grows.")],
    source: Annotated[Path | None, typer.Option(help="Copy from this mirror, not the hub.", show_default=False)] = None,
) -> None:
    """Save benchmarks' data on a connected machine, for machines without a hub (`evaluate.mirror`).

    Example: tunegate mirror hellaswag blimp --out mirror
    """
    from ..evaluate import make_mirror

    require_writable(out)
    index = make_mirror(tasks, out, source=source)
    typer.echo(f"{out}: {len(index):,} tasks; use it with: evaluate: {{mirror: {out}}}")


def merge(
    adapter: Annotated[Path, typer.Argument(help="Folder of a LoRA or DoRA adapter.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the whole model.")],
    base: Annotated[str | None, typer.Option(help="Base model, if it has moved.", show_default=False)] = None,
) -> None:
    """Merge an adapter into its base; the logits of both are compared before anything is kept.

    Example: tunegate merge runs/recipe/model --out merged
    """
    from ..train import merge_adapter

    merge_adapter(adapter, out=refuse_existing(out), base=base)
    typer.echo(f"{out}: one model, with the same logits as base and adapter")
