"""Replay, KL and interpolation do what their formulas say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tunegate.core.errors import DataError, InputError
from tunegate.core.models import load_causal, load_tokenizer
from tunegate.core.prompts import PromptConfig
from tunegate.core.results import BenchmarkItem
from tunegate.train import TrainConfig, preflight, train_model
from tunegate.train.interpolate import choose_share, mix
from tunegate.train.kl import kl_sum
from tunegate.train.monitor import Evaluation
from tunegate.train.opening import open_session
from tunegate.train.plan import make_plan
from tunegate.train.replay import read_general
from tunegate.train.self_replay import read_own_text, rows_from_tokens, write_own_rows
from tunegate.train.training import run_key

Rows = list[dict[str, str]]


@pytest.fixture
def general(tmp_path: Path) -> Path:
    """Forty paragraphs of general text."""
    path = tmp_path / "general.txt"
    path.write_text("\n\n".join(f"The cat number {n} sat on the mat\nand slept." for n in range(40)))
    return path


def read(config: TrainConfig, base: Path) -> Any:
    return read_general(config, PromptConfig(), load_tokenizer(base), length=64, has_head=False)


def test_watched_rows_are_never_rehearsed(general: Path, quickstart_base: Path) -> None:
    """A tenth of the source is only watched; the two parts share no row and name their lines."""
    config = TrainConfig(replay={"source": str(general)})
    rehearsed, watched = read(config, quickstart_base)

    assert (len(rehearsed), len(watched)) == (36, 4)
    assert {row.origin for row in rehearsed} & {row.origin for row in watched} == set()
    assert rehearsed[1].origin == f"{general}:4"
    assert all(row.is_replay for row in rehearsed)


def test_a_retention_file_is_kept_out_of_replay(general: Path, quickstart_base: Path) -> None:
    """Rows that are watched are taken out of the replay rows, wherever they come from."""
    config = TrainConfig(replay={"source": str(general)}, monitor={"retention": str(general)})
    rehearsed, watched = read(config, quickstart_base)

    assert (len(rehearsed), len(watched)) == (0, 40)


@pytest.mark.parametrize("rows", [[{"text": "a b c"}], [{"prompt": "a", "completion": "b"}]])
def test_replay_reads_texts_and_training_data(rows: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """JSON lines of text are supervised whole, those with prompt and completion on the completion."""
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows * 3))
    rehearsed, watched = read(TrainConfig(replay={"source": str(path)}), quickstart_base)

    assert (len(rehearsed), len(watched)) == (2, 1)
    assert bool(rehearsed[0].supervised[1]) is ("text" in rows[0])


def test_a_missing_source_is_told(labelled: Rows, quickstart_base: Path, small_bert: Path) -> None:
    """A missing file, and replay for a label head, are refused in the dry run."""
    for config, model, error in (
        (TrainConfig(replay={"source": "no.txt"}), quickstart_base, DataError),
        (TrainConfig(replay={"source": "self"}), small_bert, InputError),
    ):
        with pytest.raises(error):
            preflight(labelled, model=str(model), config=config, prompts=PromptConfig())


def test_the_audit_tells_the_loss_share_of_replay(labelled: Rows, general: Path, quickstart_base: Path) -> None:
    """Long replay rows weigh more than their share of rows; the audit says how much and warns."""
    config = TrainConfig(replay={"source": str(general), "share": 0.2})
    found = preflight(labelled, model=str(quickstart_base), config=config, prompts=PromptConfig())

    assert found.replay_rows == 36
    assert found.replay_loss_share > 0.4
    assert any("replay is 20% of the rows but" in warning for warning in found.warnings)


def test_kl_is_nothing_at_the_base_and_torchs_elsewhere() -> None:
    """KL(p‖p) = 0; otherwise Σ p (log p − log q), with the base as p."""
    base, tuned = torch.randn(5, 7), torch.randn(5, 7)
    p, q = F.softmax(base, -1), F.softmax(tuned, -1)

    assert float(kl_sum(base, base)) == pytest.approx(0.0, abs=1e-6)
    assert float(kl_sum(base, tuned)) == pytest.approx(float((p * (p / q).log()).sum()), rel=1e-5)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_penalty_is_nothing_before_training(
    method: str, labelled: Rows, general: Path, quickstart_base: Path, tmp_path: Path
) -> None:
    """At the start the tuned model is the base, so the penalty is 0; after the weights move it is not."""
    config = TrainConfig(method=method, replay={"source": str(general), "kl": 1.0})
    plan = make_plan(labelled, model=str(quickstart_base), config=config, prompts=PromptConfig())
    session, replay, _ = open_session(plan, tmp_path / "run")
    assert session.penalty is not None
    micro = session.objective.collate(replay[:4], plan.place.device)

    assert float(session.penalty(micro).detach()) == pytest.approx(0.0, abs=1e-4)
    with torch.no_grad():
        for weight in session.trained:
            weight.add_(0.01 * torch.randn_like(weight))
    assert float(session.penalty(micro).detach()) > 0.01


def test_the_penalty_keeps_the_model_near_its_base(
    labelled: Rows, general: Path, quickstart_base: Path, tmp_path: Path
) -> None:
    """Trained with a strong KL, the watched loss rises less than without replay."""
    rises = []
    for replay in ({"source": str(general), "share": 0.0}, {"source": str(general), "share": 0.3, "kl": 3.0}):
        config = TrainConfig(epochs=6, replay=replay, monitor={"validation_share": 0.0})
        out = tmp_path / str(len(rises))
        tuned = train_model(labelled, model=str(quickstart_base), config=config, out=out, prompts=PromptConfig())
        first, *_, last = tuned.notes["evaluations"]
        rises.append(last["retention"] - first["retention"])

    assert rises[1] < rises[0] - 0.02


def test_interpolation_is_the_straight_line(quickstart_base: Path) -> None:
    """At 0 the network is the base, at 1 the tuned model, at ½ their mean."""
    network = load_causal(quickstart_base)
    base = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    tuned = {name: weight + 1 for name, weight in base.items()}
    for share in (0.0, 0.5, 1.0):
        mix(network, base, tuned, share)
        for name, weight in network.named_parameters():
            torch.testing.assert_close(weight.detach(), base[name] + share)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_half_way_is_saved_half_way(method: str, labelled: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """`interpolate: 0.5` saves base + half the update, for whole models and for adapters alike."""
    found = {}
    for share in (0.5, 1.0):
        config = TrainConfig(
            method=method,
            max_steps=4,
            interpolate=share,
            save_dtype="float32",
            lora={"merge": True},
            monitor={"validation_share": 0.0},
        )
        out = tmp_path / str(share)
        train_model(labelled, model=str(quickstart_base), config=config, out=out, prompts=PromptConfig())
        found[share] = dict(load_causal(out).named_parameters())
    moved = 0.0
    for name, weight in load_causal(quickstart_base).named_parameters():
        half, whole = found[0.5][name].detach() - weight.detach(), found[1.0][name].detach() - weight.detach()
        torch.testing.assert_close(half, whole / 2, rtol=1e-3, atol=1e-6)
        moved += float(whole.abs().sum())
    assert moved > 1.0


def test_a_new_head_stays_as_tuned(labelled: Rows, small_bert: Path, tmp_path: Path) -> None:
    """Interpolating to 0 gives the base's encoder back under the tuned head."""
    from safetensors.torch import load_file

    config = TrainConfig(max_steps=4, interpolate=0.0, monitor={"validation_share": 0.0})
    out = tmp_path / "m"
    train_model(labelled, model=str(small_bert), config=config, out=out, prompts=PromptConfig())
    base, after = load_file(small_bert / "model.safetensors"), load_file(out / "model.safetensors")

    assert all(torch.equal(after[f"bert.{name}"], tensor) for name, tensor in base.items())
    assert set(after) - {f"bert.{name}" for name in base} == {"classifier.weight", "classifier.bias"}


