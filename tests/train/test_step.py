"""A step that runs out of memory repeats itself smaller and ends the same; one without room says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tunegate.core.errors import InputError
from tunegate.core.prompts import PromptConfig
from tunegate.train import TrainConfig, estimate
from tunegate.train.batches import Micro
from tunegate.train.encoding import Row
from tunegate.train.objective import CausalObjective
from tunegate.train.opening import open_session
from tunegate.train.plan import make_plan
from tunegate.train.step import Session, describe_broken, measure, train_step


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallMemory(CausalObjective):
    """The real objective on a machine that fits `room` tokens."""

    room: int

    def loss_sum(self, network: Any, micro: Micro) -> torch.Tensor:
        """The real loss where it fits."""
        if sum(map(len, micro.rows)) > self.room:
            raise torch.OutOfMemoryError("no room")
        return CausalObjective.loss_sum(self, network, micro)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneBrokenRow(CausalObjective):
    """The real objective, but one row's loss is not a number."""

    broken: str

    def loss_sum(self, network: Any, micro: Micro) -> torch.Tensor:
        """The real loss, or none."""
        factor = float("nan") if any(row.origin == self.broken for row in micro.rows) else 1.0
        return CausalObjective.loss_sum(self, network, micro) * factor


def opened(rows: list[dict[str, str]], model: Path, folder: Path) -> tuple[Session, Sequence[Row]]:
    config = TrainConfig(monitor={"validation_share": 0.0})
    plan = make_plan(rows, model=str(model), config=config, prompts=PromptConfig())
    session, *_ = open_session(plan, folder)
    return session, plan.encoding.rows


def after_step(session: Session, rows: Sequence[Row]) -> torch.Tensor:
    train_step(session, rows, step=0)
    return torch.cat([weight.detach().reshape(-1) for weight in session.trained])


def test_running_out_of_memory_repeats_the_same_step(
    completions: list[dict[str, str]], quickstart_base: Path, tmp_path: Path
) -> None:
    """Halved forward passes, same batch: the weights after the step are those of a machine with room."""
    session, rows = opened(completions, quickstart_base, tmp_path)
    expected = after_step(session, rows)
    small, rows = opened(completions, quickstart_base, tmp_path)
    roomy = small.objective
    assert isinstance(roomy, CausalObjective)
    small.objective = SmallMemory(layout=roomy.layout, pad=roomy.pad, is_linear=roomy.is_linear, room=150)
    found = after_step(small, rows)

    assert small.halvings >= 2
    assert small.micro_tokens <= 150
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=2e-5)


def test_running_out_of_memory_while_evaluating_changes_no_figure(
    completions: list[dict[str, str]], quickstart_base: Path, tmp_path: Path
) -> None:
    """An evaluation without room is repeated in smaller passes, to the same loss; one row without room is told."""
    session, rows = opened(completions, quickstart_base, tmp_path)
    whole, _ = measure(session, rows)
    longest = max(map(len, rows))
    session.objective = SmallMemory(layout="varlen", pad=1, is_linear=True, room=2 * longest)
    halved, _ = measure(session, rows)

    assert session.halvings > 0
    assert halved == pytest.approx(whole, rel=1e-6)
    session.objective = SmallMemory(layout="varlen", pad=1, is_linear=True, room=longest - 1)
    with pytest.raises(InputError, match=f"evaluation: out of memory with one row of {longest} tokens"):
        measure(session, rows)


