"""A run from recipe to verdict: whole, resumable, and never in another run's place."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tunegate.core.errors import InputError
from tunegate.pipeline import load_run, preview_run, run_recipe

INTENTS = {
    "refund": ["i want my money back for {}", "please refund {}", "give back what i paid for {}"],
    "delivery": ["where is {}", "when does {} arrive", "{} has not come yet"],
    "broken": ["{} does not work", "{} is broken", "{} stopped after a day"],
}
THINGS = [
    "the lamp",
    "my red shoes",
    "a blue cup",
    "the big box",
    "our table",
    "the radio",
    "his coat",
    "the green hat",
]


def write_rows(path: Path, things: list[str], *, extra: list[dict[str, str]] | None = None) -> None:
    rows = [
        {"text": template.format(thing), "label": label}
        for label, templates in INTENTS.items()
        for template in templates
        for thing in things
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, *(extra or [])]))


@pytest.fixture
def recipe(tmp_path: Path, quickstart_base: Path) -> Path:
    """A recipe with labelled rows, one local benchmark and one epoch of training."""
    write_rows(tmp_path / "train.jsonl", THINGS[:6], extra=[{"text": "where is the lamp", "label": "delivery"}])
    write_rows(tmp_path / "test.jsonl", THINGS[6:])
    items = [
        {"query": f"{a} + {b} =", "choices": [f" {a + b}", f" {a + b + 1}", f" {a + b + 2}"], "gold": 0}
        for a in range(8)
        for b in range(8)
    ]
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    sums = {
        "task": "sums",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": "sums.jsonl"}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "query",
        "doc_to_choice": "choices",
        "doc_to_target": "gold",
        "target_delimiter": "",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    (tmp_path / "sums.yaml").write_text(yaml.safe_dump(sums))
    settings = {
        "model": str(quickstart_base),
        "data": {"train": "train.jsonl", "test": "test.jsonl"},
        "train": {"method": "full", "epochs": 1},
        "evaluate": {"benchmarks": ["sums.yaml"]},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a run that hold no time of day and no timings."""
    timed = {"run.json", ".lock", "summary.json", "tuned.json", "report.html", "report.md"}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in timed and path.parent.name != "scores"
    }


def run_and_send(what: signal.Signals, recipe: Path, out: Path) -> tuple[int, str]:
    """Run a recipe in a process of its own, send it a signal half a second into training; exit code and last words."""
    command = [sys.executable, "-m", "tunegate", "run", str(recipe), "--out", str(out)]
    log = {**os.environ, "CI": "true"}
    process = subprocess.Popen(command, cwd=recipe.parent, stderr=subprocess.PIPE, text=True, env=log)
    assert process.stderr is not None
    next(line for line in process.stderr if line.startswith("train"))
    time.sleep(0.5)
    process.send_signal(what)
    words = process.stderr.read()
    process.stderr.close()
    return process.wait(), words


def test_an_interrupt_says_how_to_go_on(recipe: Path, tmp_path: Path) -> None:
    """Ctrl-C ends a run with 130 and one line, without a traceback."""
    returncode, words = run_and_send(signal.SIGINT, recipe, tmp_path / "run")

    assert returncode == 130
    assert words.splitlines()[-1] == "error: interrupted; the same command goes on where this one stopped"
    assert "Traceback" not in words


def test_a_run_ends_with_a_verdict_and_the_files_of_the_contract(recipe: Path, tmp_path: Path) -> None:
    """A recipe becomes a run folder: ledger, model, both scores, comparison, verdict, report."""
    results = run_recipe(recipe, out=tmp_path / "run")

    assert results.verdict is not None
    assert results.ledger is not None
    assert results.ledger.summary["rows_in"] == 55
    assert results.ledger.summary["rows_rejected"] == 1
    files = "run.json recipe.yaml curated model scores comparison.json verdict.json report.html report.md junit.xml"
    assert {path.name for path in (tmp_path / "run").iterdir()} >= set(files.split())
    assert {check.name for check in results.verdict.checks} >= {"task", "sums", "mean"}
    assert load_run(tmp_path / "run").verdict == results.verdict


