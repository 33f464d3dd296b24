"""Python's cyclic garbage collector, at rest while very many objects are made that all stay.

It would walk over all of them again and again as their number grows: findings of a curation, what torch, transformers
and lm-eval make on import (a sixth of the time that the imports take).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_is_own_process = False


def own_process() -> None:
    """Tell that this process does one short job of ours: what imports leave is then never looked at again.

    Elsewhere it is: what was there before, such as a model that nobody needs any more, would be spared along with it.
    """
    global _is_own_process
    _is_own_process = True


@contextmanager
def collector_at_rest(*, importing: bool = False) -> Iterator[None]:
    """No cyclic collection inside; afterwards it is as it was.

    With `importing`, next to nothing is made inside but what imports leave, which lives as long as the process.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if importing and _is_own_process:
            gc.freeze()
        if was_on:
            gc.enable()