BASE = Evaluation(step=0, loss=4.0, retention=1.0, benchmarks={"sums": 0.5})


def seen(loss: float | None, text: float, sums: float) -> Evaluation:
    return Evaluation(step=0, loss=loss, retention=text, benchmarks={"sums": sums})


@pytest.mark.parametrize(
    ("found", "share"),
    [
        ({1.0: seen(0.1, 1.0, 0.75), 0.8: seen(0.3, 1.0, 0.5), 0.5: seen(0.2, 1.0, 0.5)}, 0.5),
        ({1.0: seen(0.1, 1.25, 0.5), 0.8: seen(0.3, 1.0, 0.5), 0.5: seen(0.9, 1.0, 0.5)}, 0.8),
        ({1.0: seen(0.1, 1.0, 2.0), 0.8: seen(0.3, 1.0, 1.5), 0.5: seen(0.9, 1.0, 1.75)}, 0.5),
        ({0.5: seen(0.2, 1.0, 0.5), 1.0: seen(0.2, 1.0, 0.5)}, 1.0),
        ({1.0: seen(None, 1.5, 0.5), 0.8: seen(None, 1.0, 0.5), 0.5: seen(None, 1.0, 0.5)}, 0.8),
    ],
    ids=["sums left the limit", "text left the limit", "all left: the smallest", "a tie: the larger", "no validation"],
)
def test_the_share_is_the_best_on_the_task_within_the_limit(found: dict[float, Evaluation], share: float) -> None:
    """One rule: best validation score where no watched loss rose beyond the limit; else the smallest share."""
    assert choose_share(found, BASE, limit=0.125)[0] == share