def test_the_clipped_step_is_torchs(completions: list[dict[str, str]], quickstart_base: Path, tmp_path: Path) -> None:
    """The step with a gradient beyond the limit is that of `clip_grad_norm_` and AdamW, and reports the norm before."""
    found, rows = opened(completions, quickstart_base, tmp_path)
    found.clip = 0.01
    result = train_step(found, rows, step=0)
    plain, rows = opened(completions, quickstart_base, tmp_path)
    plain.network.train()
    micro = plain.objective.collate(rows, plain.place.device)
    (plain.objective.loss_sum(plain.network, micro) / plain.objective.weight(rows)).backward()
    norm = torch.nn.utils.clip_grad_norm_(plain.trained, 0.01)
    plain.optimiser.step()

    assert result.norm == pytest.approx(float(norm), rel=1e-5)
    assert result.norm > 0.1
    for ours, theirs in zip(found.trained, plain.trained, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_one_row_without_room_is_told(completions: list[dict[str, str]], quickstart_base: Path, tmp_path: Path) -> None:
    """When a single row does not fit, the message names its tokens and what to set."""
    session, rows = opened(completions, quickstart_base, tmp_path)
    session.objective = SmallMemory(layout="varlen", pad=1, is_linear=True, room=4)

    with pytest.raises(InputError, match=r"out of memory with one row of \d+ tokens.*train.max_length"):
        train_step(session, rows, step=0)


def test_weights_that_ran_away_are_told_from_broken_rows(
    completions: list[dict[str, str]], quickstart_base: Path, tmp_path: Path
) -> None:
    """Where every row of a batch is broken, no row is accused: the message names the learning rate."""
    session, rows = opened(completions, quickstart_base, tmp_path)
    with torch.no_grad():
        session.trained[0].fill_(float("nan"))

    with pytest.raises(InputError, match=r"Every row of the batch is broken.*lower train\.learning_rate") as caught:
        train_step(session, rows, step=2)
    assert "<rows>:" not in str(caught.value)


def test_a_row_with_a_broken_loss_is_named(
    completions: list[dict[str, str]], quickstart_base: Path, tmp_path: Path
) -> None:
    """Exactly the row whose loss is not a number is named by file and line, and no weight is changed."""
    session, rows = opened(completions, quickstart_base, tmp_path)
    session.objective = OneBrokenRow(layout="varlen", pad=1, is_linear=True, broken="<rows>:4")
    before = [weight.detach().clone() for weight in session.trained]

    with pytest.raises(InputError, match=r"step 3: the loss is nan.*rows with a broken loss: <rows>:4; look"):
        train_step(session, rows, step=2)
    assert all(torch.equal(old, new.detach()) for old, new in zip(before, session.trained, strict=True))


def test_every_process_names_the_broken_row(
    completions: list[dict[str, str]], quickstart_base: Path, tmp_path: Path
) -> None:
    """Of several processes, also the one that did not train on the broken row names it, and no other."""
    session, rows = opened(completions, quickstart_base, tmp_path)
    session.objective = OneBrokenRow(layout="varlen", pad=1, is_linear=True, broken="<rows>:4")

    told = set()
    for rank in (0, 1):
        session.place = replace(session.place, rank=rank, processes=2)
        told.add(describe_broken(session, rows, step=2, what="the loss is nan"))
    (message,) = told
    assert "rows with a broken loss: <rows>:4; look" in message


@pytest.mark.parametrize(("gib", "tokens"), [(40, 16384), (1.0, 8192), (0.1, 4096)])
def test_a_gpu_gets_as_many_tokens_as_fit(
    gib: float,
    tokens: int,
    completions: list[dict[str, str]],
    quickstart_base: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unless a number is set, which holds everywhere; a CPU gets the smallest."""
    rows = [{**row, "prompt": row["prompt"] * 20} for row in completions * 40]
    settings = {"method": "full", "batch_size": 960, "monitor": {"validation_share": 0.0}}
    plan = make_plan(rows, model=str(quickstart_base), config=TrainConfig(**settings), prompts=PromptConfig())
    on_gpu = replace(plan, place=replace(plan.place, device=torch.device("cuda")))
    stated = replace(on_gpu, config=TrainConfig(**settings, micro_tokens=100))
    monkeypatch.setattr(estimate, "free_memory", lambda _device: int(gib * 2**30))

    assert [estimate.micro_tokens(one) for one in (plan, on_gpu, stated)] == [4096, tokens, 100]
