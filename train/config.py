"""What a person can decide about training; every default is one that a practitioner would pick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..core.config import Config, PathString

Method = Literal["full", "lora", "dora", "head"]
Share = Annotated[float, Field(ge=0, le=1)]


class LoraConfig(Config):
    """Low-rank adapters."""

    rank: int = Field(default=16, ge=1)
    """Rank of the update of each weight matrix."""
    alpha: float = Field(default=32.0, gt=0)
    """Scale of the update: alpha / rank, or alpha / √rank with `rank_stabilised`."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout before the adapter."""
    targets: str | tuple[str, ...] = "all-linear"
    """Names of the layers that get an adapter; `all-linear`: every linear layer but the output."""
    rank_stabilised: bool = False
    """Scale by 1/√rank, so that high ranks keep learning (rsLoRA)."""
    merge: bool = False
    """Save one merged model and not an adapter; checked by comparing logits."""
    four_bit: bool = False
    """Hold the frozen base in 4 bits (needs a CUDA device and the `quantize` extra)."""


class ReplayConfig(Config):
    """General rows mixed into training, so that the model rehearses what it knew."""

    source: PathString | None = None
    """A file of general text (.txt: paragraphs; .jsonl with `text`; or any training data), or `self`: text that the
    base model itself writes before training. None: no replay."""
    share: float = Field(default=0.05, ge=0, lt=1)
    """Share of replay rows among all rows of a batch. The share of the *loss* is larger where replay rows have more
    supervised tokens; the audit reports both."""
    rows: int = Field(default=1000, ge=1)
    """Replay rows read or written at most."""
    kl: float = Field(default=0.0, ge=0)
    """Weight of KL(base‖tuned) on the replay rows, added to the loss; 0: none. Full fine-tuning then holds a frozen
    copy of the base in memory; with adapters the base is the adapter switched off."""
    features: float = Field(default=0.0, ge=0)
    """For a label head, which cannot write: weight of how far the encoder's features (mean token states) turn away
    from the base's on the replay rows, as 1 − cosine, added to the loss; 0: none."""

    @model_validator(mode="after")
    def _penalties_need_rows(self) -> ReplayConfig:
        for name in ("kl", "features"):
            if getattr(self, name) and not (self.source and self.share):
                raise ValueError(f"{name} is measured on replay rows: it needs a source and a share above 0")
        return self


class MonitorConfig(Config):
    """Watching the model while it trains."""

    validation_share: float = Field(default=0.1, ge=0, le=0.5)
    """Share of the rows held out for validation where no validation data is given; 0: none. Rows with the same input
    stay on one side."""
    every: int | None = Field(default=None, ge=1)
    """Optimiser steps between two evaluations; None: once per epoch."""
    keep: Literal["best", "last"] = "best"
    """The weights that are saved: of the best validation loss (accuracy for label heads), or of the last step."""
    patience: int | None = Field(default=None, ge=1)
    """Stop after this many evaluations without a better one; None: never."""
    retention: PathString | None = None
    """General text whose loss is watched, base against now; None: rows of the replay source that are not trained on."""
    retention_rows: int = Field(default=64, ge=1)
    """Rows of it at most."""
    benchmark_items: int = Field(default=64, ge=0)
    """Items of each of the run's benchmarks whose loss is watched: only such as the gate does not ask; 0: none."""
    retention_margin: float = Field(default=0.10, ge=0)
    """Rise over the base, in nats per token, that is tolerated of the loss on general text and of each benchmark's; for
    a label head, rise of the features' 1 − cosine."""
    on_breach: Literal["warn", "stop", "best-within-margin"] = "warn"
    """What a rise beyond the margin does: a warning; stop training; or keep the best checkpoint among those within
    the margin."""


