"""What `tunegate curate` can be asked instead of curating: one row's story, a good threshold, the benefit of it all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..core.records import Curation, Examples
    from ..curate import CurateConfig
    from ..recipe import Recipe

TUNED_SEEDS = 3
"""Repetitions of a proof by the recipe's own model, three tunings each: an interval needs two."""


def rules() -> str:
    """Every rule: id, default action, severity, and what it looks for."""
    from ..curate import list_rules

    table = list_rules()
    width = max(len(rule["id"]) for rule in table)
    return "\n".join(f"{rule['id']:{width}}  {rule['action']:7}{rule['severity']:9}{rule['says']}" for rule in table)


def explanation(out: Path, key: str) -> str:
    """Everything known of one row of a curation."""
    from ..curate import explain_row

    known = explain_row(out, key)
    return "\n".join(
        [
            f"{known.state}: {known.id or 'no content id'}" + (f"  {known.reason}" if known.reason else ""),
            *(f"at      {file}:{line}" for file, line in known.places),
            *([f"row     {json.dumps(known.row, ensure_ascii=False)}"] if known.row is not None else []),
            *(line for finding in known.findings for line in _finding_lines(finding)),
            *(f"stands for {row['file']}:{row['line']} ({row['rule']})" for row in known.stands_for),
        ]
    )


def forecast(examples: Examples, config: CurateConfig) -> str:
    """Rows, and what the search for duplicates would do with them."""
    from ..curate import forecast_duplicates

    bad = f"; {len(examples.bad_rows):,} cannot be read and go to the ledger" if examples.bad_rows else ""
    rows = f"{len(examples):,} rows of kind {examples.kind}{bad}"
    return "\n".join([rows, *forecast_duplicates(examples, config), "nothing was written"])


def _finding_lines(finding: Mapping[str, Any]) -> Iterator[str]:
    """A finding, and the other row that it is about."""
    yield f"finding {finding['rule']} ({finding['severity']}): {finding['reason']}"
    if finding["related_id"]:
        yield f"  with  {finding['related_file']}:{finding['related_line']} {finding['related_id']}"


def advice(examples: Examples, config: CurateConfig) -> str:
    """What the user's own pairs look like at each similarity, and what each threshold would drop."""
    return "\n".join(_advice_lines(examples, config))


def _advice_lines(examples: Examples, config: CurateConfig) -> Iterator[str]:
    from ..curate import advise_threshold

    yield "true Jaccard similarity   pairs   of other labels   rows dropped at this threshold"
    for found in advise_threshold(examples, config=config):
        yield f"{found.low:.1f} to {found.high:.1f} {found.pairs:21,} {found.other_label:17,} {found.dropped:32,}"
        for jaccard, one, other in found.samples:
            yield f"    {jaccard:.2f}  {one}"
            yield f"          {other}"
    yield f"now: --set dedup.threshold={config.dedup.threshold:g}"


def benefit(curation: Curation, test: Examples | None, *, tuned_by: Recipe | None) -> str:
    """Whether a model learns more from the kept rows than from as many random ones.

    The model is TF-IDF and a linear one, or that of the recipe `tuned_by`, tuned as it says for every arm and seed.
    """
    from ..curate import prove_benefit

    if tuned_by is None:
        proof, what = prove_benefit(curation, test=test), "TF-IDF and a linear model"
    else:
        proof = prove_benefit(curation, test=test, seeds=TUNED_SEEDS, learn=partial(_tuned_accuracy, tuned_by))
        what = tuned_by.model
    sign = "more" if proof.difference >= 0 else "less"
    proven = "" if proof.low > 0 or proof.high < 0 else "; the interval holds 0, so nothing is proven"
    return (
        f"{what}, {proof.seeds} seeds, {proof.test_rows:,} test rows: "
        f"kept {100 * proof.kept:.1f} %, as many random rows {100 * proof.random:.1f} %, all {100 * proof.full:.1f} %\n"
        f"kept is {100 * abs(proof.difference):.2f} points {sign} than random "
        f"({100 * proof.low:+.2f} to {100 * proof.high:+.2f}){proven}"
    )


def _tuned_accuracy(recipe: Recipe, train: Examples, test: Examples, seed: int) -> float:
    """Accuracy of the recipe's model on the test rows, after tuning on the training rows."""
    import pyarrow.compute as pc

    from ..evaluate import EvaluateConfig, evaluate_model
    from ..train import train_model

    config = EvaluateConfig(labels=tuple(sorted({*train.targets, *test.targets})))
    with TemporaryDirectory() as folder:
        out = Path(folder) / "model"
        tuned = train_model(
            train, model=recipe.model, config=recipe.train, out=out, prompts=recipe.prompts, validation=None, seed=seed
        )
        model, adapter = (recipe.model, out) if tuned.is_adapter else (str(out), None)
        scores = evaluate_model(model, adapter=adapter, task=test, config=config, prompts=recipe.prompts, seed=seed)
    values = scores.rows.filter(pc.equal(scores.rows["metric"], scores.tasks[0].metric))["value"]
    return float(pc.mean(values).as_py())
