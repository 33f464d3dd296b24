"""Benchmarks that another process reads while the model loads: same scores, same messages, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from tunegate.core.errors import DataError, IntegrityError
from tunegate.core.prompts import PromptConfig
from tunegate.evaluate import EvaluateConfig, evaluate_model, read_scores
from tunegate.evaluate.benchmarks import beside
from tunegate.evaluate.scoring.request import Answer, Request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere benchmarks are read by the same process")

WAITING = "import pathlib, time\n\ndef process(split):\n    pathlib.Path('waits').touch()\n    time.sleep(60)\n"
"""A definition's function that says when it runs, and does not end by itself."""
PATIENCE_S = 30.0


@pytest.fixture
def benchmarks(tmp_path: Path, root: Path) -> list[str]:
    """Three definitions: two of choices, one of written answers whose filter takes the first word."""
    folder = root / "examples" / "quickstart" / "benchmarks"
    rows = [{"question": f"The letter {n} is", "answer": "a"} for n in range(6)]
    (tmp_path / "written.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "written.yaml").write_text(
        "task: written\ndataset_path: json\ndataset_kwargs: {data_files: {test: written.jsonl}}\ntest_split: test\n"
        "output_type: generate_until\ndoc_to_text: question\ndoc_to_target: answer\n"
        'generation_kwargs: {until: ["."], max_gen_toks: 4}\n'
        "filter_list: [{name: word, filter: [{function: regex, regex_pattern: '(\\w+)'}, {function: take_first}]}]\n"
        "metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]\n"
    )
    return [str(folder / "sentiment.yaml"), str(folder / "order.yaml"), str(tmp_path / "written.yaml")]


def waiting(folder: Path) -> str:
    """A definition whose documents are never ready."""
    (folder / "items.jsonl").write_text('{"query": "a", "choices": ["b", "c"], "gold": 0}\n')
    (folder / "waiting.py").write_text(WAITING)
    (folder / "waiting.yaml").write_text(
        "task: waiting\ndataset_path: json\ndataset_kwargs: {data_files: {test: items.jsonl}}\ntest_split: test\n"
        "output_type: multiple_choice\ndoc_to_text: query\ndoc_to_choice: choices\ndoc_to_target: gold\n"
        "process_docs: !function waiting.process\n"
    )
    return str(folder / "waiting.yaml")


def command(model: Path, benchmarks: Sequence[str], *more: str) -> list[str]:
    named = [part for benchmark in benchmarks for part in ("-b", benchmark)]
    return [sys.executable, "-m", "tunegate", "evaluate", str(model), *named, "-o", "scores.parquet", *more]


