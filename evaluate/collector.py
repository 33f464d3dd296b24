"""Python's garbage collector, off while libraries and models are loaded."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_off() -> Iterator[None]:
    """No search for garbage inside: torch, transformers and lm-eval make a million objects on import, and all stay.

    Looking through them again and again is a sixth of the time that the imports take.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
