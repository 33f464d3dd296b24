"""A hub that cannot be reached, noticed before libraries try it for a minute."""

from __future__ import annotations

import os
import socket
import sys
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from .console import note

OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
"""Settings by which the libraries of the hub fetch nothing and use what they have kept, read when they are imported."""
READERS = ("huggingface_hub.constants", "datasets.config")
"""Modules that hold them then."""


def skip_unreachable_hub(name: str | Path) -> None:
    """Before a library fetches what is not on this machine: let it work off line where no hub can be found.

    It would ask six times within half a minute, and tell each time; off line it says at once what it lacks.
    """
    if os.environ.get("HF_HUB_OFFLINE") or Path(name).exists() or _is_found():
        return
    note(f"{name} is no path here, and {_host()} cannot be found: only what was fetched before can be used")
    os.environ.update(dict.fromkeys(OFFLINE, "1"))
    for module in READERS:
        if module in sys.modules:
            sys.modules[module].HF_HUB_OFFLINE = True  # type: ignore[attr-defined]


@cache
def _is_found() -> bool:
    """Whether the hub has an address, or a proxy is to find it."""
    if getproxies() or not _host():
        return True
    try:
        socket.getaddrinfo(_host(), None)
    except OSError:
        return False
    return True


def _host() -> str:
    return urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co").hostname or ""
