"""Which way hot loops run: compiled by numba and cached on disk, or plainly; and over how many threads.

`TUNEGATE_NO_JIT=1` selects the plain way, with the same results. Compiled code releases the interpreter's lock, so that
threads are enough; their number never changes a result.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from .store import hash_files

TURN_SECONDS = 0.0005
"""How long a thread may run Python while another waits: pieces of compiled code take some ten times as long."""
Function = TypeVar("Function", bound=Callable[..., Any])
Item = TypeVar("Item")
Result = TypeVar("Result")


def jit_enabled() -> bool:
    """Whether kernels are compiled: unless `TUNEGATE_NO_JIT` is set to anything but 0."""
    return os.environ.get("TUNEGATE_NO_JIT", "0") in ("", "0")


def compile_cached(function: Function, sources: Sequence[Path]) -> Function:
    """The function compiled on its first call and cached on disk; unchanged where compilation is switched off.

    The cache lies in `NUMBA_CACHE_DIR` or the user's cache folder, else beside the module; where nothing is writable,
    nothing is cached.

    Args:
        function: one that numba can compile.
        sources: the files with all functions and constants that are built into it.
    """
    if not jit_enabled():
        return function
    import numba

    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(cache_folder(before, sources))
    try:
        return cast(Function, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba found no writable folder for its cache
        return cast(Function, numba.njit(nogil=True)(function))
    finally:
        config.CACHE_DIR = before


def cache_folder(base: str, sources: Sequence[Path]) -> Path:
    """Where compiled code of these very sources lies.

    numba itself looks at the file of a function alone, and would run code compiled from an older file that it calls.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base or Path(home) / "tunegate") / f"kernels-{hash_files(list(sources))}"


def workers() -> int:
    """Number of threads: `NUMBA_NUM_THREADS` if set, else the cores that this process may use."""
    asked = os.environ.get("NUMBA_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def short_turns() -> Iterator[None]:
    """Inside, a thread that runs Python hands over sooner, so that others begin their next compiled piece in time.

    With turns of 5 ms, Python's own, threads of compiled code waited a tenth of their time for the interpreter's lock.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, TURN_SECONDS))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def begun(function: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """Begin what is needed later beside other work; what it gives is what the yielded function returns.

    It fills cores that the other work leaves idle. A single worker begins it when the result is asked for.
    """
    if workers() == 1:
        yield function
        return
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(function).result


def map_threads(
    function: Callable[[Item], Result], items: Iterable[Item], *, ahead: int | None = None
) -> Iterator[Result]:
    """`function` over `items` by the workers; results come in the order of the items.

    Items are taken `ahead` of their turn (none given: two per worker): more keep the workers busy behind an item that
    takes long, but hold more results. Where the items end in an error, it is raised after the results before it.
    """
    if workers() == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[Result]] = deque()
    problem: Exception | None = None
    source = iter(items)
    with ThreadPoolExecutor(workers()) as pool:
        while problem is None:
            try:
                waiting.append(pool.submit(function, next(source)))
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001 - raised below, once all that came before it is given
                problem = error
            if len(waiting) > (2 * workers() if ahead is None else ahead):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    if problem is not None:
        raise problem
