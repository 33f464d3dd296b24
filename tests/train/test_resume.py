"""A killed run continues and ends with the very weights of an uninterrupted one; several processes equal one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tunegate.train import read_tuned

SCRIPT = """
import json, sys
from pathlib import Path
import torch
from tunegate.core.prompts import PromptConfig
from tunegate.train import TrainConfig, train_model
torch.set_num_threads(1)
rows, model, config, *outs = sys.argv[1:]
for out in outs:
    train_model(json.loads(Path(rows).read_text()), model=model, out=Path(out), prompts=PromptConfig(),
                config=TrainConfig.model_validate_json(config), seed=3)
"""


def start(rows: Path, model: Path, outs: list[Path], config: str, *, processes: int = 1) -> subprocess.Popen[bytes]:
    launcher = [sys.executable, "-c", SCRIPT]
    if processes > 1:
        script = outs[0].with_suffix(".py")
        script.write_text(SCRIPT)
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        launcher.append(str(script))
    return subprocess.Popen(
        [*launcher, str(rows), str(model), config, *map(str, outs)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        stderr=subprocess.PIPE,
        cwd=outs[0].parent,
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors.decode()[-3000:]


def test_a_killed_run_ends_with_the_same_bytes(
    labelled: list[dict[str, str]], quickstart_base: Path, tmp_path: Path
) -> None:
    """SIGKILL after a checkpoint in the middle of an epoch, with dropout: weights and log end bit-identical."""
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps(labelled))
    config = json.dumps(
        {
            "method": "lora",
            "lora": {"dropout": 0.1},
            "batch_size": 4,
            "max_steps": 30,
            "checkpoint_steps": 5,
            "monitor": {"validation_share": 0},
        }
    )
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    killed = start(rows, quickstart_base, [broken], config)
    checkpoint = tmp_path / "broken.partial" / "checkpoint" / "progress.json"
    deadline = time.monotonic() + 200
    while not checkpoint.is_file() and time.monotonic() < deadline:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    stopped_at = json.loads(checkpoint.read_text())["step"]
    finish(start(rows, quickstart_base, [broken, whole], config))

    assert 5 <= stopped_at < 30
    assert read_tuned(broken).steps == 30
    for name in ("adapter_model.safetensors", "training_log.jsonl"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize("kind", ["text", pytest.param("label", marks=pytest.mark.slow)])
def test_two_processes_train_as_one(
    kind: str, labelled: list[dict[str, str]], quickstart_base: Path, small_bert: Path, tmp_path: Path
) -> None:
    """Torchrun with two processes and no GPU: they share each batch, and all losses are those of one process."""
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps(labelled * 2))
    model = quickstart_base if kind == "text" else small_bert
    config = json.dumps({"max_steps": 4, "dropout": 0.0, "monitor": {"validation_share": 0.2, "every": 2}})
    for count in (1, 2):
        finish(start(rows, model, [tmp_path / f"by{count}"], config, processes=count))
    one, two = (read_tuned(tmp_path / f"by{count}") for count in (1, 2))

    assert (one.notes["processes"], two.notes["processes"]) == (1, 2)
    assert [loss for _, loss in two.losses] == pytest.approx([loss for _, loss in one.losses], rel=1e-4)
    assert two.notes["evaluations"][-1]["loss"] == pytest.approx(one.notes["evaluations"][-1]["loss"], rel=1e-4)
