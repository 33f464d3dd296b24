"""Which way the near-duplicate engine runs: compiled and cached, or plain numpy, and over how many threads.

`TUNEGATE_NO_JIT=1` selects plain numpy and Python, with the same results. Compiled code releases the interpreter's
lock, so that threads are enough; each writes its own part of the output, so that their number never changes a result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

from ...core.console import note
from ...core.store import hash_files

SOURCES = (
    "blocks.py",
    "kernel.py",
    "kernel_affixes.py",
    "kernel_shingles.py",
    "kernel_signature.py",
    "kernel_unicode.py",
    "shingles.py",
    "unicode_table.py",
)
"""Files whose compiled functions and constants are built into one another."""
Function = TypeVar("Function", bound=Callable[..., Any])
Item = TypeVar("Item")
Result = TypeVar("Result")


def jit_enabled() -> bool:
    """Whether kernels are compiled: unless `TUNEGATE_NO_JIT` is set to anything but 0."""
    return os.environ.get("TUNEGATE_NO_JIT", "0") in ("", "0")


def compiled(function: Function) -> Function:
    """The function compiled on its first call and cached on disk; unchanged where compilation is switched off.

    The cache lies in `NUMBA_CACHE_DIR` or the user's cache folder, else beside the module; where nothing is writable,
    nothing is cached.
    """
    if not jit_enabled():
        return function
    import numba

    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(cache_folder(before))
    try:
        return cast(Function, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba found no writable folder for its cache
        return cast(Function, numba.njit(nogil=True)(function))
    finally:
        config.CACHE_DIR = before


def cache_folder(base: str = "") -> Path:
    """Where compiled code of these very sources lies.

    numba itself looks at the file of a function alone, and would run code compiled from an older file that it calls.
    """
    digest = hash_files([Path(__file__).with_name(name) for name in SOURCES])
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base or Path(home) / "tunegate") / f"kernels-{digest}"


def announce_compilation(function: Callable[..., Any]) -> None:
    """Say that the first run compiles, if nothing of `function` is cached yet."""
    stats = getattr(function, "stats", None)
    if stats is None or getattr(function, "signatures", None):
        return
    folder = stats.cache_path
    if folder is None or not any(Path(folder).glob(f"*.{function.__name__}-*.nbi")):
        note("compiling the near-duplicate kernels, once on this machine (about 20 seconds)")


def workers() -> int:
    """Number of threads: `NUMBA_NUM_THREADS` if set, else the cores that this process may use."""
    asked = os.environ.get("NUMBA_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`function` over `items` by the workers; results come in the order of the items."""
    if workers() == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(workers()) as pool:
        yield from pool.map(function, items)