def test_a_finished_run_does_no_work(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second run of an unchanged recipe leaves every file alone; a changed gate redoes verdict and report only."""
    run_recipe(recipe, out=tmp_path / "run")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "model").rglob("*")}
    before = contents(tmp_path / "run")
    run_recipe(recipe, out=tmp_path / "run")

    assert contents(tmp_path / "run") == before

    results = run_recipe(recipe, out=tmp_path / "run", changes=["gate.margin=0.3"])

    assert results.verdict is not None
    assert results.verdict.policy["margin"] == 0.3
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "model").rglob("*")} == times


def test_a_run_notices_what_changed_in_the_files_it_reads(recipe: Path, tmp_path: Path) -> None:
    """Other text in the replay file is trained on again; other items in a benchmark's file are asked again."""
    out, general, sums = tmp_path / "run", tmp_path / "general.jsonl", tmp_path / "sums.jsonl"
    general.write_text(
        "".join(json.dumps({"text": f"the {thing} of day {day}"}) + "\n" for thing in THINGS for day in "abc")
    )
    replay = [f"train.replay.source={general}", "train.replay.share=0.2"]
    run_recipe(recipe, out=out, changes=replay)
    trained = (out / "model/tuned.json").stat().st_mtime_ns
    assert not list((out / "curated").glob("rehearsed.*"))
    asked_too = json.dumps({"text": "3 + 4 ="}) + "\n"
    general.write_text(general.read_text().replace("day", "week") + asked_too)
    results = run_recipe(recipe, out=out, changes=replay)

    assert (out / "model/tuned.json").stat().st_mtime_ns > trained
    assert asked_too not in (out / "curated/rehearsed.jsonl").read_text()
    assert results.ledger is not None
    assert any(
        f"1 of {3 * len(THINGS) + 1} rows of train.replay.source" in text for text in results.ledger.summary["warnings"]
    )

    asked = (out / "scores/tuned.parquet").stat().st_mtime_ns
    sums.write_text(sums.read_text().replace("0 + 0", "0 + 00"))
    run_recipe(recipe, out=out, changes=replay)

    assert (out / "scores/tuned.parquet").stat().st_mtime_ns > asked


def test_drift_is_measured_beside_the_verdict_and_can_be_switched_off(recipe: Path, tmp_path: Path) -> None:
    """The divergence from the base is stored and shown; switched off it leaves no trace and redoes no stage before."""
    out = tmp_path / "run"
    drift = run_recipe(recipe, out=out).drift

    assert drift is not None
    assert (drift.rows, drift.kl > 0) == (18, True)
    assert "Drift: KL from the base" in (out / "report.html").read_text()

    scores = (out / "scores" / "tuned.parquet").stat().st_mtime_ns
    results = run_recipe(recipe, out=out, changes=["evaluate.drift_rows=0"])

    assert results.drift is None
    assert "Drift: KL" not in (out / "report.html").read_text()
    assert (out / "scores" / "tuned.parquet").stat().st_mtime_ns == scores


def test_a_killed_run_goes_on_and_ends_with_the_same_files(recipe: Path, tmp_path: Path) -> None:
    """After SIGKILL in training the next run ends where an undisturbed one ends."""
    out = tmp_path / "run"
    run_recipe(recipe, out=out)
    whole = contents(out)
    shutil.rmtree(out)
    returncode, _ = run_and_send(signal.SIGKILL, recipe, out)

    assert returncode == -signal.SIGKILL

    run_recipe(recipe, out=out)

    assert contents(out) == whole


CLEAR = ["train.epochs=12", "train.learning_rate=0.02", "train.replay.share=0", "gate.alpha=0.2"]
"""Training that ruins the sums, seen early."""


def test_a_run_in_blocks_stops_once_the_gate_is_decided(recipe: Path, tmp_path: Path) -> None:
    """A clear loss is found on a part of the items, and a finished run in blocks has nothing left to do."""
    changes = [*CLEAR, "evaluate.blocks=4"]
    results = run_recipe(recipe, out=tmp_path / "run", changes=changes)
    before = contents(tmp_path / "run")

    assert results.verdict is not None
    assert results.comparison is not None
    assert results.base_scores is not None
    assert results.verdict.outcome == "fail"
    assert results.comparison.share < 1
    assert results.base_scores.settings["share"] == results.comparison.share
    assert f"after {results.comparison.share:.0%} of the items" in results.verdict.reason
    assert f"after {results.comparison.share:.0%} of the items" in (tmp_path / "run" / "report.md").read_text()

    assert run_recipe(recipe, out=tmp_path / "run", changes=changes).verdict == results.verdict
    assert contents(tmp_path / "run") == before


def test_an_undecided_run_in_blocks_ends_as_one_at_once(recipe: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """At the last look every item is measured and asked once; only alpha is smaller. Either way back is open."""
    monkeypatch.setenv("TUNEGATE_CACHE", str(tmp_path / "cache"))
    blocks = run_recipe(recipe, out=tmp_path / "run", changes=["evaluate.blocks=3"])
    assert blocks.comparison is not None
    assert blocks.verdict is not None
    level = blocks.verdict.policy["look"]["alpha"]
    once = run_recipe(recipe, out=tmp_path / "run", changes=[f"gate.alpha={level}"])
    assert once.base_scores is not None
    assert once.verdict is not None
    again = run_recipe(recipe, out=tmp_path / "run", changes=["evaluate.blocks=3"])

    assert (blocks.comparison.blocks, blocks.comparison.share) == (3, 1.0)
    assert blocks.verdict.checks == once.verdict.checks
    assert once.base_scores.extras["requests_asked"] == 0
    assert again.verdict == blocks.verdict


def test_a_dry_run_touches_nothing(recipe: Path, tmp_path: Path) -> None:
    """`--dry-run` tells rows, steps and items, and writes no file."""
    before = sorted(tmp_path.rglob("*"))
    text = preview_run(recipe)

    assert sorted(tmp_path.rglob("*")) == before
    assert "55 training rows" in text
    assert "18 test rows" in text
    assert "64 items" in text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["evaluate.benchmarks=[]"], r"no benchmark is gated \(none is measured\).*choose evaluate\.suite"),
        (
            ["evaluate.benchmarks=[{task: blimp, ability: grammar}]", "gate.advisory=[grammar]"],
            r"no benchmark is gated \(all are advisory\)",
        ),
    ],
)
def test_what_could_not_be_judged_is_told_before_anything_is_trained(
    changes: list[str], told: str, recipe: Path, tmp_path: Path
) -> None:
    """By the run and by its preview."""
    with pytest.raises(InputError, match=told):
        preview_run(recipe, changes=changes)
    with pytest.raises(InputError, match=told):
        run_recipe(recipe, out=tmp_path / "run", changes=changes)
    assert not (tmp_path / "run" / "model").exists()


