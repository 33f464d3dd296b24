"""Python's cyclic garbage collector, at rest while very many objects are made that all stay.

It would walk over all of them again and again as their number grows: findings of a curation, what torch, transformers
and lm-eval make on import (a sixth of the time that the imports take).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """No cyclic collection inside; afterwards it is as it was."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
