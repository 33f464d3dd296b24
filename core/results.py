"""The nouns of measurement: scores of one model, the comparison of two, the verdict on it.

Scores are columnar (Arrow), comparison and verdict are small dataclasses. Everything here is frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

from .records import Ledger, Tuned

Outcome = Literal["pass", "fail", "inconclusive"]
CheckState = Literal["pass", "fail", "inconclusive", "void", "waived", "advisory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkItem:
    """One item that the gate will use, as text: what curation looks for in the training data."""

    task: str
    doc_hash: str
    """The same hash that `Scores.rows` carries."""
    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInfo:
    """What the gate must know of one measured task."""

    name: str
    """Name of the task, such as `blimp_adjunct_island`, or `task` for the user's own."""
    role: Literal["task", "benchmark"]
    """The user's own task, or a broad ability."""
    metric: str
    """The metric that is compared, such as `acc`."""
    scale: Literal["binary", "continuous", "ratio"]
    """binary: 0/1 a item; continuous: any number a item; ratio: sum of value over sum of weight (bits per byte)."""
    higher_is_better: bool = True
    """Direction of the metric."""
    chance: float | None = None
    """Score of guessing, where there is one."""
    ability: str = ""
    """Broad ability that the task stands for, such as `grammar`."""
    version: str = ""
    """Version or hash of the task's definition."""


