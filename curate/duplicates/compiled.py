"""Which way the near-duplicate engine runs: compiled and cached, or plain numpy, and over how many threads.

`TUNEGATE_NO_JIT=1` selects plain numpy and Python, with the same results. Compiled code releases the interpreter's
lock, so that threads are enough; each writes its own part of the output, so that their number never changes a result.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ...core.compiled import compile_cached, jit_enabled, map_threads, workers
from ...core.console import note

__all__ = ["announce_compilation", "compiled", "jit_enabled", "map_threads", "workers"]

SOURCES = (
    "blocks.py",
    "kernel.py",
    "kernel_affixes.py",
    "kernel_bits.py",
    "kernel_lanes.py",
    "kernel_lines.py",
    "kernel_runs.py",
    "kernel_sets.py",
    "kernel_shingles.py",
    "kernel_signature.py",
    "kernel_unicode.py",
    "kernel_words.py",
    "shingles.py",
    "unicode_table.py",
)
"""Files whose compiled functions and constants are built into one another."""
Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function compiled on its first call and cached on disk, as `core.compiled` has it."""
    return compile_cached(function, [Path(__file__).with_name(name) for name in SOURCES])


@cache
def announce_compilation(function: Callable[..., Any]) -> None:
    """Say that the first run compiles, if nothing of `function` is cached yet; said once."""
    stats = getattr(function, "stats", None)
    if stats is None or getattr(function, "signatures", None):
        return
    folder = stats.cache_path
    if folder is None or not any(Path(folder).glob(f"*.{function.__name__}-*.nbi")):
        note("compiling the near-duplicate kernels, once on this machine (about 20 seconds)")
