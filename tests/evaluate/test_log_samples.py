"""lm-eval's own logs to scores, on a folder that lm-eval wrote."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tunegate.core.errors import InputError, IntegrityError
from tunegate.evaluate import GateConfig, compare_scores, judge, read_log_pair, read_log_samples


@pytest.fixture
def logs(root: Path, tmp_path: Path) -> Path:
    """A copy of the logs, to be damaged at will."""
    return Path(shutil.copytree(root / "tests" / "data" / "lm_eval_logs", tmp_path / "logs")) / "quickstart"


def rewrite(folder: Path, task: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change every logged sample of a task."""
    (file,) = folder.glob(f"samples_{task}_*.jsonl")
    samples = [json.loads(line) for line in file.read_text().splitlines()]
    for sample in samples:
        change(sample)
    file.write_text("".join(json.dumps(sample) + "\n" for sample in samples))


def test_tasks_metrics_and_chance_are_read(logs: Path) -> None:
    """A scored group is one benchmark with its tasks as subjects; chance is one in the number of choices."""
    scores = read_log_samples(logs)
    facts = [(info.name, info.metric, info.scale, info.higher_is_better, info.chance) for info in scores.tasks]

    assert facts == [
        ("small_suite", "acc", "binary", True, 0.375),
        ("quickstart_order", "acc", "binary", True, 0.25),
        ("small_sums", "exact_match", "binary", True, None),
        ("small_text", "bits_per_byte", "ratio", False, None),
    ]
    assert scores.model == "quickstart"
    assert set(scores.rows["subject"].to_pylist()) == {"", "quickstart_agreement", "quickstart_facts"}


def test_scores_are_those_that_lm_eval_counted(logs: Path) -> None:
    """The mean of the read values is the mean of the logged ones, and bits per byte are -ll / ln 2 / bytes."""
    comparison = compare_scores(read_log_samples(logs), read_log_samples(logs))
    (file,) = logs.glob("samples_small_text_*.jsonl")
    pairs = [json.loads(line)["bits_per_byte"] for line in file.read_text().splitlines()]
    expected = -sum(ll for ll, _ in pairs) / 0.6931471805599453 / sum(size for _, size in pairs)
    found = {task.info.name: (task.n, task.base) for task in comparison.tasks}

    assert found["small_suite"][0] == 12
    assert found["small_text"] == (6, pytest.approx(expected))


def test_a_run_that_tunegate_did_not_make_is_gated(logs: Path, tmp_path: Path) -> None:
    """From two folders to a verdict, with what both models answered."""
    tuned = Path(shutil.copytree(logs, tmp_path / "tuned"))
    rewrite(tuned, "quickstart_order", lambda sample: sample.update(acc=0.0))
    comparison = compare_scores(*read_log_pair(logs, tuned))
    verdict = judge(comparison, GateConfig(alpha=0.2))  # six items cannot fail at 0.05

    assert verdict.outcome == "fail"
    assert [check.name for check in verdict.checks if check.state == "fail"] == ["mean", "quickstart_order"]
    assert comparison.flips[0].task == "quickstart_order"


def test_the_output_path_itself_is_found_too(logs: Path) -> None:
    """lm-eval makes a folder per model inside its output path."""
    assert read_log_samples(logs.parent).rows.equals(read_log_samples(logs).rows)


def test_filters_and_metrics_can_be_chosen(logs: Path) -> None:
    """`metric,filter` names another filter's result of the same items."""
    (info,) = [
        i for i in read_log_samples(logs, metrics={"small_sums": "exact_match,flexible"}).tasks if "sums" in i.name
    ]

    assert info.metric == "exact_match,flexible"
    with pytest.raises(InputError, match="small_sums: no metric 'acc'"):
        read_log_samples(logs, metrics={"small_sums": "acc"})


def test_the_users_own_task_can_be_named(logs: Path) -> None:
    """It is then held to the task's requirement, not to the benchmarks' margins."""
    roles = {info.name: info.role for info in read_log_samples(logs, task="quickstart_order").tasks}

    assert roles["quickstart_order"] == "task"
    with pytest.raises(InputError, match="no task 'nope' in these logs; there are quickstart_order, small_suite"):
        read_log_samples(logs, task="nope")


def test_other_prompts_are_an_integrity_error(logs: Path, tmp_path: Path) -> None:
    """Another template or few-shot draw changes lm-eval's prompt hash."""
    tuned = Path(shutil.copytree(logs, tmp_path / "tuned"))
    rewrite(tuned, "small_sums", lambda sample: sample.update(prompt_hash="other"))

    with pytest.raises(IntegrityError, match="'small_sums': base and tuned read different prompts for 6 of 6 items"):
        compare_scores(*read_log_pair(logs, tuned))


def test_truncated_logs_are_refused(logs: Path) -> None:
    """Fewer lines than lm-eval counted, half a line, half a results file."""
    (file,) = logs.glob("samples_quickstart_order_*.jsonl")
    whole = file.read_text()
    file.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    with pytest.raises(IntegrityError, match="5 lines where lm-eval measured 6 items"):
        read_log_samples(logs)
    file.write_text(whole[:-40])
    with pytest.raises(IntegrityError, match=r"jsonl:6: not a logged sample"):
        read_log_samples(logs)
    (results,) = logs.glob("results_*.json")
    results.write_text(results.read_text()[:100])
    with pytest.raises(IntegrityError, match="not a whole JSON file"):
        read_log_samples(logs)


def test_foreign_folders_are_refused(logs: Path, tmp_path: Path) -> None:
    """Nothing there, no samples, or another program's results."""
    with pytest.raises(InputError, match="no such folder"):
        read_log_samples(tmp_path / "absent")
    with pytest.raises(InputError, match="no results_"):
        read_log_samples(tmp_path)
    for file in logs.glob("samples_*"):
        file.unlink()
    with pytest.raises(InputError, match="run lm_eval with --log_samples"):
        read_log_samples(logs)
    (results,) = logs.glob("results_*.json")
    results.write_text("{}")
    with pytest.raises(IntegrityError, match="not a results file of lm-eval"):
        read_log_samples(logs)


def test_several_models_are_not_mixed(logs: Path) -> None:
    """The user must say which."""
    shutil.copytree(logs, logs.parent / "other")

    with pytest.raises(InputError, match=r"logs of several models \(other, quickstart\)"):
        read_log_samples(logs.parent)


def test_a_metric_is_binary_only_where_both_sides_are(logs: Path, tmp_path: Path) -> None:
    """A score that happens to be all 0 or 1 on one side does not make two kinds of one metric."""
    tuned = Path(shutil.copytree(logs, tmp_path / "tuned"))
    for folder, value in ((logs, 1.0), (tuned, 0.5)):
        rewrite(folder, "small_sums", lambda sample, value=value: sample.update(metrics=["f1"], f1=value))
    base, after = read_log_pair(logs, tuned)

    assert {info.name: info.scale for info in base.tasks}["small_sums"] == "continuous"
    assert base.tasks == after.tasks