def test_another_recipes_run_is_not_overwritten(recipe: Path, tmp_path: Path) -> None:
    """Two recipes cannot share a run folder."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(json.dumps({"owner": "elsewhere", "stages": {}}))

    with pytest.raises(InputError, match="holds the run of elsewhere"):
        run_recipe(recipe, out=tmp_path / "run")


def make_small_encoder(folder: Path, tokenizer_of: Path) -> None:
    """A two-layer BERT with random weights."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    tokenizer = AutoTokenizer.from_pretrained(str(tokenizer_of))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def test_an_encoder_gets_a_head_and_is_judged_on_what_it_retains(tmp_path: Path, quickstart_base: Path) -> None:
    """An encoder gets a new head, trained end to end; general data of another domain takes the benchmarks' place."""
    make_small_encoder(tmp_path / "encoder", quickstart_base)
    write_rows(tmp_path / "train.jsonl", THINGS[:6])
    write_rows(tmp_path / "test.jsonl", THINGS[6:])
    general = [
        {"text": f"the {thing} {word} number {n}", "label": word}
        for n in range(20)
        for thing in ("dog", "tree")
        for word in ("runs", "sleeps")
    ]
    (tmp_path / "general.jsonl").write_text("".join(json.dumps(row) + "\n" for row in general))
    recipe = {
        "model": "encoder",
        "data": {"train": "train.jsonl", "test": "test.jsonl"},
        "train": {"epochs": 2},
        "evaluate": {"retention": [{"name": "general", "data": "general.jsonl"}]},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    results = run_recipe(tmp_path / "recipe.yaml", out=tmp_path / "run")

    assert results.tuned is not None
    assert results.verdict is not None
    assert results.tuned.method == "head"
    assert {check.name for check in results.verdict.checks} == {"task", "general", "mean"}

    (tmp_path / "general.jsonl").write_text("".join(json.dumps(row) + "\n" for row in general[:40]))
    again = run_recipe(tmp_path / "recipe.yaml", out=tmp_path / "run")
    assert again.verdict is not None
    sizes = [
        {check.name: check.n for check in found.verdict.checks}["general"]
        for found in (results, again)
        if found.verdict
    ]
    assert sizes == [40, 20]  # general data that changed is measured again
