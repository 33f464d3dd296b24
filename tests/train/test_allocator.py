"""Freed memory stays with the process while training, and goes back afterwards."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told so")

COUNT_PAGES = """
import resource
from pathlib import Path

import torch
from tunegate.train.allocator import freed_memory_kept

PAGE = resource.getpagesize()
BLOCK = 1 << 26


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def blocks_brought_anew():
    before = faults()
    for _ in range(60):
        torch.ones(BLOCK // 4)
    return (faults() - before) * PAGE / BLOCK


def resident_blocks():
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE / BLOCK


print(blocks_brought_anew())
with freed_memory_kept(torch.device("cpu")):
    print(blocks_brought_anew())
    held = resident_blocks()
print(held - resident_blocks())
"""


def test_freed_memory_stays_inside_and_goes_back_after() -> None:
    """Inside, the pages of a few of 60 blocks serve all others, where each brought its own before; then they go back.

    In a process of its own: in a heap that other tests left full of holes, where a block lands is chance. Even in a new
    one, a small allocation at the heap's end may keep the first few from being used again.
    """
    ran = subprocess.run([sys.executable, "-c", COUNT_PAGES], capture_output=True, text=True, check=True)
    before, inside, given_back = map(float, ran.stdout.split())

    assert before > 50
    assert inside < 20
    assert given_back > 0.5