@pytest.mark.parametrize("watches_items", [True, False])
def test_the_share_can_be_chosen(
    watches_items: bool, labelled: Rows, general: Path, quickstart_base: Path, tmp_path: Path
) -> None:
    """Of a list, what is saved follows the rule on rows that were not trained on, and every candidate is recorded."""
    config = TrainConfig(
        epochs=6,
        interpolate=(0.5, 1.0, 0.75),
        replay={"source": str(general), "share": 0.0},
        save_dtype="float32",
        monitor={"retention_margin": 0.05},
    )
    sums = [
        BenchmarkItem(task="sums", doc_hash=str(n), question=f"{n} plus 2 is", answer=f"{n + 2}.") for n in range(9)
    ]
    tuned = train_model(
        labelled,
        model=str(quickstart_base),
        config=config,
        out=tmp_path / "m",
        prompts=PromptConfig(),
        validation=labelled[:9],
        watched=sums if watches_items else (),
    )
    base, mixed = tuned.notes["evaluations"][0], tuned.notes["interpolated"]
    for found in mixed["tried"]:
        rises = [found["retention"] - base["retention"]]
        rises += [found["benchmarks"]["sums"] - base["benchmarks"]["sums"]] if watches_items else []
        assert found["rise"] == max(rises)
        assert found["within"] is (max(rises) <= 0.05)
    within = [found for found in mixed["tried"] if found["within"]]
    expected = min(within, key=lambda found: found["loss"])["share"] if within else 0.5

    assert [found["share"] for found in mixed["tried"]] == [1.0, 0.75, 0.5]
    assert mixed["share"] == expected


def test_the_base_writes_its_own_replay(labelled: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """`self`: the base samples rows, they are kept beside the model, and some are only watched."""
    config = TrainConfig(max_steps=2, replay={"source": "self", "share": 0.2, "rows": 8}, monitor={"retention_rows": 4})
    tuned = train_model(labelled, model=str(quickstart_base), config=config, out=tmp_path / "m", prompts=PromptConfig())
    written = read_own_text(tuned.path / "replay.jsonl")

    assert len(written) == 12
    assert all(ids[0] == 0 for ids in written)
    assert "| replay | 20% of each batch, from 8 rows written by the base |" in (tuned.path / "README.md").read_text()
    assert "retention" in tuned.notes["evaluations"][0]


def test_files_of_another_run_are_not_taken_over(labelled: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """What a killed run with other settings left behind is thrown away, its replay rows included."""
    stale = tmp_path / "m.partial"
    stale.mkdir()
    (stale / "key").write_text("another run")
    (stale / "replay.jsonl").write_text(json.dumps({"text": "old", "ids": [0, 5, 6, 7]}) + "\n")
    config = TrainConfig(max_steps=1, replay={"source": "self", "share": 0.2, "rows": 3}, monitor={"retention_rows": 1})
    tuned = train_model(labelled, model=str(quickstart_base), config=config, out=tmp_path / "m", prompts=PromptConfig())

    assert len(read_own_text(tuned.path / "replay.jsonl")) == 4
    assert not stale.exists()


def test_a_run_is_continued_on_the_same_general_text_alone(
    general: Path, labelled: Rows, quickstart_base: Path
) -> None:
    """Rehearsed and watched rows are part of what a run is: another text in the same file makes another run."""
    config = TrainConfig(replay={"source": str(general), "share": 0.2})

    def key() -> str:
        plan = make_plan(labelled, model=str(quickstart_base), config=config, prompts=PromptConfig())
        return run_key(plan, PromptConfig(), ())

    first, again = key(), key()
    general.write_text(general.read_text().replace("number 39", "number 93"))  # a row that is only watched
    watched = key()
    general.write_text(general.read_text().replace("number 0", "number 9"))
    assert first == again
    assert len({first, watched, key()}) == 3


def test_own_rows_end_where_the_text_ends(quickstart_base: Path) -> None:
    """A sampled row is cut behind its first end-of-text token, and all after the first token is supervised."""
    network, tokenizer = load_causal(quickstart_base), load_tokenizer(quickstart_base)
    torch.manual_seed(0)
    written = write_own_rows(network, tokenizer, count=5, length=24, device=torch.device("cpu"))
    rows = rows_from_tokens(written)

    assert len(written) == 5
    assert all(0 not in ids[1:-1] and len(ids) <= 24 for ids in written)
    assert all(row.supervised.sum() == len(row) - 1 for row in rows)
