"""Kept examples and a base model to a tuned model."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .config import LoraConfig, MonitorConfig, ReplayConfig, TrainConfig
from .general_text import SELF, read_texts
from .record import read_tuned

if TYPE_CHECKING:
    from .audit import Preflight, preflight
    from .merge import merge_adapter
    from .training import train_model

__all__ = [
    "SELF",
    "LoraConfig",
    "MonitorConfig",
    "Preflight",
    "ReplayConfig",
    "TrainConfig",
    "merge_adapter",
    "preflight",
    "read_texts",
    "read_tuned",
    "train_model",
]

_HOMES = {"Preflight": "audit", "merge_adapter": "merge", "preflight": "audit", "train_model": "training"}


def __getattr__(name: str) -> Any:
    """Import what needs torch on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
