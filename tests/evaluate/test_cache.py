"""No question is asked twice, and no answer is ever another model's, another prompt's or another data file's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import copytree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunegate.core.formats import load_examples
from tunegate.core.prompts import PromptConfig
from tunegate.core.results import Scores
from tunegate.evaluate import EvaluateConfig, evaluate_model
from tunegate.evaluate.scoring.request import Answer, Request
from tunegate.evaluate.scoring.response_cache import answer_all

ROWS = [{"text": f"The number {n} is", "label": "even" if n % 2 == 0 else "odd"} for n in range(12)]
PROMPTS = PromptConfig()


def measure(model: Path, cache: Path, prompts: PromptConfig = PROMPTS, **options: object) -> Scores:
    config = EvaluateConfig.model_validate(options)
    return evaluate_model(str(model), task=load_examples(ROWS), config=config, prompts=prompts, cache=cache)


def test_a_second_evaluation_costs_no_forward_pass(quickstart_base: Path, tmp_path: Path) -> None:
    """Same weights, same questions: the answers come from disk, bit for bit, and the model is not even loaded."""
    first, second = measure(quickstart_base, tmp_path), measure(quickstart_base, tmp_path)

    assert (first.extras["requests_asked"], second.extras["requests_asked"]) == (24, 0)
    assert second.extras["tokens_computed"] == 0
    assert second.rows.equals(first.rows)


def test_a_retrained_model_at_the_same_path_is_another_model(quickstart_base: Path, tmp_path: Path) -> None:
    """The key is the weights' hash; lm-eval's cache served one model's answers as another's."""
    from safetensors.torch import load_file, save_file

    model = copytree(quickstart_base, tmp_path / "model")
    first = measure(model, tmp_path / "cache")
    weights = {name: value * 1.1 for name, value in load_file(model / "model.safetensors").items()}
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    second = measure(model, tmp_path / "cache")

    assert second.extras["requests_asked"] == 24
    assert second.model_hash != first.model_hash
    assert second.rows["logprobs"] != first.rows["logprobs"]


@pytest.mark.parametrize("change", [{"dtype": "bfloat16"}, {"max_length": 16}])
def test_settings_that_change_numbers_are_asked_anew(
    change: dict[str, object], quickstart_base: Path, tmp_path: Path
) -> None:
    """Number format and length are part of the key; how many tokens go through at once is not."""
    measure(quickstart_base, tmp_path)

    assert measure(quickstart_base, tmp_path, **change).extras["requests_asked"] == 24
    assert measure(quickstart_base, tmp_path, batch_tokens=64).extras["requests_asked"] == 0


def test_another_template_is_another_question(quickstart_base: Path, tmp_path: Path) -> None:
    """The rendered prompt is part of the key."""
    measure(quickstart_base, tmp_path)
    other = measure(quickstart_base, tmp_path, PromptConfig(template="Q: {input}"))

    assert other.extras["requests_asked"] == 24


class KillError(Exception):
    """Stands for a kill between two batches."""


def batches_of_two(requests: Sequence[Request]) -> Iterator[list[tuple[int, Answer]]]:
    for start in range(0, len(requests), 2):
        chunk = range(start, min(start + 2, len(requests)))
        yield [(n, (-float(len(requests[n].prompt)), n % 2 == 0)) for n in chunk]


def killed_after(batches: int, requests: Sequence[Request]) -> Iterator[list[tuple[int, Answer]]]:
    for number, batch in enumerate(batches_of_two(requests)):
        if number == batches:
            raise KillError
        yield batch


def questions(count: int) -> list[Request]:
    return [Request(kind="loglikelihood", prompt="x" * n, continuation="y") for n in range(count)]


@given(count=st.integers(1, 9), done=st.integers(0, 4), torn=st.integers(0, 40))
def test_a_killed_evaluation_loses_at_most_one_batch(
    count: int, done: int, torn: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What was answered before a kill is not asked again, even where the kill tore the last line."""
    file = tmp_path_factory.mktemp("kill") / "answers.jsonl"
    requests = questions(count)
    try:
        answer_all(requests, lambda asked: killed_after(done, asked), file=file, description="")
    except KillError:
        file.parent.mkdir(exist_ok=True)
        with file.open("ab") as stream:
            stream.write(b'["0123456789abcdef0123456789abcdef",[-1.0,tr'[:torn])
    answers, asked = answer_all(requests, batches_of_two, file=file, description="")

    assert asked == max(count - 2 * done, 0)
    assert [answer[0] for answer in answers] == [-float(n) for n in range(count)]
    assert answer_all(requests, batches_of_two, file=file, description="") == (answers, 0)


@pytest.mark.slow
def test_a_killed_command_goes_on_where_it_was(quickstart_base: Path, tmp_path: Path) -> None:
    """After SIGKILL in the middle of a benchmark every answer that reached the disk stands, and the rest is asked."""
    rows = [{"text": f"The number {n} is", "label": "even" if n % 2 == 0 else "odd"} for n in range(120)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, "-m", "tunegate", "evaluate", str(quickstart_base), "--task", "rows.jsonl"]
    cache = tmp_path / "cache"
    process = subprocess.Popen(
        [*command, "--set", "batch_tokens=64"], cwd=tmp_path, env={**os.environ, "TUNEGATE_CACHE": str(cache)}
    )
    while not any(file.stat().st_size > 200 for file in cache.glob("*.jsonl")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    (file,) = cache.glob("*.jsonl")
    kept = len(file.read_bytes().split(b"\n")) - 1
    config = EvaluateConfig(batch_tokens=64)
    task = load_examples(str(tmp_path / "rows.jsonl"))
    scores = evaluate_model(str(quickstart_base), task=task, config=config, prompts=PROMPTS, cache=cache)
    apart = evaluate_model(str(quickstart_base), task=task, config=config, prompts=PROMPTS)

    assert 0 < kept < 240
    assert scores.extras["requests_asked"] == 240 - kept
    assert scores.rows["prediction"] == apart.rows["prediction"]


def test_a_question_that_comes_twice_is_asked_once(tmp_path: Path) -> None:
    """Equal requests share one answer, whatever group they come in."""
    twice = [Request(kind="rolling", prompt="a", group=group) for group in ("one", "two")]
    answers, asked = answer_all(twice, lambda found: iter([[(0, -2.5)]]), file=tmp_path / "a", description="")

    assert (answers, asked) == ([-2.5, -2.5], 1)


PARTS = st.text(max_size=4)


@given(PARTS, PARTS, PARTS, PARTS)
def test_different_questions_have_different_keys(a: str, b: str, c: str, d: str) -> None:
    """No way of splitting the same text into prompt and continuation collides."""
    first = Request(kind="loglikelihood", prompt=a, continuation=b)
    second = Request(kind="loglikelihood", prompt=c, continuation=d)

    assert (first.key == second.key) == ((a, b) == (c, d))
    assert first.key != Request(kind="loglikelihood", prompt=a, continuation=b, closed=True).key