def started(model: Path, folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A command of its own session whose other process reads a benchmark that is never ready, and that process's id."""
    environment = {**os.environ, "TUNEGATE_CACHE": str(folder / "cache")}
    process = subprocess.Popen(
        command(model, [waiting(folder)]),
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + PATIENCE_S
    while not (folder / "waits").exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    (other,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return process, int(other)


def is_gone(process: int) -> bool:
    """Whether a process has ended within PATIENCE_S; one that is only not waited for has not."""
    end = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{process}").exists() and time.monotonic() < end:
        time.sleep(0.02)
    return not Path(f"/proc/{process}").exists()


def test_the_command_reads_them_beside_itself(quickstart_base: Path, benchmarks: list[str], tmp_path: Path) -> None:
    """The process that scores has not imported lm-eval by then, nor what that imports; the scores are those of one."""
    code = (
        "import sys\nfrom tunegate.cli import main\nfrom tunegate.evaluate.scoring.causal import CausalModel\n"
        "scorer = CausalModel.scorer\n"
        "def told(self):\n"
        "    print([name for name in ('lm_eval', 'datasets', 'pandas') if name in sys.modules], file=sys.stderr)\n"
        "    return scorer(self)\n"
        "CausalModel.scorer = told\nmain()"
    )
    arguments = command(quickstart_base, benchmarks, "--set", "limit=20")[3:]
    environment = {**os.environ, "TUNEGATE_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    config = EvaluateConfig(benchmarks=tuple(benchmarks), limit=20)
    here = evaluate_model(str(quickstart_base), task=None, config=config, prompts=PromptConfig())

    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("[")] == ["[]"] * 3
    there = read_scores(tmp_path / "scores.parquet")
    assert there.rows.equals(here.rows)
    assert (there.tasks, there.settings, there.model_hash) == (here.tasks, here.settings, here.model_hash)


def test_torch_here_or_a_chat_template_needs_no_other_process(
    benchmarks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is left to load meanwhile, or the tokenizer is asked, this process reads them itself."""
    config = EvaluateConfig(benchmarks=tuple(benchmarks))
    monkeypatch.setitem(sys.modules, "torch", sys)
    with beside.benchmarks_of(config, seed=0, share=1.0) as found:
        assert isinstance(found, beside.Here)
    monkeypatch.setattr(beside, "_may_fork", lambda: True)
    for changed in ({"apply_chat_template": True}, {"benchmarks": ()}):
        with beside.benchmarks_of(config.model_copy(update=changed), seed=0, share=1.0) as found:
            assert isinstance(found, beside.Here)


def test_a_mistake_is_one_clear_line(quickstart_base: Path, tmp_path: Path) -> None:
    """What the other process finds wrong reads as if this one had found it, and no weights are read."""
    done = subprocess.run(
        command(quickstart_base, ["helaswag"]), cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: benchmark 'helaswag': lm-eval knows no such task or group; did you mean")
    assert done.stderr.count("\n") == 1


def test_errors_arrive_with_the_place_they_came_from(tmp_path: Path) -> None:
    """The same kind and message; the other process's traceback is their cause."""
    with pytest.raises(DataError, match="'helaswag'") as caught:
        opened_beside(EvaluateConfig(benchmarks=("helaswag",)))

    assert "in find_leaves" in str(caught.value.__cause__)


def test_errors_of_any_kind_can_be_sent() -> None:
    """One that only the other process knows, or that holds what cannot be sent, keeps its words."""
    unsendable, foreign = UnicodeError("one", lambda: None), json.JSONDecodeError("two", "{", 1)
    sent = [beside._portable(error)[0] for error in (KeyError("named"), unsendable, foreign)]

    assert [type(error) for error in sent] == [KeyError, RuntimeError, RuntimeError]
    assert str(sent[2]) == "JSONDecodeError: two: line 1 column 2 (char 1)"


def opened_beside(config: EvaluateConfig) -> None:
    found = beside.Beside(config, 0, 1.0)
    try:
        found.open()
    finally:
        found.close()


def test_a_process_that_dies_is_told(tmp_path: Path) -> None:
    """The system may end it for lack of memory: that is a message, not a wait for ever."""
    found = beside.Beside(EvaluateConfig(benchmarks=(waiting(tmp_path),)), 0, 1.0)
    found._process.kill()

    with pytest.raises(IntegrityError, match=r"has ended \(exit code -9\), perhaps for lack of memory"):
        found.open()
    found.close()


def test_a_process_that_dies_before_its_answers_is_told(benchmarks: list[str]) -> None:
    """A pipe that breaks while answers are sent must not look like a reader who has seen enough."""
    found = beside.Beside(EvaluateConfig(benchmarks=(benchmarks[0],)), 0, 1.0)

    def ask(_name: str, _items: int, requests: Sequence[Request]) -> list[Answer]:
        found._process.kill()
        found._process.join()
        return [(0.0, False)] * len(requests)

    found.open()
    with pytest.raises(IntegrityError, match="has ended"):
        found.score(ask)
    found.close()


def test_an_interrupt_leaves_nothing_behind(quickstart_base: Path, tmp_path: Path) -> None:
    """Ctrl-C reaches both processes: one line, exit code 130, and no process that goes on."""
    process, other = started(quickstart_base, tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    words = process.communicate(timeout=PATIENCE_S)[1]

    assert process.returncode == 130
    assert words == "error: interrupted; the same command goes on from the answers that are kept\n"
    assert is_gone(other)


def test_a_killed_command_takes_the_other_process_along(quickstart_base: Path, tmp_path: Path) -> None:
    """One that cannot clean up leaves no process at work either."""
    process, other = started(quickstart_base, tmp_path)
    process.kill()
    process.communicate()

    assert is_gone(other)
