"""Freed memory stays with the process while training, and only then."""

from __future__ import annotations

import platform
import resource

import pytest
import torch
from tunegate.train.allocator import freed_memory_kept

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told so")


def faults() -> int:
    """Pages that the kernel brings for twenty blocks of 64 MiB, each freed before the next is asked for."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(1 << 24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_freed_memory_stays_only_inside() -> None:
    """Outside, before and after, each block brings its own pages; inside, those of the blocks before serve it."""
    pages = (1 << 26) // resource.getpagesize()
    before = faults()
    with freed_memory_kept(torch.device("cpu")):
        inside = faults()
    after = faults()

    assert before > 19 * pages
    assert inside < 10 * pages
    assert after > 19 * pages
