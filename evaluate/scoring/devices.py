"""What scoring does otherwise on an accelerator: its budgets, and numbers sent to it without waiting for its work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

LOGIT_CELLS = {"cpu": 1 << 23}
"""Logits held at once by device: 32 MB in float32 where memory and cache are short, else:"""
MOST_LOGIT_CELLS = 1 << 26
BATCH_TOKENS = {"cpu": 2048}
"""Tokens that are read in one forward pass by device, where nothing else is asked for: more leave its caches; else:"""
MOST_BATCH_TOKENS = 16384
SUMMED_LINES = 16
"""Lines of logits that are summed at once on a CPU, since the sum copies them; elsewhere as many as make up:"""
BLOCK_CELLS = 1 << 24
"""Logits of a block, which are held in float32 twice: 128 MB, enough lines for a fast matrix product."""
READ_TOGETHER = {"cpu": 256}
"""Tokens that rows which are to write read in one forward pass by device: a row by itself needs no padding and no mask,
and a CPU is no faster with more; elsewhere as many as in any pass."""
CACHED = {"cpu": 4}
"""Cached tokens of the rows that write together by device, in multiples of the tokens of a forward pass; else:"""
MOST_CACHED = 16
FREE_SHARE = 0.25
"""Share of an accelerator's free memory that these may fill; the rest is for reading, and for moving them by layers."""
ALIGNED = {"cpu": 1}
"""Columns that a line of a mask is a multiple of: the kernel of accelerators copies other masks per layer; else:"""
MOST_ALIGNED = 16
AHEAD = {"cpu": 0}
"""Batches begun before the numbers of an earlier one are asked for, so that an accelerator never waits; else:"""
MOST_AHEAD = 1


def tokens_at_once(stated: int | None, device: str) -> int:
    """Tokens that are read in one forward pass at most, on a device such as `cpu` or `cuda:1`."""
    return stated or BATCH_TOKENS.get(device.partition(":")[0], MOST_BATCH_TOKENS)


def lines_at_once(device: Any, vocabulary: int) -> int:
    """Lines of logits that are read at once."""
    return SUMMED_LINES if device.type == "cpu" else max(BLOCK_CELLS // vocabulary, 1)


def scoring_kernels(device: Any) -> AbstractContextManager[Any]:
    """On CUDA, attention without cuDNN's kernels, which are built anew for every shape of a batch: no two are alike."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if device.type != "cuda":
        return nullcontext()
    return sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH])


def on_device(numbers: Any, device: Any) -> Any:
    """An array or nested sequences of whole numbers as a tensor on a device.

    A copy from ordinary memory would wait for all that an accelerator still has to do; one from pinned memory does not.
    """
    import torch

    made = torch.from_numpy(np.asarray(numbers))  # torch reads sequences eight times as slowly
    return made.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else made.to(device)


def on_host(tensors: Sequence[Any]) -> Callable[[], list[Any]]:
    """What tensors hold, as a call that gives it as arrays.

    The call waits for what the device was asked until now. A copy that is begun no sooner than it is wanted would also
    wait for all that was asked since.
    """
    import torch

    copies = [tensor.to("cpu", non_blocking=tensor.is_cuda) for tensor in tensors]
    stream: Any = torch.cuda.current_stream(tensors[0].device) if tensors[0].is_cuda else None
    done = None if stream is None else stream.record_event()

    def wait() -> list[Any]:
        if done is not None:
            done.synchronize()
        return [copy.numpy() for copy in copies]

    return wait


def likeliest(logits: Any) -> Any:
    """The first of the largest logits of each line: numpy finds it ten times as fast as torch on a CPU."""
    import torch

    if logits.device.type != "cpu" or logits.dtype != torch.float32:
        return logits.argmax(dim=1)
    return torch.from_numpy(logits.numpy().argmax(axis=1))


def free_bytes(device: Any) -> int | None:
    """Bytes that an accelerator can still hold, those that torch keeps for later included; None elsewhere."""
    import torch

    if device.type != "cuda":
        return None
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + kept
