"""Several processes (`torchrun`, `accelerate launch`) to one evaluation: each answers its part, all know every answer.

The launcher says who is who in the environment (RANK, LOCAL_RANK, WORLD_SIZE). What is exchanged are a list of keys and
the answers, a few kilobytes, over torch's gloo; alone nothing is exchanged and torch is not imported.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

Value = TypeVar("Value")


def process_count() -> int:
    """Processes that measure together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def process_number() -> int:
    """Which of them this one is, from 0; 0 prints and writes files."""
    return int(os.environ.get("RANK", "0"))


def local_device() -> str:
    """The accelerator of this process: one each on a machine."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if process_count() > 1 else "cuda"


def own_part(keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """All keys as process 0 lists them, and the contiguous part that is this process's own.

    Neighbours stay together: they are choices of one question, and questions behind one header.
    """
    everyone = _from_first(list(keys))
    count, number = process_count(), process_number()
    begin, end = (len(everyone) * n // count for n in (number, number + 1))
    return everyone, everyone[begin:end]


def joined(own: Mapping[str, Value]) -> dict[str, Value]:
    """What all processes found, by key."""
    if process_count() == 1:
        return dict(own)
    distributed = _distributed()
    parts: list[Any] = [None] * process_count()
    distributed.all_gather_object(parts, dict(own))
    return {key: value for part in parts for key, value in part.items()}


def _from_first(keys: list[str]) -> list[str]:
    if process_count() == 1:
        return keys
    shared: list[Any] = [keys]
    _distributed().broadcast_object_list(shared, src=0)
    first: list[str] = shared[0]
    return first


def _distributed() -> Any:
    import torch.distributed

    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")
        atexit.register(torch.distributed.destroy_process_group)
    return torch.distributed
