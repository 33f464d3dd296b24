"""What a person can decide about measuring a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from ..core.config import Config, PathString

Ability = Literal[
    "", "grammar", "commonsense", "knowledge", "reading", "arithmetic", "truthfulness", "instructions", "language"
]


class Benchmark(Config):
    """One broad ability, measured by one task or one group of tasks."""

    task: PathString
    """Name of an lm-eval task or group (`hellaswag`, `mmlu`), or a YAML file that defines one."""
    limit: int | None = Field(default=None, ge=1)
    """Items; None: `limit` of the evaluation. A group's items are spread over its subjects."""
    num_fewshot: int | None = Field(default=None, ge=0)
    """Solved examples in every prompt; None: as the task says. A task that is defined with 0 keeps 0."""
    metric: str | None = None
    """Metric that is compared; None: acc_norm where the task has it, else acc, else its first."""
    ability: Ability = ""
    """Broad ability that the benchmark stands for."""
    definition: Mapping[str, Any] | None = None
    """An lm-eval task written here in place of a file; `task` is then its name."""


OF_SUITES = ("suite", "data", "limit")
"""Keys that an entry may set beside a shipped suite of general datasets."""


class Retention(Config):
    """One general dataset on which an encoder's frozen features are tested, or a shipped suite of several."""

    suite: Literal["none", "general", "intents"] = "none"
    """A shipped choice of datasets, whose files are looked for in the folder `data` (`tunegate evaluate --list-suites`
    names them); besides those two only `limit` may be given."""
    name: str = ""
    """Name in tables."""
    data: PathString
    """Labelled rows of a domain that is not the task's; for `similarity`, pairs whose target is a gold score."""
    test: PathString | None = None
    """Rows to test on; None: a seeded half of `data`."""
    measure: Literal["probe", "neighbours", "similarity"] = "probe"
    """probe: a linear probe on frozen features; neighbours: whether the nearest other row has the same class;
    similarity: agreement of cosine ranks with gold ranks."""
    columns: Mapping[str, str] = {}
    """Canonical name (input, pair, target) to the file's own column."""
    ability: str = "language"
    """Broad ability that the dataset stands for."""
    limit: int | None = Field(default=None, ge=10)
    """Rows tested (and rows that the probe learns from), at most; None: as the suite says, else 1,000."""

    @model_validator(mode="after")
    def _a_dataset_or_a_suite(self) -> Retention:
        if self.suite == "none" and not self.name:
            raise ValueError("name is missing; name the dataset, or choose a suite")
        fields = type(self).model_fields
        beside = [key for key in fields if key not in OF_SUITES and getattr(self, key) != fields[key].default]
        if self.suite != "none" and beside:
            raise ValueError(f"{' and '.join(beside)} cannot be set for a suite; only data and limit can")
        return self


class EvaluateConfig(Config):
    """How a model is measured."""

    suite: Literal["none", "quick", "standard", "full"] = "none"
    """A shipped choice of benchmarks; those of `benchmarks` come on top."""
    benchmarks: tuple[PathString | Benchmark, ...] = ()
    """Broad abilities: names of lm-eval tasks or groups, YAML files, or mappings with more to say."""
    mirror: PathString | None = None
    """Folder with an `index.json` that serves the benchmarks' data; None: the hub."""
    limit: int | None = Field(default=500, ge=1)
    """Items per benchmark, drawn with the seed and spread over subjects; None: all."""
    blocks: int = Field(default=1, ge=1, le=20)
    """Measure causal models in that many growing blocks, and stop after the first with which every check of the gate is
    decided; the looks share the gate's alpha. 1: all items at once. Fit for items that cost much."""
    labels: tuple[str, ...] = ()
    """Label set of a `label` task for a causal model; empty: the labels of the held-out rows."""
    multi_label: str | None = None
    """Separator of the labels in one target of a label head or encoder, such as `|`; None: exactly one label. A recipe
    takes it from train.multi_label."""
    metrics: tuple[str, ...] = Field(default=("exact_match", "normalized_match", "token_f1"), min_length=1)
    """Metrics of a `completion` or `chat` task; the first is compared. Also: rouge_l, chrf, valid_json, regex:PATTERN,
    schema:FILE, or your own as `module:function` (prediction, target) -> number."""
    max_new_tokens: int = Field(default=128, ge=1)
    """Tokens that a model may write per held-out row of a `completion` or `chat` task."""
    stop: tuple[str, ...] = ()
    """Texts that end an answer, besides the model's end-of-text token."""
    bins: int = Field(default=10, ge=2)
    """Bins of the expected calibration error."""
    apply_chat_template: bool = False
    """Wrap benchmark prompts in the model's chat template."""
    retention: tuple[Retention, ...] = ()
    """General datasets that stand for the broad abilities of an encoder or classifier."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Number format of the model."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the model runs."""
    batch_tokens: int | None = Field(default=None, ge=1)
    """Tokens in one forward pass at most (a longer row goes alone); None: 2,048 on a CPU, else 16,384. Halved when
    memory runs out. Changes speed and memory, not the result."""
    max_length: int | None = Field(default=None, ge=8)
    """Tokens the model reads at most; None: as its config says. Longer prompts lose their left end."""
    share_context: bool = True
    """Score the choices of one question in one pass over their context, where a self-check proves that equal."""
    backend: str = "transformers"
    """transformers: the scorer of this package; or an adapter of lm-eval: hf, vllm, server (an OpenAI-compatible
    completions endpoint that echoes log-probabilities), or another by lm-eval's name."""
    backend_options: Mapping[str, Any] = {}
    """Arguments of that adapter, such as base_url and model of a server."""
    drift_rows: int = Field(default=64, ge=0)
    """Held-out rows on which the tuned causal model's divergence from its base is measured, as an early warning that is
    never gated; 0: not at all. It costs one pass of each model over these rows, and where every weight was tuned the
    base is loaded beside the tuned model."""
    trust_remote_code: bool = False
    """Run code that a model repository brings along."""
