"""A run chooses its interpolation by benchmark items, and its gate asks others."""

from __future__ import annotations

from pathlib import Path

from tunegate.examples.quickstart.demo import make_workspace
from tunegate.pipeline import run_recipe

SMALL = (
    "curate=false",
    "train.max_steps=3",
    "train.interpolate=[0.5, 1]",
    "train.replay={source: data/general.jsonl, rows: 40, share: 0.2}",
    "evaluate.benchmarks=[benchmarks/arithmetic.yaml, benchmarks/order.yaml]",
    "evaluate.limit=120",
    "gate.advisory=[]",
)
"""The careful recipe, cut down to seconds."""


def test_what_training_watched_is_what_the_gate_did_not_ask(tmp_path: Path) -> None:
    """The items that the share was chosen by are recorded, and no score is about any of them."""
    make_workspace(tmp_path / "demo")
    replay = tmp_path / "demo" / "data" / "general.jsonl"
    changes = [change.replace("data/general.jsonl", str(replay)) for change in SMALL]
    results = run_recipe(tmp_path / "demo" / "careful.yaml", out=tmp_path / "run", changes=changes)
    assert results.tuned is not None
    assert results.tuned_scores is not None
    watched = results.tuned.notes["watched"]
    asked = set(results.tuned_scores.rows["doc_hash"].to_pylist())
    mixed = results.tuned.notes["interpolated"]

    assert {name: len(hashes) for name, hashes in watched.items()} == {"quickstart_arithmetic": 100}
    assert not asked & set(watched["quickstart_arithmetic"])
    assert [found["share"] for found in mixed["tried"]] == [1.0, 0.5]
    assert all("quickstart_arithmetic" in found["benchmarks"] for found in mixed["tried"])
