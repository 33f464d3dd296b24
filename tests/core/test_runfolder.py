"""A run folder redoes what changed, keeps what did not, and never takes another run's place."""

from __future__ import annotations

from pathlib import Path

import pytest
from tunegate.core.errors import InputError
from tunegate.core.runfolder import RunFolder, open_run


def run_once(run: RunFolder, inputs: object, calls: list[str]) -> bool:
    def work() -> None:
        calls.append("work")
        (run.path / "result").write_text("x")

    return run.run_stage("stage", inputs, ["result"], work)


def test_a_stage_runs_again_only_when_its_inputs_or_outputs_changed(tmp_path: Path) -> None:
    """The same inputs cost no work; other inputs or a deleted output do."""
    calls: list[str] = []
    with open_run(tmp_path / "run", owner="a") as run:
        worked = [run_once(run, 1, calls), run_once(run, 1, calls), run_once(run, 2, calls)]
        (run.path / "result").unlink()
        worked.append(run_once(run, 2, calls))

    assert worked == [True, False, True, True]
    assert len(calls) == 3


def test_a_stage_that_was_cut_off_runs_again(tmp_path: Path) -> None:
    """An exception in the middle of a stage leaves it undone, even when an older result lies there."""
    calls: list[str] = []
    with open_run(tmp_path / "run", owner="a") as run:
        run_once(run, 1, calls)

        def broken() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run.run_stage("stage", 2, ["result"], broken)

        assert run.stage("stage")["state"] == "running"
        assert run_once(run, 1, calls)


def test_another_owners_folder_is_refused(tmp_path: Path) -> None:
    """A run never overwrites another run or a folder that is none."""
    with open_run(tmp_path / "run", owner="a"):
        pass
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("x")

    with pytest.raises(InputError, match="holds the run of a, not of b"), open_run(tmp_path / "run", owner="b"):
        pass
    with (
        pytest.raises(InputError, match="is not empty and not a run of tunegate"),
        open_run(tmp_path / "full", owner="a", fresh=True),
    ):
        pass

    assert (tmp_path / "full" / "thesis.txt").read_text() == "x"


def test_two_processes_cannot_write_one_run(tmp_path: Path) -> None:
    """The second one is told, and nothing is touched."""
    with (
        open_run(tmp_path / "run", owner="a"),
        pytest.raises(InputError, match="another tunegate is at work"),
        open_run(tmp_path / "run", owner="a"),
    ):
        pass


def test_fresh_throws_an_earlier_run_of_the_same_owner_away(tmp_path: Path) -> None:
    """--fresh begins with an empty folder."""
    calls: list[str] = []
    for fresh in (False, True):
        with open_run(tmp_path / "run", owner="a", fresh=fresh) as run:
            run_once(run, 1, calls)

    assert len(calls) == 2
