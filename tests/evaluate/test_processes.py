"""Several processes that measure together give the scores of one, from one forward pass per question."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tunegate.evaluate import read_scores

ROWS = [{"text": f"The number {n} is", "label": "even" if n % 2 == 0 else "odd"} for n in range(12)]
LAUNCHERS = {
    "torchrun": ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29613"],
    "accelerate": ["accelerate.commands.launch", "--cpu", "--num_processes", "2", "--main_process_port", "29614"],
}


def evaluate(launcher: list[str], model: Path, folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    command = ["tunegate", "evaluate", str(model), "--task", str(folder / "rows.jsonl"), "--out"]
    environment = {**os.environ, "TUNEGATE_CACHE": str(folder / f"{name}.cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", *launcher, *(["-m"] if launcher else []), *command, str(folder / f"{name}.parquet")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_two_processes_give_the_scores_of_one(launcher: str, quickstart_base: Path, tmp_path: Path) -> None:
    """Rows are equal, one file and one table are written, and every question is answered once."""
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    alone = evaluate([], quickstart_base, tmp_path, "alone")
    both = evaluate(LAUNCHERS[launcher], quickstart_base, tmp_path, "both")

    assert (alone.returncode, both.returncode) == (0, 0), alone.stderr + both.stderr
    one, two = (read_scores(tmp_path / f"{name}.parquet") for name in ("alone", "both"))
    assert two.rows.drop_columns(["logprobs"]).equals(one.rows.drop_columns(["logprobs"]))
    for a, b in zip(one.rows["logprobs"].to_pylist(), two.rows["logprobs"].to_pylist(), strict=True):
        assert a == pytest.approx(b, abs=1e-4)
    assert two.extras["requests_asked"] == 24
    assert both.stdout.count("MEASURED") == 1
    (file,) = (tmp_path / "both.cache").glob("*.jsonl")
    assert len({json.loads(line)[0] for line in file.read_text().splitlines()}) == 24
    assert len(file.read_text().splitlines()) == 24
