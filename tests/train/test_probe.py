"""A probe's learning rate fits the size of the features that its head reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tunegate.core.prompts import PromptConfig
from tunegate.train import TrainConfig
from tunegate.train.objective import LabelObjective
from tunegate.train.opening import open_session
from tunegate.train.plan import make_plan
from tunegate.train.probe import UNIT_RATE, probe_rate

Rows = list[dict[str, str]]


def rates(rows: Rows, model: Path, folder: Path, **config: Any) -> list[float]:
    plan = make_plan(rows, model=str(model), config=TrainConfig(**config), prompts=PromptConfig())
    session, *_ = open_session(plan, folder)
    return [group["peak"] for group in session.optimiser.param_groups]


def test_the_rate_is_by_the_size_of_the_features(labelled: Rows, small_bert: Path, tmp_path: Path) -> None:
    """Rate × root mean square of the pooled states is the constant; smaller features get a higher rate."""
    plan = make_plan(labelled, model=str(small_bert), config=TrainConfig(freeze="encoder"), prompts=PromptConfig())
    session, *_ = open_session(plan, tmp_path)
    network, objective = session.network.eval(), session.objective
    assert isinstance(objective, LabelObjective)
    with torch.no_grad():
        pooled = network.bert(**objective.collate(plan.encoding.rows, plan.place.device).inputs).pooler_output
        size = float(pooled.square().mean().sqrt())
        found = probe_rate(network, objective, plan.encoding.rows, new=["classifier"])
        for weight in network.bert.pooler.parameters():
            weight.div_(10)  # tanh is nearly linear there
        smaller = probe_rate(network, objective, plan.encoding.rows, new=["classifier"])

    assert {group["peak"] for group in session.optimiser.param_groups} == {found}
    assert found == pytest.approx(UNIT_RATE / size, rel=1e-3)
    assert smaller > 5 * found


def test_a_stated_rate_is_taken(labelled: Rows, small_bert: Path, tmp_path: Path) -> None:
    """`head_learning_rate` has the last word, and a head under a trained encoder starts at 1e-3."""
    assert rates(labelled, small_bert, tmp_path, freeze="encoder", head_learning_rate=0.5) == [0.5, 0.5]
    assert max(rates(labelled, small_bert, tmp_path)) == 1e-3
