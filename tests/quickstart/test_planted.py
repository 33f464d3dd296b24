"""Planted defects are scored against what curation really wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tunegate.core.formats import load_examples
from tunegate.curate import CurateConfig, curate_dataset, write_curation
from tunegate.evaluate import EvaluateConfig, benchmark_items
from tunegate.examples.quickstart.planted import PlantedScore, score_planted
from tunegate.recipe import read_recipe


@pytest.fixture(scope="module")
def scored(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, PlantedScore], int]:
    """The careful recipe's curation of the shipped data, without its label-error probes, scored."""
    quickstart = root / "examples" / "quickstart"
    recipe = read_recipe(quickstart / "careful.yaml")
    columns = recipe.data.columns
    train = load_examples(quickstart / "data" / "train.jsonl", kind="label", columns=columns)
    test = load_examples(quickstart / "data" / "test.jsonl", kind="label", columns=columns)
    leaked = EvaluateConfig(benchmarks=(str(quickstart / "benchmarks" / "sentiment.yaml"),), limit=None)
    assert isinstance(recipe.curate, CurateConfig)
    curation = curate_dataset(train, config=recipe.curate, test=test, benchmarks=benchmark_items(leaked))
    out = tmp_path_factory.mktemp("curated")
    write_curation(curation, out)
    truth = json.loads((quickstart / "data" / "truth.json").read_text())
    scores, sound = score_planted(out, truth)
    return {score.kind: score for score in scores}, sound


@pytest.mark.parametrize(
    ("kind", "planted"),
    [
        ("exact-duplicate", 20),
        ("near-duplicate", 25),
        ("label-conflict", 12),
        ("test-leak", 14),
        ("benchmark-leak", 8),
        ("placeholder", 8),
        ("empty", 2),
        ("damaged-text", 3),
        ("broken-row", 4),
    ],
)
def test_every_planted_row_of_a_certain_kind_is_found_and_removed(
    kind: str, planted: int, scored: tuple[dict[str, PlantedScore], int]
) -> None:
    """Copies, contradictions, leaks and rubbish are decidable, so none may be missed."""
    score = scored[0][kind]

    assert (score.planted, score.found, score.removed, score.missed) == (planted, planted, planted, ())


def test_no_sound_row_is_removed(scored: tuple[dict[str, PlantedScore], int]) -> None:
    """Only planted rows, or the other half of a planted pair, go."""
    assert scored[1] == 0


def test_a_defect_that_no_rule_names_is_missed(tmp_path: Path) -> None:
    """The score counts what the ledger says, not what was planted."""
    rows = [{"text": f"message number {i} about a lamp", "label": "refund"} for i in range(6)]
    curation = curate_dataset(
        load_examples(rows, kind="label", columns={"input": "text", "target": "label"}),
        config=CurateConfig(dedup={"threshold": 1.0}),
    )
    write_curation(curation, tmp_path)
    truth = {"defects": [{"file": "train.jsonl", "line": 3, "kind": "exact-duplicate"}]}
    score = score_planted(tmp_path, truth)[0][0]

    assert (score.kind, score.planted, score.found, score.removed, score.missed) == ("exact-duplicate", 1, 0, 0, (3,))
