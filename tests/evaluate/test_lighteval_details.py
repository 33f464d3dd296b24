"""lighteval's own details to scores, on what lighteval wrote."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tunegate.core.errors import InputError, IntegrityError
from tunegate.evaluate import GateConfig, compare_scores, judge, read_details, read_log_pair

STAMP = "2026-01-01T00-00-00.000000"
TASKS = {"agreement": "agreement|0", "suite_order": "suite:order|0", "sums": "sums|0"}


@pytest.fixture
def write(root: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes the details to a folder, each row changed by a function of task and row."""
    source = root / "tests" / "data" / "lighteval_details"

    def write_details(name: str, change: Callable[[str, dict[str, Any]], Any] = lambda task, row: None) -> Path:
        details = tmp_path / name / "details" / "quickstart" / "base" / STAMP
        results = tmp_path / name / "results" / "quickstart" / "base"
        for folder in (details, results):
            folder.mkdir(parents=True)
        shutil.copy(source / "results.json", results / f"results_{STAMP}.json")
        for stem, task in TASKS.items():
            rows = [json.loads(line) for line in (source / f"{stem}.jsonl").read_text().splitlines()]
            for row in rows:
                change(stem, row)
            pq.write_table(pa.Table.from_pylist(rows), details / f"details_{task}_{STAMP}.parquet")
        return tmp_path / name

    return write_details


def test_tasks_metrics_and_chance_are_read(write: Callable[..., Path]) -> None:
    """The normalized accuracy goes first; chance is one in the number of choices; written answers have none."""
    scores = read_details(write("base"))
    facts = {
        info.name: (info.metric.split("=")[0], info.scale, info.higher_is_better, info.chance) for info in scores.tasks
    }

    assert facts == {
        "agreement": ("acc:logprob_normalization", "binary", True, 0.5),
        "suite:order": ("acc", "binary", True, 0.25),
        "sums": ("em", "binary", True, None),
    }
    assert scores.model == "quickstart/base"


def test_values_and_answers_are_lightevals(write: Callable[..., Path], root: Path) -> None:
    """Every item's number as logged, with what the model chose or wrote."""
    folder = write("base")
    comparison = compare_scores(*read_log_pair(folder, folder))
    rows = [json.loads(line) for line in (root / "tests/data/lighteval_details/sums.jsonl").read_text().splitlines()]
    sums = [row for row in read_details(folder).rows.to_pylist() if row["task"] == "sums" and row["metric"] == "em"]

    assert {task.info.name: task.n for task in comparison.tasks} == {"agreement": 6, "suite:order": 6, "sums": 6}
    assert [row["value"] for row in sums] == [float(row["metric"]["em"]) for row in rows]
    assert [row["prediction"] for row in sums] == [row["model_response"]["text_post_processed"][0] for row in rows]


def test_a_run_that_tunegate_did_not_make_is_gated(write: Callable[..., Path]) -> None:
    """From two folders to a verdict, with what both models answered."""

    def spoil(task: str, row: dict[str, Any]) -> None:
        if task == "suite_order":
            row["metric"]["acc"] = 0

    comparison = compare_scores(*read_log_pair(write("base"), write("tuned", spoil)))
    verdict = judge(comparison, GateConfig(alpha=0.2))  # six items cannot fail at 0.05

    assert verdict.outcome == "fail"
    assert [check.name for check in verdict.checks if check.state == "fail"] == ["mean", "suite:order"]
    assert comparison.flips[0].task == "suite:order"


def test_a_suite_with_an_average_is_one_benchmark(write: Callable[..., Path]) -> None:
    """As lighteval sums up mmlu: its tasks are subjects."""
    folder = write("base")
    (results,) = folder.glob("**/results_*.json")
    about = json.loads(results.read_text())
    about["results"]["suite:_average|0"] = {"acc": 1.0}
    results.write_text(json.dumps(about))
    scores = read_details(folder)

    assert [info.name for info in scores.tasks] == ["agreement", "suite", "sums"]
    assert {row["subject"] for row in scores.rows.to_pylist() if row["task"] == "suite"} == {"order"}


def test_metrics_and_the_users_own_task_can_be_named(write: Callable[..., Path]) -> None:
    """And what there is is said where a name is wrong."""
    folder = write("base")
    scores = read_details(folder, task="sums", metrics={"agreement": "acc"})

    assert {info.name: info.metric for info in scores.tasks}["agreement"] == "acc"
    assert {info.name: info.role for info in scores.tasks}["sums"] == "task"
    with pytest.raises(InputError, match="no task 'nope' in these details; there are agreement, suite:order, sums"):
        read_details(folder, task="nope")
    with pytest.raises(InputError, match="sums: no metric 'acc' with a number for every item; there are em"):
        read_details(folder, metrics={"sums": "acc"})


def test_other_prompts_are_an_integrity_error(write: Callable[..., Path]) -> None:
    """Another chat template or few-shot draw gives the model other tokens."""
    other = write("tuned", lambda task, row: row["model_response"]["input_tokens"].append(1))

    with pytest.raises(IntegrityError, match="base and tuned read different prompts for 6 of 6 items"):
        compare_scores(*read_log_pair(write("base"), other))


def test_truncated_and_foreign_files_are_refused(write: Callable[..., Path], tmp_path: Path, root: Path) -> None:
    """Half a Parquet file, half a results file, a missing task, or another tool's folder on one side."""
    folder = write("base")
    (sums,) = folder.glob("**/details_sums*.parquet")
    whole = sums.read_bytes()
    sums.write_bytes(whole[:-100])
    with pytest.raises(IntegrityError, match="not a whole Parquet file"):
        read_details(folder)
    pq.write_table(pa.table({"doc": ["a"]}), sums)
    with pytest.raises(IntegrityError, match="not details of lighteval"):
        read_details(folder)
    sums.unlink()
    with pytest.raises(IntegrityError, match=r"no details of 'sums\|0', which lighteval measured"):
        read_details(folder)
    (results,) = folder.glob("**/results_*.json")
    results.write_text(results.read_text()[:100])
    with pytest.raises(IntegrityError, match="not a whole JSON file"):
        read_details(folder)
    with pytest.raises(InputError, match="measure both models with one tool"):
        read_log_pair(folder, root / "tests" / "data" / "lm_eval_logs")
    with pytest.raises(InputError, match="no results and details of lighteval"):
        read_details(tmp_path / "absent")
