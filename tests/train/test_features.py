"""An encoder with a new head is held near its base's features on general text, and its drift is watched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tunegate.core.errors import RecipeError
from tunegate.core.prompts import PromptConfig
from tunegate.train import TrainConfig, preflight, train_model
from tunegate.train.opening import open_session
from tunegate.train.plan import make_plan

Rows = list[dict[str, str]]


@pytest.fixture
def general(tmp_path: Path) -> Path:
    """Forty short texts, each of its own words."""
    path = tmp_path / "general.txt"
    words = ["cannot", "log", "in", "the", "password", "is", "lost", "my", "account", "where", "parcel", "late", "has"]
    path.write_text("\n\n".join(" ".join(words[n % 13 :] + words[: n % 7]) for n in range(40)))
    return path


@pytest.mark.parametrize("layout", ["auto", "padded"])
@pytest.mark.parametrize("method", ["head", "lora"])
def test_the_drift_is_nothing_before_training(
    method: str, layout: str, labelled: Rows, general: Path, small_bert: Path, tmp_path: Path
) -> None:
    """At the base the distance is 0 for every row; after the weights move it is 1 − cosine of mean token states."""
    config = TrainConfig(method=method, layout=layout, dropout=0.0, replay={"source": str(general), "features": 1.0})  # type: ignore[arg-type]
    plan = make_plan(labelled, model=str(small_bert), config=config, prompts=PromptConfig())
    session, replay, _ = open_session(plan, tmp_path / "run")
    assert session.drift is not None
    assert session.penalty is not None
    micro = session.objective.collate(replay[:5], plan.place.device)
    base = [mean_state(session.network, row) for row in replay[:5]]
    before = float(session.drift(micro).detach())
    with torch.no_grad():
        for weight in session.trained:
            weight.add_(0.05 * torch.randn_like(weight))
    now = [mean_state(session.network, row) for row in replay[:5]]
    expected = sum(1 - float(torch.cosine_similarity(a, b, dim=0)) for a, b in zip(base, now, strict=True))

    assert before == pytest.approx(0.0, abs=1e-5)
    assert expected > 0.01
    assert float(session.drift(micro).detach()) == pytest.approx(expected, rel=1e-3)
    assert float(session.penalty(micro).detach()) == pytest.approx(expected, rel=1e-3)


def mean_state(network: Any, row: Any) -> torch.Tensor:
    model = network.get_base_model() if hasattr(network, "get_base_model") else network
    with torch.no_grad():
        return model.base_model(input_ids=torch.tensor([row.ids.tolist()]))[0][0].mean(0)  # type: ignore[no-any-return]


def test_the_penalty_keeps_the_encoder_near_its_base(
    labelled: Rows, general: Path, small_bert: Path, tmp_path: Path
) -> None:
    """The watched drift of a run with the penalty is less than half of that without, and both learn."""
    drifts = []
    for replay in ({"source": str(general), "share": 0.0}, {"source": str(general), "share": 0.5, "features": 20.0}):
        config = TrainConfig(
            epochs=8, learning_rate=1e-3, dropout=0.0, replay=replay, monitor={"validation_share": 0.0, "keep": "last"}
        )
        out = tmp_path / str(len(drifts))
        tuned = train_model(labelled, model=str(small_bert), config=config, out=out, prompts=PromptConfig())
        first, *_, last = tuned.notes["evaluations"]
        assert first["retention"] == pytest.approx(0.0, abs=1e-5)
        drifts.append(last["retention"])

    assert drifts[0] > 0.01
    assert drifts[1] < drifts[0] / 2


def test_replay_rows_are_no_labels(labelled: Rows, general: Path, small_bert: Path, tmp_path: Path) -> None:
    """Unlabelled rows have no part in the label loss: a batch with them has the loss of the batch without."""
    config = TrainConfig(dropout=0.0, replay={"source": str(general), "features": 1.0})
    plan = make_plan(labelled, model=str(small_bert), config=config, prompts=PromptConfig())
    session, replay, _ = open_session(plan, tmp_path / "run")
    task = list(plan.encoding.rows[:6])

    assert session.objective.learned([*task, *replay[:3]]) == task
    assert session.objective.weight(task) == 6
    assert session.objective.weight(replay[:3]) == 3


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"replay": {"source": "self"}}, "writes no text"),
        ({"replay": {"source": "{general}"}}, "set train.replay.features"),
        ({"replay": {"source": "{general}", "kl": 1.0}}, "takes train.replay.features"),
        ({"replay": {"source": "{general}", "features": 1.0}, "freeze": "encoder"}, "frozen encoder"),
    ],
)
def test_what_a_label_head_cannot_use_is_refused(
    config: dict[str, Any], message: str, labelled: Rows, general: Path, small_bert: Path
) -> None:
    """Replay that has no effect on a label head is refused with what to set."""
    replay = {**config["replay"], "source": config["replay"]["source"].format(general=general)}
    with pytest.raises(RecipeError, match=message):
        preflight(
            labelled, model=str(small_bert), config=TrainConfig(**{**config, "replay": replay}), prompts=PromptConfig()
        )


def test_a_model_that_writes_takes_kl(labelled: Rows, general: Path, quickstart_base: Path) -> None:
    """The head's penalty is refused where text is trained."""
    config = TrainConfig(replay={"source": str(general), "features": 1.0})
    with pytest.raises(RecipeError, match=r"takes train\.replay\.kl"):
        preflight(labelled, model=str(quickstart_base), config=config, prompts=PromptConfig())
