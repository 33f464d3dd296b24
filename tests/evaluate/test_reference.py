"""Accepted runs: what later runs must not fall behind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tunegate.core.errors import InputError, IntegrityError
from tunegate.evaluate import GateConfig, accept_scores, compare_scores, judge, reference_comparisons

INFOS = {"text": {"scale": "ratio", "higher_is_better": False}}
GENERATOR = np.random.default_rng(0)
BASE = (GENERATOR.random(1000) < 0.8).astype(int)


def lose(values: Any, count: int) -> Any:
    """The same values with the first right ones wrong."""
    worse = values.copy()
    worse[np.flatnonzero(worse)[:count]] = 0
    return worse


@pytest.fixture
def releases(make_scores: Any) -> list[Any]:
    """A base and three releases, each of which lost 20 items of 1,000 against the one before."""
    bits = {"weight": [80.0 + i for i in range(30)]}
    found = []
    for step in range(4):
        text = {"value": [100.0 + i % 7 + 0.1 * step for i in range(30)], **bits}
        found.append(make_scores({"a": lose(BASE, 20 * step), "text": text}, model=f"release {step}", infos=INFOS))
    return found


POLICY = GateConfig(mean_margin=0.05)


def test_small_losses_cannot_add_up_unseen(releases: list[Any], tmp_path: Path) -> None:
    """Each release is within 5 points of the last; the third is beyond them against the first base, and fails."""
    base, first, second, third = releases
    lock = tmp_path / "tunegate.lock.json"
    accept_scores(base, first, judge(compare_scores(base, first), POLICY), lock=lock, by="Ada")
    again = reference_comparisons(lock, first, second)
    accept_scores(
        first,
        second,
        judge(compare_scores(first, second), POLICY, references=again),
        lock=lock,
        by="Ada",
        reason="close",
    )
    verdict = judge(compare_scores(second, third), POLICY, references=reference_comparisons(lock, second, third))
    states = {(check.kind, check.name): check.state for check in verdict.checks}

    assert states["benchmark", "a"] == states["reference", "a"] == "pass"
    assert (verdict.outcome, states["original", "a"]) == ("fail", "fail")


def test_a_reference_compares_as_the_scores_themselves(releases: list[Any], tmp_path: Path) -> None:
    """Packing loses nothing that a verdict rests on, for 0/1 items and for bits."""
    base, first, second, _ = releases
    lock = tmp_path / "tunegate.lock.json"
    accept_scores(base, first, judge(compare_scores(base, first), POLICY), lock=lock, by="Ada")
    packed, direct = reference_comparisons(lock, base, second)["reference"], compare_scores(first, second)

    assert packed.tasks == direct.tasks


def test_the_original_base_is_judged_once(releases: list[Any], tmp_path: Path) -> None:
    """Where the base is still the first one, its own comparison is the one against the original."""
    base, first, second, _ = releases
    lock = tmp_path / "tunegate.lock.json"
    accept_scores(base, first, judge(compare_scores(base, first), POLICY), lock=lock, by="Ada")

    assert list(reference_comparisons(lock, base, second)) == ["reference"]
    assert list(reference_comparisons(lock, first, second)) == ["reference", "original"]


def test_the_file_is_small_and_readable(releases: list[Any], tmp_path: Path) -> None:
    """A reviewer sees who accepted which score; 1,000 items take less than 1 kB."""
    base, first, *_ = releases
    lock = tmp_path / "tunegate.lock.json"
    accept_scores(base, first, judge(compare_scores(base, first), POLICY), lock=lock, by="Ada", reason="release 1")
    accepted = json.loads(lock.read_text())["accepted"]

    assert (accepted["by"], accepted["reason"], accepted["outcome"]) == ("Ada", "release 1", "pass")
    assert (accepted["tasks"][0]["info"]["name"], accepted["tasks"][0]["n"]) == ("a", 1000)
    assert accepted["tasks"][0]["score"] == pytest.approx(BASE.mean() - 0.02)
    assert len(accepted["tasks"][0]["values"]) < 300


def test_acceptance_needs_a_name_and_for_a_failed_run_a_reason(releases: list[Any], tmp_path: Path) -> None:
    """Nothing is accepted by accident."""
    base, *_, third = releases
    failed = judge(compare_scores(base, third), POLICY)
    lock = tmp_path / "tunegate.lock.json"

    with pytest.raises(InputError, match="--by NAME"):
        accept_scores(base, third, failed, lock=lock, by=" ")
    with pytest.raises(InputError, match="the verdict is FAIL; say why"):
        accept_scores(base, third, failed, lock=lock, by="Ada")
    assert not lock.exists()
    assert accept_scores(base, third, failed, lock=lock, by="Ada", reason="legal order")["outcome"] == "fail"


def test_another_set_of_items_is_refused(releases: list[Any], make_scores: Any, tmp_path: Path) -> None:
    """A reference on other items or tasks proves nothing."""
    base, first, *_ = releases
    lock = tmp_path / "tunegate.lock.json"
    accept_scores(base, first, judge(compare_scores(base, first), POLICY), lock=lock, by="Ada")
    short = make_scores({"a": BASE[:900], "text": [1.0] * 30}, infos=INFOS)

    with pytest.raises(IntegrityError, match=r"'a' was measured on other items or prompts \(1,000 items"):
        reference_comparisons(lock, short, short)
    other = make_scores({"a": BASE, "b": BASE, "text": [1.0] * 30}, infos=INFOS)
    with pytest.raises(IntegrityError, match="'b' is not in both"):
        reference_comparisons(lock, other, other)


@pytest.mark.parametrize("text", ["", "{}", '{"accepted": {}, "original": {}, "schema_version": 99}'])
def test_damaged_and_foreign_files_are_refused(releases: list[Any], tmp_path: Path, text: str) -> None:
    """Empty, foreign, or of another version."""
    lock = tmp_path / "tunegate.lock.json"
    lock.write_text(text)

    with pytest.raises(IntegrityError, match=r"tunegate\.lock\.json"):
        reference_comparisons(lock, releases[0], releases[1])


def test_a_run_that_stopped_early_is_not_accepted(releases: list[Any], tmp_path: Path) -> None:
    """Later runs measure items that it never saw."""
    base, first = (replace(side, settings={"blocks": 4, "share": 0.5}) for side in releases[:2])
    verdict = judge(compare_scores(base, first), POLICY)

    with pytest.raises(InputError, match=r"stopped after 50% of its items; .* --set evaluate.blocks=1"):
        accept_scores(base, first, verdict, lock=tmp_path / "lock.json", by="Ada", reason="all the same")
    assert not (tmp_path / "lock.json").exists()
