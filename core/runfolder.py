"""A run folder and its state: which stages are done, for which inputs, so that a run redoes only what changed."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .console import note
from .errors import InputError
from .records import SCHEMA_VERSION
from .store import fingerprint, read_json, require_writable, write_json

STATE_FILE = "run.json"
LOCK_FILE = ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """A folder that belongs to one recipe."""

    path: Path

    def state(self) -> dict[str, Any]:
        """run.json as it stands."""
        return dict(read_json(self.path / STATE_FILE))

    def update(self, **values: Any) -> None:
        """Set top-level values of run.json."""
        write_json(self.path / STATE_FILE, {**self.state(), **values})

    def stage(self, name: str) -> dict[str, Any]:
        """What run.json knows of one stage; empty where it never finished."""
        return dict(self.state()["stages"].get(name, {}))

    def run_stage(
        self, name: str, inputs: Any, outputs: Sequence[str], work: Callable[[], Mapping[str, Any] | None]
    ) -> bool:
        """Do a stage's work unless it was done for these inputs and its outputs are still there.

        Args:
            name: the stage, as the user knows it.
            inputs: JSON-ready fingerprints of all that the result depends on.
            outputs: paths inside the folder that the stage must leave.
            work: writes the outputs; may return facts to keep in run.json.

        Returns:
            Whether there was work to do.
        """
        key = fingerprint(inputs)
        done = self.stage(name)
        if done.get("key") == key and all((self.path / output).exists() for output in outputs):
            return False
        note(f"{name} …")
        started = time.monotonic()
        self._set_stage(name, {"state": "running", "key": None})
        facts = dict(work() or {})
        seconds = round(time.monotonic() - started, 2)
        self._set_stage(name, {"state": "done", "key": key, "seconds": seconds, "inputs": inputs, **facts})
        note(f"{name}: done in {seconds:.0f} s")
        return True

    def forget_stages(self, *names: str) -> None:
        """Take stages for not done: others took their place and wrote the same files."""
        stages = self.state()["stages"]
        if not stages.keys().isdisjoint(names):
            self.update(stages={name: value for name, value in stages.items() if name not in names})

    def _set_stage(self, name: str, value: dict[str, Any]) -> None:
        self.update(stages={**self.state()["stages"], name: value})


@contextmanager
def open_run(path: Path, *, owner: str, fresh: bool = False) -> Iterator[RunFolder]:
    """Make or reopen a run folder and hold it, so that two processes cannot write one run.

    Args:
        path: the folder.
        owner: what the run belongs to (the recipe's path); another owner's folder is refused.
        fresh: throw away what an earlier run of the same owner left.

    Raises:
        InputError: the folder holds something else or cannot be written, or another process is at work in it.
    """
    require_writable(path)
    _refuse_foreign(path, owner)
    path.mkdir(parents=True, exist_ok=True)
    with (path / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{path}: another tunegate is at work in this run; wait for it, or choose --out") from None
        if fresh:
            _empty(path)
        if not (path / STATE_FILE).exists():
            write_json(path / STATE_FILE, {"schema_version": SCHEMA_VERSION, "owner": owner, "stages": {}})
        yield RunFolder(path=path)


def _refuse_foreign(path: Path, owner: str) -> None:
    if not path.exists() or not any(entry.name != LOCK_FILE for entry in path.iterdir()):
        return
    if not (path / STATE_FILE).exists():
        raise InputError(f"{path}: is not empty and not a run of tunegate; choose another --out")
    other = read_json(path / STATE_FILE).get("owner")
    if other != owner:
        raise InputError(f"{path}: holds the run of {other}, not of {owner}; choose another --out")


def _empty(path: Path) -> None:
    for entry in path.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != LOCK_FILE:
            entry.unlink()
