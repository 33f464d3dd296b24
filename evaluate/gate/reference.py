"""A person's acceptance of a run to the reference that later runs must not fall behind (the ratchet).

Each release may lose a little against the one before; the gate therefore judges against the last accepted run and
against the first base model, so that small losses cannot add up unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ...core.errors import InputError
from ...core.results import Comparison, Scores, Verdict
from ..compare import compare_scores
from .lock_file import pack_scores, read_lock, unpack_scores, write_lock


def accept_scores(
    base: Scores, tuned: Scores, verdict: Verdict, *, lock: Path, by: str, reason: str = ""
) -> Mapping[str, Any]:
    """Make a deployed run the reference; only a person's command calls this.

    The first base model ever accepted stays the original. Returns what was written under `accepted`, less the items.

    Raises:
        InputError: nobody is named, the run did not pass and no reason is given why it is deployed all the same, or it
            stopped before all items were measured, so that later runs could not be compared on all of theirs.
    """
    if (share := tuned.settings.get("share", 1.0)) < 1:
        raise InputError(
            f"the run stopped after {share:.0%} of its items; measure the rest before you accept it: "
            "tunegate run RECIPE --set evaluate.blocks=1"
        )
    if not by.strip():
        raise InputError("name who accepts: --by NAME")
    if verdict.outcome != "pass" and not reason.strip():
        raise InputError(
            f"the verdict is {verdict.outcome.upper()}; say why it is accepted all the same: --reason TEXT"
        )
    earlier = read_lock(lock) if lock.exists() else None
    about = {"by": by, "reason": reason, "date": date.today().isoformat(), "outcome": verdict.outcome}
    accepted = {**about, **pack_scores(tuned)}
    original = earlier["original"] if earlier and _same_items(earlier["original"], tuned) else pack_scores(base)
    write_lock(lock, {"accepted": accepted, "original": original})
    return {**about, "model": tuned.model, "tasks": {task["info"]["name"]: task["score"] for task in accepted["tasks"]}}


def reference_comparisons(lock: Path, base: Scores, tuned: Scores) -> dict[str, Comparison]:
    """The tuned model against the last accepted run, and against the original base where the base is another by now.

    Returns:
        By kind, as `judge(references=…)` takes it: `reference`, and `original` where it differs from `base`.

    Raises:
        IntegrityError: the file is damaged, or the reference was measured on other items or prompts.
    """
    held = read_lock(lock)
    found = {"reference": compare_scores(unpack_scores(held["accepted"], tuned, path=lock), tuned)}
    if held["original"]["model_hash"] != base.model_hash or not base.model_hash:
        found["original"] = compare_scores(unpack_scores(held["original"], tuned, path=lock), tuned)
    return found


def _same_items(packed: Mapping[str, Any], scores: Scores) -> bool:
    """Whether the original base can still be compared; with new benchmarks, today's base takes its place."""
    fresh = {task["info"]["name"]: task["items"] for task in pack_scores(scores)["tasks"]}
    return fresh == {task["info"]["name"]: task["items"] for task in packed["tasks"]}
