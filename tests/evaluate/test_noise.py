"""The noise floor: one model measured twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tunegate.core.errors import InputError, IntegrityError
from tunegate.core.prompts import PromptConfig
from tunegate.evaluate import EvaluateConfig, measure_noise, noise_floor, read_noise, write_noise


def test_the_largest_share_of_flips_counts(make_scores: Any) -> None:
    """Over all repetitions, lost and gained alike."""
    first = make_scores({"a": [1, 1, 0, 0], "b": [1, 1, 1, 1]})
    repeats = {
        "batches": make_scores({"a": [1, 0, 1, 0], "b": [1] * 4}),
        "dtype": make_scores({"a": [1, 1, 0, 1], "b": [1] * 4}),
    }
    found = noise_floor(first, repeats)

    assert found.shares == {"a": 0.5, "b": 0.0}
    assert found.lines[0] == "batches: a: 2 of 4 items flip"
    assert [(run["changed"], run["tasks"]["a"]["flips"]) for run in found.runs] == [("batches", 2), ("dtype", 1)]


def test_numbers_move_by_their_difference(make_scores: Any) -> None:
    """Every document's bits change in the last digits; what counts is the score."""
    infos = {"text": {"scale": "ratio", "higher_is_better": False}}
    texts = [{"value": bits, "weight": [50.0, 50.0]} for bits in ([80.0, 90.0], [80.5, 90.5])]
    first, second = (make_scores({"text": text}, infos=infos) for text in texts)

    assert noise_floor(first, {"batches": second}).shares == {"text": pytest.approx(0.01)}


def test_two_models_have_no_common_noise_floor(make_scores: Any) -> None:
    """Flips between different weights are no noise."""
    with pytest.raises(InputError, match="needs one model, not 'one' and 'two'"):
        noise_floor(make_scores({"a": [1]}, model="one"), {"batches": make_scores({"a": [1]}, model="two")})


def test_a_noise_floor_survives_the_disk(make_scores: Any, tmp_path: Path) -> None:
    """And a foreign file is refused."""
    first = make_scores({"a": [1, 0]})
    found = noise_floor(first, {"batches": make_scores({"a": [0, 0]})})
    write_noise(found, tmp_path / "noise.json")

    assert read_noise(tmp_path / "noise.json") == found
    (tmp_path / "noise.json").write_text("{}")
    with pytest.raises(IntegrityError, match="not a noise floor"):
        read_noise(tmp_path / "noise.json")


def test_a_real_model_hardly_flips_by_numerics(root: Path, quickstart_base: Path) -> None:
    """Other batches and unshared passes change no answer of the small model on thirty items."""
    task = root / "examples" / "quickstart" / "benchmarks" / "facts.yaml"
    config = EvaluateConfig.model_validate({"benchmarks": [str(task)], "limit": 30})
    changes = {"other batches": {"batch_tokens": 64}, "a pass per choice": {"share_context": False}}
    found = measure_noise(str(quickstart_base), task=None, config=config, prompts=PromptConfig(), changes=changes)

    assert list(found.shares.values()) == [0.0]