SCORE_COLUMNS: Mapping[str, pa.DataType] = {
    "task": pa.string(),
    "subject": pa.string(),  # stratum inside the task, "" where there is none
    "metric": pa.string(),
    "filter": pa.string(),  # lm-eval's filter, "none" where there is none
    "doc_hash": pa.string(),
    "prompt_hash": pa.string(),
    "target_hash": pa.string(),
    "occurrence": pa.int32(),  # 0, 1, … among rows that are equal in task, metric, filter, doc_hash and target_hash
    "cluster": pa.string(),  # items that share a passage, "" where each stands alone
    "value": pa.float64(),
    "weight": pa.float64(),  # bytes for bits per byte, else 1
    "prompt": pa.string(),
    "prediction": pa.string(),
    "target": pa.string(),
    "choices": pa.list_(pa.string()),
    "logprobs": pa.list_(pa.float64()),  # log-likelihood of each choice
    "contaminated": pa.bool_(),
}
"""Columns of `Scores.rows`, in order. Text columns are never null; `choices` and `logprobs` may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One model's results: one row per (task, item, metric)."""

    rows: pa.Table
    """Columns as SCORE_COLUMNS."""
    tasks: tuple[TaskInfo, ...]
    """One per task, in the order of the recipe."""
    model: str
    """The model as the user named it."""
    model_hash: str
    """Hash of its weights."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """JSON-ready: dtype, seed, limits, templates, scorer version: what base and tuned must share."""
    extras: Mapping[str, Any] = field(default_factory=dict)
    """JSON-ready: confusion, per-class, calibration, timings, warnings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """One item that one model got right and the other got wrong."""

    task: str
    direction: Literal["lost", "gained"]
    prompt: str
    base: str
    """The base model's answer."""
    tuned: str
    """The tuned model's answer."""
    target: str
    subject: str = ""
    loss_kind: str = ""
    """Of a lost item: changed_answer, lost_format, refusal or length_blow_up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskComparison:
    """Base against tuned on one task's items, before any limit is set."""

    info: TaskInfo
    n: int
    """Items, paired."""
    base: float
    """The base model's score."""
    tuned: float
    """The tuned model's score."""
    delta: float
    """tuned − base, signed so that a loss is negative whichever way the metric points."""
    low: float
    """Lower end of the two-sided 90 % interval of delta (its one-sided 95 % bound)."""
    high: float
    """Upper end of the same interval."""
    lost: int
    """Items that got worse."""
    gained: int
    """Items that got better."""
    p_value: float
    """One-sided test of no loss (exact McNemar, permutation or sign-flip)."""
    discordant: float
    """Share of items that changed."""
    differences: tuple[float, ...] = ()
    """Per-item tuned − base, signed as delta; empty for independent binary items, whose counts say all."""
    clusters: tuple[str, ...] = ()
    """Cluster of each difference, empty where items are independent."""
    weights: tuple[float, ...] = ()
    """Per-item weights of a ratio metric, else empty."""
    contaminated: int = 0
    """Items that occur in the training data."""
    clean_delta: float | None = None
    """delta over the items that do not."""
    subjects: tuple[Mapping[str, Any], ...] = ()
    """Per subject: subject, n, base, tuned, delta, lost, gained, p_value, significant (BH, q = 0.10)."""
    base_error: float = 0.0
    """Standard error of the base model's score."""
    tuned_error: float = 0.0
    """Standard error of the tuned model's score."""
    loss_kinds: Mapping[str, int] = field(default_factory=dict)
    """Lost items of a binary metric by what went wrong: changed_answer, lost_format, refusal, length_blow_up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Base against tuned over all tasks."""

    tasks: tuple[TaskComparison, ...]
    """One per task, the user's own first."""
    flips: tuple[Flip, ...] = ()
    """A sample of flips for people, lost ones first."""
    base_model: str = ""
    tuned_model: str = ""
    same_weights: bool = False
    """Whether both sides have one weights hash: a comparison of a model with itself."""
    blocks: int = 1
    """Growing blocks in which the items were to be measured; the looks after them share the error rate."""
    share: float = 1.0
    """Share of the items that had been measured at this look."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far the tuned model's next-token distributions moved from the base's on held-out rows of the task.

    It measures change, not loss: reported as an early warning, never gated.
    """

    kl: float
    """Mean of KL(base‖tuned) over tokens, in nats."""
    standard_error: float | None
    """Standard error over rows; None for a single row."""
    rows: int
    tokens: int
    largest: float
    """Largest mean of any row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One gated quantity: what was seen, what the limit was, and what follows."""

    name: str
    """Benchmark, `task`, or `mean` for the macro layer."""
    kind: str
    """task, benchmark, mean, reference (against the last accepted run), or original (against the first base model)."""
    state: CheckState
    n: int
    base: float | None
    tuned: float | None
    delta: float | None
    low: float | None
    high: float | None
    margin: float | None
    lost: int | None
    gained: int | None
    p_value: float | None
    mde: float | None
    """Smallest loss that this many items would find with 80 % power."""
    items_needed: int | None
    """Items that would decide an inconclusive check."""
    reason: str
    """A sentence for people."""
    scale: Literal["binary", "continuous", "ratio"] = "binary"
    """Scale of the quantity: binary and continuous are shown in points (hundredths), ratio in its own unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision. `exit_code` is derived from `outcome`, so that the two cannot disagree."""

    outcome: Outcome
    reason: str
    """One sentence: why."""
    checks: tuple[Check, ...]
    policy: Mapping[str, Any]
    """The limits that were applied, JSON-ready."""
    warnings: tuple[str, ...] = ()
    inconclusive_blocks: bool = True
    """Whether INCONCLUSIVE stops a deployment (exit code 3) or lets it through (0)."""
    base_model: str = ""
    tuned_model: str = ""

    @property
    def exit_code(self) -> int:
        """0 PASS, 1 FAIL, 3 INCONCLUSIVE (0 where the policy allows it)."""
        if self.outcome == "inconclusive":
            return 3 if self.inconclusive_blocks else 0
        return {"pass": 0, "fail": 1}[self.outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResults:
    """All that one run folder holds, typed: the input of every report. A stage that did not run is None."""

    name: str
    """Name of the run, for titles."""
    ledger: Ledger | None = None
    tuned: Tuned | None = None
    base_scores: Scores | None = None
    tuned_scores: Scores | None = None
    comparison: Comparison | None = None
    verdict: Verdict | None = None
    drift: Drift | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """run.json: versions, fingerprints, seeds, timings, the command that reproduces the run."""
