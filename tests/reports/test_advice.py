"""Every next step follows from evidence in the results, and none is given without it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pytest
from tunegate.core.results import RunResults
from tunegate.reports.advice import attention, next_actions
from tunegate.reports.checks import lines_of, outcome_word


def with_notes(run: RunResults, notes: Mapping[str, Any]) -> RunResults:
    assert run.tuned is not None
    return dataclasses.replace(run, tuned=dataclasses.replace(run.tuned, notes={**run.tuned.notes, **notes}))


def test_a_pass_leads_to_deployment(build: Callable[..., RunResults]) -> None:
    """A run that passes is not told to forget less."""
    actions = next_actions(build(outcome="pass"))

    assert actions[-1] == "Deploy, then make this run the reference: tunegate accept RUN"
    assert [action for action in actions if "replay" in action or "learning rate" in action] == []


@pytest.mark.parametrize(
    ("replay", "expected"),
    [
        ({"source": None, "share": 0.05}, "Mix general text into training (train.replay): none was used"),
        ({"source": "self", "share": 0.05}, "Raise the replay share: 5.0 % of each batch did not hold the abilities"),
    ],
)
def test_replay_is_proposed_by_what_was_used(results: RunResults, replay: Mapping[str, Any], expected: str) -> None:
    """None used: mix some in; some used: raise the share."""
    actions = next_actions(with_notes(results, {"config": {"replay": replay}}))

    assert [action for action in actions if action.startswith(expected)] != []


def test_the_learning_rate_is_divided_by_three(results: RunResults) -> None:
    """The rate that was used stands beside the one to try."""
    assert "Lower the learning rate: 0.003 was used; try 0.001" in next_actions(results)


def test_an_earlier_checkpoint_is_proposed_only_where_retention_was_better(results: RunResults) -> None:
    """A retention loss that never rose gives no such advice."""
    flat = [{"step": step, "loss": 1.0, "retention": 2.0} for step in (0, 10, 20)]
    rising = [{"step": step, "loss": 1.0, "retention": 2.0 + step / 10} for step in (0, 10, 20)]

    assert not any("Stop earlier" in action for action in next_actions(with_notes(results, {"evaluations": flat})))
    assert "Stop earlier: the loss on general text was lowest at step 10 (3; 4 at the end)" in next_actions(
        with_notes(results, {"evaluations": rising})
    )


def test_undecided_benchmarks_name_the_items_they_need(results: RunResults) -> None:
    """The number comes from the check itself."""
    assert "Measure more items to decide: copying 1,240 (now 300)" in next_actions(results)


def test_attention_holds_every_void_waiver_contamination_and_warning(results: RunResults) -> None:
    """Nothing a reviewer must see is left out, and nothing is said twice."""
    notes = attention(results)

    assert notes == list(dict.fromkeys(notes))
    assert [note.split(" ")[0] for note in notes[:3]] == ["lookup", "sentiment:", "facts:"]
    assert "3 rows were cut to 512 tokens" in notes
    assert "15 suspected label errors to review" in notes


def test_without_a_gate_nothing_passes(results: RunResults) -> None:
    """A comparison alone is called not gated, and its lines are measured, not passed."""
    run = dataclasses.replace(results, verdict=None)

    assert outcome_word(run) == "NOT GATED"
    assert {line.state for line in lines_of(run.verdict, run.comparison)} == {"measured"}


@pytest.mark.parametrize("part", ["ledger", "tuned", "base_scores", "tuned_scores", "comparison", "verdict"])
def test_every_stage_may_be_absent(results: RunResults, part: str) -> None:
    """Advice is drawn from what is there."""
    assert isinstance(next_actions(dataclasses.replace(results, **{part: None})), list)


def test_replay_is_not_proposed_for_a_label_head(results: RunResults) -> None:
    """The trainer refuses replay for a head, so the advice names what it does offer."""
    assert results.tuned is not None
    head = dataclasses.replace(results.tuned, method="head", notes={})
    actions = next_actions(dataclasses.replace(results, tuned=head))

    assert [action for action in actions if "replay" in action] == []
    assert [action for action in actions if "learning rate" in action] != []


def test_leaks_that_curation_dropped_ask_for_no_other_run(build: Callable[..., RunResults]) -> None:
    """Rows that hold benchmark items are to be removed only where they were trained on, or where nobody knows."""
    results = build(outcome="pass")
    assert results.ledger is not None
    found = results.ledger.findings
    stays = found.set_column(found.column_names.index("action"), "action", pa.array(["flag"] * len(found)))
    trained_on = dataclasses.replace(results, ledger=dataclasses.replace(results.ledger, findings=stays))
    advice = "Remove the training rows that contain benchmark items, and train again: facts"

    assert advice not in next_actions(results)
    assert advice in next_actions(trained_on)
    assert advice in next_actions(dataclasses.replace(results, ledger=None))
