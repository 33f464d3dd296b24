"""Freed memory stays with the process while training, and goes back afterwards."""

from __future__ import annotations

import platform
import resource
from pathlib import Path

import pytest
import torch
from tunegate.train.allocator import freed_memory_kept

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told so")
PAGE = resource.getpagesize()
BLOCK = 1 << 28
"""Larger than what the other tests of the same process left in its heap."""


def touch_blocks(count: int) -> None:
    """Fill blocks of 256 MiB, each freed before the next is asked for."""
    for _ in range(count):
        torch.ones(BLOCK // 4)


def faults() -> int:
    """Pages that the kernel brought to this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def resident() -> int:
    """Bytes in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def test_freed_memory_stays_inside_and_goes_back_after() -> None:
    """Inside, one block's pages serve the next ones, where each brought its own before; then the kernel gets them."""
    before = faults()
    touch_blocks(3)
    plain = faults() - before
    with freed_memory_kept(torch.device("cpu")):
        touch_blocks(3)
        before = faults()
        touch_blocks(3)
        inside = faults() - before
        held = resident()

    assert plain > 2 * BLOCK // PAGE
    assert inside < BLOCK // PAGE
    assert resident() < held - BLOCK // 2
