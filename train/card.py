"""A tuned model's record to its model card: what it is, what it learned from, what was watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.records import Tuned

SHOWN = ("epochs", "batch_size", "schedule", "warmup", "weight_decay", "clip", "layer_decay", "freeze", "interpolate")
"""Settings that a reader of the card looks for."""


def render_card(tuned: Tuned) -> str:
    """Markdown with the front matter that model hubs read; the user adds licence and intended use."""
    audit: Mapping[str, Any] = tuned.notes["audit"]
    config: Mapping[str, Any] = tuned.notes["config"]
    lines = [
        "---",
        f"base_model: {tuned.base}",
        f"library_name: {'peft' if tuned.is_adapter else 'transformers'}",
        "tags: [tunegate]",
        "---",
        "",
        f"# {tuned.path.name}",
        "",
        f"`{tuned.base}` tuned with tunegate ({tuned.method}).",
        "",
        "## Training",
        "",
        "| | |",
        "|---|---|",
        f"| rows | {audit['trained_rows']:,} ({_learned(audit)}) |",
        *_replay(audit, config),
        f"| data fingerprint | `{tuned.data_fingerprint}` |",
        f"| recipe fingerprint | `{tuned.notes['config_fingerprint']}` |",
        f"| seed | {tuned.seed} |",
        f"| steps | {tuned.steps} (weights of step {tuned.notes['kept_step']}) |",
        f"| learning rate | {audit['learning_rate']:g} |",
        *(f"| {name.replace('_', ' ')} | {config[name]} |" for name in SHOWN),
        *(f"| {name} | {version} |" for name, version in sorted(tuned.notes["versions"].items())),
    ]
    lines += ["", "## Watched while training", "", *_evaluations(tuned)]
    if audit["labels"]:
        lines += ["", "## Labels", "", "| label | rows |", "|---|---|"]
        lines += [f"| {label} | {count} |" for label, count in audit["labels"].items()]
    if tuned.notes["warnings"]:
        lines += ["", "## Warnings", "", *(f"* {warning}" for warning in tuned.notes["warnings"])]
    return "\n".join(lines) + "\n"


def _replay(audit: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    replay = config["replay"]
    if not (replay["source"] and replay["share"]):
        return []
    rows = replay["rows"] if replay["source"] == "self" else audit["replay_rows"]
    source = "written by the base" if replay["source"] == "self" else f"of `{replay['source']}`"
    return [f"| replay | {replay['share']:.0%} of each batch, from {rows:,} rows {source} |"]


def _learned(audit: Mapping[str, Any]) -> str:
    labels = len(audit["labels"])
    return f"{labels:,} labels" if labels else f"{audit['supervised_tokens']:,} supervised tokens"


def _evaluations(tuned: Tuned) -> list[str]:
    names = ("loss", "accuracy", "retention", "items")
    shown = [name for name in names if any(name in found for found in tuned.notes["evaluations"])]
    if not shown:
        return ["Nothing."]
    head = ["| step | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    return head + [
        f"| {found['step']} | " + " | ".join(f"{found[name]:.4f}" if name in found else "" for name in shown) + " |"
        for found in tuned.notes["evaluations"]
    ]
