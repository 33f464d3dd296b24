"""Memory that a step frees to memory that the next step takes, without a way through the kernel.

Every step asks for the same large blocks. The C library of Linux maps and unmaps each of them anew, and the kernel
clears their pages again: measured 12 to 15 % of a step's processor time.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Parameters of glibc's mallopt (malloc.h), and the values it starts with.
TRIM_THRESHOLD, MMAP_MAX = -1, -4
DEFAULT_TRIM, DEFAULT_MAPS = 128 * 1024, 65536
NEVER = 2**31 - 1
"""Bytes free at the heap's end from which they go back to the kernel: two gigabytes."""


@contextmanager
def freed_memory_kept(device: torch.device) -> Iterator[None]:
    """While inside, memory freed on a CPU stays with the process; afterwards it goes back.

    Only glibc can be told so; elsewhere this does nothing.
    """
    if device.type != "cpu" or platform.libc_ver()[0] != "glibc":
        yield
        return
    library = ctypes.CDLL(None)
    library.mallopt(MMAP_MAX, 0)
    library.mallopt(TRIM_THRESHOLD, NEVER)
    try:
        yield
    finally:
        library.mallopt(MMAP_MAX, DEFAULT_MAPS)
        library.mallopt(TRIM_THRESHOLD, DEFAULT_TRIM)
        library.malloc_trim(0)
