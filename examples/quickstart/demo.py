"""The whole tool on the embedded example: a careless recipe fails the gate, a careful one passes.

Turns an empty folder into a workspace of recipes, data, benchmarks and base model, two runs in it, and a comparison of
the two on standard output. The workspace is the user's to edit: `tunegate run` works on its recipes.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from ...core.console import note
from ...core.errors import InputError
from ...core.results import Check, CheckState, RunResults, Verdict
from ...pipeline import run_recipe
from .planted import PlantedScore, score_planted

HERE = Path(__file__).parent
PARTS = ("naive.yaml", "careful.yaml", "base", "data", "benchmarks")
"""What a workspace holds."""
MISSED_SHOWN = 7
"""Lines of missed defects that are named, a kind."""
MARKS: dict[CheckState, str] = {"pass": "", "fail": " x", "inconclusive": " ?", "void": " -"}


def run_demo(out: Path) -> int:
    """Make the workspace, run both recipes, print what came of it.

    Returns:
        0 where the naive run fails and the careful one passes, else 1.

    Raises:
        InputError: `out` holds something else.
    """
    started = time.monotonic()
    make_workspace(out)
    note("== 1 of 2: the naive recipe (all rows, high learning rate, nothing against forgetting)")
    naive = run_recipe(out / "naive.yaml", out=out / "naive")
    note("== 2 of 2: the careful recipe (cleaned rows, low-rank updates, replay with a penalty, interpolation)")
    careful = run_recipe(out / "careful.yaml", out=out / "careful")
    truth = json.loads((out / "data" / "truth.json").read_text(encoding="utf-8"))
    print(summary(naive, careful, truth, out))
    note(f"took {time.monotonic() - started:.0f} s")
    return 0 if _as_it_should(naive, careful) else 1


def make_workspace(out: Path) -> None:
    """Copy the example into `out`; a workspace that is already there stays as the user left it.

    Raises:
        InputError: `out` is not empty and is no such workspace.
    """
    if (out / "careful.yaml").exists():
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: holds something else; choose another folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = HERE / part
        if source.is_dir():
            shutil.copytree(source, out / part, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, out / part)


def summary(naive: RunResults, careful: RunResults, truth: dict[str, object], out: Path) -> str:
    """Both verdicts side by side, the planted defects, and where to look next."""
    assert naive.verdict is not None
    assert careful.verdict is not None
    sections = [
        _verdict_table(naive.verdict, careful.verdict),
        _choice(careful),
        _planted_table(*score_planted(out / "careful" / "curated", truth)),
        _closing(naive, careful, out),
    ]
    return "\n\n".join("\n".join(section) for section in sections)


def _verdict_table(naive: Verdict, careful: Verdict) -> list[str]:
    """Percent of items right, per ability and on the mean."""
    lines = [
        "Two ways to tune one model on one task",
        "",
        f"  {'% right':<28}{'base':>8}{'naive':>10}{'careful':>10}",
    ]
    for one, other in zip(naive.checks, careful.checks, strict=True):
        name = {"task": "intents (the task itself)", "mean": "mean of all abilities"}.get(
            one.name, one.name.removeprefix("quickstart_")
        )
        lines.append(f"  {name:<28}{_percent(one.base):>8}{_tuned(one):>10}{_tuned(other):>10}")
    lines += [f"  {'gate':<28}{'':>8}{naive.outcome.upper():>10}{careful.outcome.upper():>10}", ""]
    return [*lines, "  x: lost more than allowed   ?: cannot be told   -: void"]


def _tuned(check: Check) -> str:
    return _percent(check.tuned) + MARKS.get(check.state, "")


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _choice(careful: RunResults) -> list[str]:
    """How far from the base the careful weights went, and by what that was chosen."""
    notes = {} if careful.tuned is None else careful.tuned.notes
    mixed, watched = notes.get("interpolated"), notes.get("watched", {})
    if not mixed:
        return ["The careful weights are those at the end of training (no interpolation)."]
    tried = ", ".join(f"{found['share']:g}" for found in mixed["tried"])
    items = sum(map(len, watched.values()))
    return [
        f"The careful weights went {mixed['share']:g} of the way from the base to the tuned ones (tried: {tried}).",
        f"  {mixed['why']}",
        f"  Chosen by {items:,} benchmark items that the gate does not ask, general text and held-out training rows.",
    ]


def _planted_table(scores: Sequence[PlantedScore], sound: int) -> list[str]:
    lines = [
        "Defects planted in the training rows, and what curation made of them",
        "",
        f"  {'':<28}{'planted':>8}{'found':>10}{'removed':>10}",
    ]
    lines += [f"  {score.kind:<28}{score.planted:>8}{score.found:>10}{score.removed:>10}" for score in scores]
    planted, found, removed = (
        sum(getattr(score, name) for score in scores) for name in ("planted", "found", "removed")
    )
    lines.append(f"  {'all':<28}{planted:>8}{found:>10}{removed:>10}")
    for score in scores:
        if score.missed:
            more = "" if len(score.missed) <= MISSED_SHOWN else f" and {len(score.missed) - MISSED_SHOWN} more"
            lines.append(f"  missed {score.kind}: lines {', '.join(map(str, score.missed[:MISSED_SHOWN]))}{more}")
    return [*lines, f"  sound rows removed: {sound}"]


def _closing(naive: RunResults, careful: RunResults, out: Path) -> list[str]:
    lines = []
    if not _as_it_should(naive, careful):
        lines += [
            "This did not go as the demonstration expects (naive FAIL, careful PASS); the reports say why.",
            "",
        ]
    return [
        *lines,
        "Look at the reports:",
        f"  {out / 'naive' / 'report.html'}",
        f"  {out / 'careful' / 'report.html'}",
        "Try next:",
        f"  tunegate run {out / 'careful.yaml'} --out {out / 'mine'} --set train.interpolate=1",
        f"  tunegate curate {out / 'data' / 'train.jsonl'}",
        "  tunegate init YOUR_DATA.jsonl",
    ]


def _as_it_should(naive: RunResults, careful: RunResults) -> bool:
    assert naive.verdict is not None
    assert careful.verdict is not None
    return naive.verdict.outcome == "fail" and careful.verdict.outcome == "pass"
