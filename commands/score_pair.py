"""What a user names to the scores of base and tuned: files of ours, run folders, logs of lm-eval or lighteval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import InputError

if TYPE_CHECKING:
    from ..core.results import Scores


def load_pair(
    base: Path, tuned: Path, *, task: str | None = None, metrics: dict[str, str] | None = None
) -> tuple[Scores, Scores]:
    """Scores of both models.

    Raises:
        InputError: there is nothing of that kind, or options for logs go with scores of ours.
        IntegrityError: a file is damaged or foreign.
    """
    from ..evaluate import read_log_pair

    places = [_score_file(base, "base"), _score_file(tuned, "tuned")]
    if places[0] is None and places[1] is None:
        return read_log_pair(base, tuned, task=task, metrics=metrics)
    if task or metrics:
        raise InputError("--task and --metric are for logs of lm-eval and lighteval; scores of tunegate know theirs")
    return _scores(base, places[0]), _scores(tuned, places[1])


def _score_file(path: Path, side: str) -> Path | None:
    """The file of ours behind a path; None: a folder of something else."""
    if not path.exists():
        raise InputError(
            f"{path}: no such file or folder; give scores of tunegate, a run, lm-eval's --output_path or lighteval's "
            "--output-dir"
        )
    if path.is_dir():
        return path / "scores" / f"{side}.parquet" if (path / "scores").is_dir() else None
    return path


def _scores(path: Path, file: Path | None) -> Scores:
    from ..evaluate import read_logs, read_scores

    return read_scores(file) if file else read_logs(path)
