"""A hub that cannot be found is not asked six times."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets.config
import huggingface_hub.constants
import pytest
from tunegate.core import console, hub


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """As if nothing were set, and nothing known yet."""
    for name in (*hub.OFFLINE, "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for module in (huggingface_hub.constants, datasets.config):
        monkeypatch.setattr(module, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "getproxies", dict)
    monkeypatch.setattr(console, "_enabled", True)
    hub._is_found.cache_clear()
    yield monkeypatch
    for name in hub.OFFLINE:
        os.environ.pop(name, None)
    hub._is_found.cache_clear()


def refuse(host: str, _port: Any) -> Any:
    """What a machine without a network does."""
    raise socket.gaierror(-2, f"no address for {host}")


def test_without_an_address_the_libraries_work_off_line(
    online: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that are imported as well as those that are not; it is told once."""
    online.setattr(socket, "getaddrinfo", refuse)
    online.setenv("HF_ENDPOINT", "https://mirror.example.org/hub")
    hub.skip_unreachable_hub("org/model")
    hub.skip_unreachable_hub("org/other")

    assert capsys.readouterr().err == (
        "org/model is no path here, and mirror.example.org cannot be found: only what was fetched before can be used\n"
    )
    assert {os.environ.get(name) for name in hub.OFFLINE} == {"1"}
    assert huggingface_hub.constants.HF_HUB_OFFLINE is datasets.config.HF_HUB_OFFLINE is True


@pytest.mark.parametrize("why", ["a path", "an address", "a proxy", "no host"])
def test_otherwise_nothing_changes(why: str, online: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is here needs no hub; and an address, or a proxy, may lead to it."""
    online.setattr(socket, "getaddrinfo", refuse if why != "an address" else lambda *_: [])
    if why == "no host":
        online.setenv("HF_ENDPOINT", "localhost:8080")
    online.setattr(hub, "getproxies", lambda: {"https": "http://proxy"} if why == "a proxy" else {})
    hub.skip_unreachable_hub(tmp_path if why == "a path" else "org/model")

    assert not set(hub.OFFLINE) & set(os.environ)
    assert huggingface_hub.constants.HF_HUB_OFFLINE is False
