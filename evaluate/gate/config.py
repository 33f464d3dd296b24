"""The recipe's `gate:` section: what may be lost, what must be gained, and what happens when the items cannot tell."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, model_validator

from ...core.config import Config
from ...core.results import TaskInfo
from .waivers import Waiver


class TaskGate(Config):
    """What the user's own task must show."""

    require: Literal["gain", "no-loss", "nothing"] = "gain"
    """gain: significantly better than base; no-loss: not worse by more than `margin`; nothing: reported only."""
    min_gain: float = Field(default=0.01, ge=0, lt=1)
    """Smallest gain worth having (0.01: 1 point): a gain proven to be smaller fails."""
    min: float | None = None
    """Floor of the tuned model's score; the 1 - alpha bound must reach it, not only the estimate."""
    margin: float = Field(default=0.02, gt=0, lt=1)
    """Largest loss allowed against base (`no-loss`) and against the last accepted run."""


class GateConfig(Config):
    """The policy of the gate. Margins are shares: 0.05 is 5 points."""

    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """One-sided error rate: of passing a true loss as large as the margin, and of failing an unchanged suite."""
    margin: float = Field(default=0.05, gt=0, lt=1)
    """Largest loss allowed on any one benchmark."""
    mean_margin: float = Field(default=0.015, gt=0, lt=1)
    """Largest loss allowed on the mean of the benchmarks."""
    ratio_margin: float = Field(default=0.02, gt=0)
    """Largest loss allowed on a ratio such as bits per byte, in its own unit; such benchmarks stay out of the mean."""
    margins: dict[str, float] = Field(default_factory=dict)
    """Margin by benchmark or by ability, where it differs; the benchmark's own name goes first."""
    advisory: tuple[str, ...] = ()
    """Benchmarks or abilities that are shown and never decide."""
    max_contaminated: float = Field(default=0.10, ge=0, le=1)
    """Share of a benchmark's items found in the training data beyond which it is void."""
    power: float = Field(default=0.80, gt=0.5, lt=1)
    """Power behind "smallest loss found" and "items needed"."""
    inconclusive: Literal["block", "allow"] = "block"
    """Whether INCONCLUSIVE stops a deployment (exit code 3) or lets it through (0)."""
    task: TaskGate = TaskGate()
    """What the user's own task must show."""
    waivers: tuple[Waiver, ...] = ()
    """Losses that are let through, each with an owner and a last day."""

    @model_validator(mode="after")
    def _margins_are_positive(self) -> GateConfig:
        wrong = [f"{name}: {value}" for name, value in self.margins.items() if not 0 < value < math.inf]
        if wrong:
            raise ValueError(f"margins must be above 0: {', '.join(wrong)}")
        if "" in self.margins or "" in self.advisory:
            raise ValueError("margins and advisory must name a benchmark or an ability (one name is empty)")
        return self

    @model_validator(mode="after")
    def _one_waiver_each(self) -> GateConfig:
        names = [waiver.benchmark for waiver in self.waivers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"more than one waiver for {', '.join(twice)}; keep one each")
        return self

    def margin_of(self, info: TaskInfo) -> float:
        """The margin that holds for one benchmark: its own, its ability's, or that of its scale."""
        default = self.ratio_margin if info.scale == "ratio" else self.margin
        return self.margins.get(info.name, self.margins.get(info.ability, default))

    def is_advisory(self, info: TaskInfo) -> bool:
        """Whether a benchmark is shown without deciding."""
        return info.name in self.advisory or (info.ability != "" and info.ability in self.advisory)

    def as_policy(self) -> dict[str, Any]:
        """The limits, JSON-ready, for the verdict."""
        return self.model_dump(mode="json")
