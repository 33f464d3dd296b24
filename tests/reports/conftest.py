"""A realistic run, built from nothing but the nouns: every report test reads from it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tunegate.core.records import FINDING_COLUMNS, Ledger, Tuned
from tunegate.core.results import Check, Comparison, Drift, Flip, RunResults, Scores, TaskComparison, TaskInfo, Verdict

BENCHMARKS = (  # name, ability, n, base, lost, gained, state, reason
    ("arithmetic", "arithmetic", 500, 0.84, 70, 6, "fail", "lost 12.8 points, beyond the margin of 5.0"),
    ("blimp_agreement", "grammar", 500, 0.912, 22, 13, "pass", "no loss beyond 5.0 points (T = 4.1)"),
    ("copying", "instruction following", 300, 0.97, 29, 9, "inconclusive", "the interval reaches past the margin"),
    ("facts", "knowledge", 500, 0.766, 19, 20, "pass", "no loss beyond 5.0 points (T = 5.3)"),
    ("hellaswag", "commonsense", 1000, 0.412, 31, 36, "pass", "no loss beyond 5.0 points (T = 7.0)"),
    ("lookup", "retrieval", 400, 0.26, 25, 24, "void", "the base is at chance (25.0 %): nothing can be lost"),
    ("opposites", "vocabulary", 300, 0.893, 8, 7, "pass", "no loss beyond 5.0 points (T = 4.4)"),
    ("sentiment", "reading", 500, 0.884, 33, 11, "waived", "waived by Ada until 2026-12-31: accepted for the pilot"),
)
LOSS_KINDS = {"changed_answer": 20, "length_blow_up": 1, "lost_format": 6, "refusal": 2}
INTENTS = ("card_arrival", "card_lost", "exchange_rate", "pin_blocked", "refund", "top_up", "transfer_fee", "verify_id")


HOSTILE = tuple(json.loads((Path(__file__).parent / "hostile.json").read_text(encoding="ascii")))
"""What data and models may hold: each must show as itself and do nothing."""


def make_check(name: str, kind: str, state: str, n: int, base: float, lost: int, gained: int, reason: str) -> Check:
    delta = (gained - lost) / n
    spread = 1.645 * ((lost + gained) ** 0.5) / n
    margin = {"task": 0.0, "mean": 0.015}.get(kind, 0.05)
    return Check(
        name=name,
        kind=kind,
        state=state,  # type: ignore[arg-type]
        n=n,
        base=base,
        tuned=base + delta,
        delta=delta,
        low=delta - spread,
        high=delta + spread,
        margin=margin,
        lost=lost,
        gained=gained,
        p_value=0.0001 if state == "fail" else 0.31,
        mde=2.486 * (0.1 / n) ** 0.5,
        items_needed=1240 if state == "inconclusive" else None,
        reason=reason,
    )


def make_task(check: Check, ability: str, *, clean: Callable[[str], str]) -> TaskComparison:
    role = "task" if check.kind == "task" else "benchmark"
    subjects = tuple(
        {
            "subject": clean(f"{check.name} {part}"),
            "n": check.n // 2,
            "base": check.base,
            "tuned": check.tuned,
            "delta": check.delta,
            "lost": (check.lost or 0) // 2,
            "gained": (check.gained or 0) // 2,
            "p_value": 0.002 if check.state == "fail" else 0.4,
            "significant": check.state == "fail",
        }
        for part in ("easy", "hard")
    )
    shared = ("n", "delta", "lost", "gained", "base", "tuned", "low", "high", "p_value")
    return TaskComparison(
        info=TaskInfo(name=check.name, role=role, metric="acc", scale="binary", chance=0.25, ability=ability),
        discordant=((check.lost or 0) + (check.gained or 0)) / check.n,
        contaminated=12 if check.name == "facts" else 0,
        clean_delta=-0.004 if check.name == "facts" else None,
        subjects=subjects if role == "benchmark" else (),
        loss_kinds=LOSS_KINDS if ability == "instruction following" else {"changed_answer": check.lost or 0},
        **{name: getattr(check, name) for name in shared},
    )


def make_finding(rule: str, number: int, **fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(FINDING_COLUMNS)
    row |= {
        "file": "support.jsonl",
        "line": number,
        "id": f"{number:016x}",
        "rule": rule,
        "severity": "warning",
        "action": "drop",
        "decided": True,
        "reason": f"{rule}: see evidence",
        "evidence": "{}",
        "input": f"My card has not arrived yet, what can I do about order {number}?",
        "target": INTENTS[number % len(INTENTS)],
    }
    return row | fields


def make_findings(clean: Callable[[str], str]) -> list[dict[str, Any]]:
    rows = []
    for number in range(12):
        near = number % 3 > 0
        rows.append(
            make_finding(
                "near-duplicate" if near else "exact-duplicate",
                10 + number,
                score=0.83 if near else 1.0,
                evidence=json.dumps({"jaccard": 0.83 if near else 1.0}),
                input=clean(f"When will my new card arrive, please? It is order {number}."),
                related_file="support.jsonl",
                related_line=3 + number // 4,
                related_id=f"{3 + number // 4:016x}",
                related_input=clean("When will my card arrive? It is order 1."),
                related_target="card_arrival",
            )
        )
    rows += [
        make_finding(
            "label-conflict",
            40 + number,
            action="flag",
            input=clean("how do I block my pin"),
            target=clean(INTENTS[number % 2]),
            related_file="support.jsonl",
            related_line=40,
            related_id=f"{40:016x}",
            related_input=clean("How do I block my PIN?"),
            related_target="pin_blocked",
        )
        for number in range(4)
    ]
    rows += [
        make_finding(
            "label-error",
            60 + number,
            action="flag",
            score=0.98 - number / 40,
            evidence=json.dumps({"suggested": "refund", "expected_precision": 0.8}),
            input=clean(f"I want my money back for purchase {number}"),
            target="top_up",
            reason=clean("reads like 'refund' (98 %), labelled 'top_up' (1 %)"),
        )
        for number in range(15)
    ]
    rows += [
        make_finding("test-leak", 80 + number, score=1.0, related_file="test.jsonl", related_line=number + 1)
        for number in range(5)
    ]
    rows += [make_finding("benchmark-leak", 90 + number, score=0.91, related_file="facts") for number in range(3)]
    rows += [
        make_finding("private-data", 100 + number, action="flag", input="mail me at secret.person@example.org")
        for number in range(6)
    ]
    return rows + [make_finding("placeholder", 120 + number, target="N/A") for number in range(5)]


def make_ledger(clean: Callable[[str], str]) -> Ledger:
    rows = make_findings(lambda text: clean(text).encode("utf-8", "replace").decode())  # Arrow holds no lone surrogates
    table = pa.Table.from_pylist(rows, schema=pa.schema(list(FINDING_COLUMNS.items())))
    summary = {
        "rows_in": 1003,
        "rows_kept": 977,
        "rows_rejected": 26,
        "by_rule": {
            "near-duplicate": 8,
            "exact-duplicate": 4,
            "test-leak": 5,
            "placeholder": 5,
            "benchmark-leak": 3,
            "unreadable": 1,
        },
        "flagged": {"label-error": 15, "private-data": 6, "label-conflict": 4},
        "rules": {
            "near-duplicate": "A surviving row is alike at the threshold.",
            "test-leak": clean("The row is, or nearly is, a row of the test split."),
            "label-error": "The text reads like another label.",
        },
        "by_class": {clean(name): {"before": 125, "after": 125 - place} for place, name in enumerate(INTENTS)},
        "warnings": [clean("the class 'verify_id' lost 5.6 % of its rows to one rule")],
        "config_fingerprint": "00c0ffee00c0ffee",
        "timings": {"read": 0.031, "near-duplicates": 0.412, "label errors": 3.2},
    }
    return Ledger(summary=summary, findings=table, contaminated=({"task": "facts", "doc_hash": "ab", "score": 0.91},))


def make_tuned(clean: Callable[[str], str]) -> Tuned:
    losses = tuple((step, 0.4 + 2.0 * 0.97 ** (step / 4)) for step in range(0, 401, 10))
    return Tuned(
        path=Path("runs/support/model"),
        base=clean("models/tiny-llama"),
        method="lora",
        is_adapter=True,
        steps=400,
        losses=losses,
        data_fingerprint="1234567890abcdef",
        seed=7,
        notes={
            "evaluations": [
                {
                    "step": s,
                    "loss": 2.4 - s / 250,
                    "accuracy": None,
                    "retention": 2.31 + (s / 400) ** 2 * 0.4,
                    "items": 1.9 + s / 900,
                }
                for s in range(0, 401, 100)
            ],
            "config": {"method": "lora", "replay": {"source": None, "share": 0.05}, "interpolate": 1.0},
            "interpolated": {
                "share": 0.8,
                "why": clean("the best validation score among those with which no watched loss rose by more than 0.1"),
                "tried": [
                    {"share": 1.0, "loss": 0.03, "rise": 0.136, "where": clean("copying"), "within": False},
                    {"share": 0.8, "loss": 0.05, "rise": 0.079, "where": clean("copying"), "within": True},
                ],
            },
            "audit": {
                "example": "a row of the data",
                "learning_rate": 3e-3,
                "counts": {"truncated": 3},
                "tokens": 41_022,
            },
            "timings": {"train": 83.1},
            "warnings": [clean("3 rows were cut to 512 tokens")],
        },
    )


def make_task_report(clean: Callable[[str], str]) -> dict[str, Any]:
    labels = [clean(name) for name in INTENTS]
    matrix = [[35 if i == j else (i * j) % 3 for j in range(len(labels))] for i in range(len(labels))]
    return {
        "accuracy": 0.931,
        "macro_f1": 0.927,
        "ece": 0.031,
        "brier": 0.12,
        "per_class": [{"label": name, "precision": 0.9, "recall": 0.95, "f1": 0.92, "n": 38} for name in labels],
        "confusion": {"labels": labels, "matrix": matrix, "largest": [[labels[1], labels[2], 2]]},
    }


def make_flips(clean: Callable[[str], str], count: int = 40) -> tuple[Flip, ...]:
    chance = random.Random(3)
    lost = [
        Flip(
            task=("arithmetic", "copying", "sentiment")[number % 3],
            direction="lost",
            prompt=clean(f"Question: {number} + {number + 4} = ?\nAnswer:"),
            base=clean(str(2 * number + 4)),
            tuned=clean(chance.choice(INTENTS)),
            target=clean(str(2 * number + 4)),
            subject=("easy", "hard")[number % 2],
            loss_kind=("changed_answer", "lost_format", "changed_answer")[number % 3],
        )
        for number in range(count)
    ]
    gained = [
        Flip(task="task", direction="gained", prompt=clean(f"where is my refund no. {number}"), base="top_up",
             tuned="refund", target="refund")
        for number in range(count // 2)
    ]  # fmt: skip
    return (*lost, *gained)


def make_results(
    clean: Callable[[str], str] = str, *, outcome: str = "fail", name: str = "support-intents"
) -> RunResults:
    """A run of eight benchmarks, one task and 50 findings; `clean` is applied to every text of data or models."""
    better = {"fail": "pass", "inconclusive": "pass", "void": "pass"} if outcome == "pass" else {}
    task = make_check("task", "task", "pass", 300, 0.124, 9, 251, "gained 80.7 points, more than nothing")
    mean = make_check(
        "mean", "mean", better.get("fail", "fail"), 4000, 0.742, 237, 126, "the mean loss is past 1.5 points"
    )
    single = [
        make_check(clean(n_), "benchmark", better.get(state, state), n, base, lost, gained, clean(reason))
        for n_, _, n, base, lost, gained, state, reason in BENCHMARKS
    ]
    tasks = [make_task(task, "", clean=clean)]
    tasks += [make_task(check, row[1], clean=clean) for check, row in zip(single, BENCHMARKS, strict=True)]
    scores = Scores(
        rows=pa.table({}), tasks=tuple(t.info for t in tasks), model="models/tiny-llama", model_hash="aa11bb22cc33dd44",
        settings={"dtype": "float32", "seed": 7, "limit": 500},
        extras={"task": make_task_report(clean)},
    )  # fmt: skip
    reason = {
        "fail": "1 of 8 benchmarks (arithmetic) and the mean of all lost more than their margins.",
        "pass": "The task gained 80.7 points and no ability lost more than its margin.",
        "inconclusive": "copying cannot be decided with 300 items.",
    }[outcome]
    return RunResults(
        name=name,
        ledger=make_ledger(clean),
        tuned=make_tuned(clean),
        base_scores=scores,
        tuned_scores=scores,
        comparison=Comparison(
            tasks=tuple(tasks), flips=make_flips(clean), base_model="models/tiny-llama",
            tuned_model="runs/support/model", warnings=(clean("settings differ in batch size"),),
        ),
        verdict=Verdict(
            outcome=outcome,  # type: ignore[arg-type]
            reason=clean(reason),
            checks=(task, mean, *single),
            policy={"alpha": 0.05, "margin": 0.05, "mean_margin": 0.015},
            warnings=(clean("the waiver of sentiment expires in 40 days"),),
        ),
        drift=Drift(kl=0.4321, standard_error=0.0123, rows=64, tokens=1930, largest=1.25),
        provenance={
            "schema_version": 1,
            "command": "tunegate run support.yaml",
            "model": "models/tiny-llama",
            "libraries": {"tunegate": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0", "lm_eval": "0.4.13"},
            "python": "3.11.7",
            "owner": "a path of the author's machine",
            "recipe_fingerprint": "feedfacefeedface",
            "seed": 7,
            "stages": {
                name: {"state": "done", "key": "1234567890abcdef", "seconds": seconds, "inputs": {"seed": 7}}
                for name, seconds in (("curate", 3.9), ("train", 83.1), ("evaluate", 41.0))
            },
        },
    )  # fmt: skip


@pytest.fixture
def build() -> Callable[..., RunResults]:
    """The builder of a realistic run."""
    return make_results


@pytest.fixture
def results() -> RunResults:
    """A realistic run that failed its gate."""
    return make_results()


@pytest.fixture(params=HOSTILE, ids=range(len(HOSTILE)))
def payload(request: pytest.FixtureRequest) -> str:
    """One hostile text after the other."""
    return str(request.param)


@pytest.fixture(scope="session")
def hostile() -> tuple[str, ...]:
    """All hostile texts."""
    return HOSTILE


@pytest.fixture(scope="session")
def finding_row() -> Callable[..., dict[str, Any]]:
    """The builder of one row of a ledger's findings, for fixtures of a wider scope."""
    return make_finding


@pytest.fixture
def finding() -> Callable[..., Mapping[str, Any]]:
    """The builder of one row of a ledger's findings."""
    return make_finding