class TrainConfig(Config):
    """How a model is tuned."""

    method: Literal["auto", Method] = "auto"
    """full: every weight; lora, dora: adapters; head: a new label head on a pretrained model, trained end to end.
    auto: head for encoders; for causal models full where it fits into memory, else lora."""
    epochs: float = Field(default=3.0, gt=0)
    """Passes over the training rows."""
    max_steps: int | None = Field(default=None, ge=1)
    """Stop after this many optimiser steps, whatever `epochs` says."""
    batch_size: int = Field(default=16, ge=1)
    """Rows per optimiser step, over all processes; never changed by memory limits."""
    micro_tokens: int | None = Field(default=None, ge=1)
    """Tokens in one forward pass at most (a longer row goes alone), halved when memory runs out; None: 4,096, on a GPU
    up to 16,384 as memory allows. Changes speed and memory, not the result."""
    learning_rate: float | None = Field(default=None, gt=0)
    """Peak learning rate; None: by method and model size (full 1e-5 for
    billions of weights up to 1e-3 for a million, adapters 2e-4 to 3e-3, encoders 5e-5)."""
    head_learning_rate: float | None = Field(default=None, gt=0)
    """Peak learning rate of a new label head; None: 1e-3, or where the encoder is frozen, 6e-3 divided by the root mean
    square of the features that the head reads."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """Decay after the warm-up."""
    warmup: float = Field(default=0.06, ge=0, lt=1)
    """Share of the steps over which the learning rate rises from 0."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Decoupled weight decay of matrices; biases, norms and embeddings have none."""
    clip: float = Field(default=1.0, gt=0)
    """Largest gradient norm."""
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    """Factor on the learning rate per layer below the top; 1: all equal."""
    freeze: Literal["encoder"] | Annotated[int, Field(ge=0)] = 0
    """`encoder`: train the new head alone (a probe). A number: freeze the embeddings and that many lowest layers."""
    activation_checkpointing: bool = False
    """Compute activations a second time in the backward pass and not keep them: far less memory for long rows, about a
    third more time. Changes no result."""
    dropout: float | None = Field(default=None, ge=0, lt=1)
    """Dropout of the model; None: as its config says."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of the target's probability spread over all classes or tokens."""
    class_weights: Literal["none", "balanced"] | Mapping[str, float] = "none"
    """Weights of the classes in the loss of a label head: balanced (by inverse frequency), or one per label."""
    multi_label: str | None = None
    """Separator of the labels in one target, such as `|`: a row may have several or none. None: exactly one label."""
    max_length: int | None = Field(default=None, ge=8)
    """Tokens per row at most; None: what the model can read."""
    truncation: Literal["drop", "cut_prompt", "cut_answer"] = "cut_prompt"
    """Rows that are too long: dropped, the prompt cut from its left, or the answer cut from its right. A label head's
    text is cut at its end."""
    turns: Literal["last", "all"] = "last"
    """Assistant turns of a chat that are supervised."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Number format of matrix products (trained weights stay float32). auto: bf16 on GPUs and CPUs that have it in
    hardware, else fp32."""
    layout: Literal["auto", "varlen", "padded"] = "auto"
    """varlen: rows behind each other without padding, attention per row; padded: rows of like length together.
    auto: varlen where a self-check on the model proves it equal."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train."""
    save_dtype: Literal["base", "float32"] = "base"
    """Number format of the saved weights: that of the base model's file, or float32."""
    interpolate: Share | Annotated[tuple[Share, ...], Field(min_length=1)] | Literal["auto"] = 1.0
    """Saved weights = base + this × (tuned − base) (WiSE-FT); 1: as tuned. A new head stays as tuned. A list, or `auto`
    for 1 to 0.4 in tenths: the share with the best validation score among those with which no watched loss (general
    text; each benchmark's items that the gate does not ask) rises over the base by more than
    `monitor.retention_margin`. If there is none, the smallest; of equal scores, and without validation rows, the larger
    share. What is not watched does not limit."""
    checkpoint_steps: int | None = Field(default=None, ge=1)
    """Optimiser steps between two checkpoints that a killed run resumes from; None: once per epoch."""
    report_to: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = ()
    """Trackers that the metrics are also sent to (each its own extra)."""
    trust_remote_code: bool = False
    """Run code that a model repository brings along."""
    lora: LoraConfig = LoraConfig()
    """Adapters."""
    replay: ReplayConfig = ReplayConfig()
    """Rehearsal against forgetting."""
    monitor: MonitorConfig = MonitorConfig()
    """Validation and retention while training."""

    @model_validator(mode="after")
    def _fits(self) -> TrainConfig:
        if self.method == "dora" and self.interpolate != 1.0:
            raise ValueError("interpolate: a DoRA update is no straight line from the base; use lora or full")
        if self.lora.four_bit and self.method not in {"lora", "dora"}:
            raise ValueError("lora.four_bit: a 4-bit base can only be tuned through adapters; set method: lora")
        if self.lora.four_bit and self.lora.merge:
            raise ValueError("lora.merge: an adapter cannot be merged into a 4-bit base; merge it into the whole one")
        return self
