"""A headless Chromium, driven over its debugging pipe: no further package, no network."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BINARIES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = 60.0


class Browser:
    """One tab of one browser; records every request and every complaint of the page it shows."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.downloads = folder / "downloads"
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        high = [os.dup(commands), os.dup(answers)]

        def place_pipes() -> None:
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._process = subprocess.Popen(
            [binary, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
            preexec_fn=place_pipes, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in (commands, answers, *high):
            os.close(end)
        self._buffer, self._number, self._session = b"", 0, None
        self._sent: dict[str, str] = {}
        self.complaints: list[str] = []
        self._loaded = False
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    @property
    def requests(self) -> list[str]:
        """Addresses that were asked for since the page was opened, but those that its own policy stopped."""
        self.send("Network.enable")  # whatever was reported before the answer is recorded by now
        return list(self._sent.values())

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Run a command of the debugging protocol and return its result; events that arrive meanwhile are recorded."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._number:
            self._record(answer)
        assert "error" not in answer, answer
        return dict(answer["result"])

    def open(self, html: str | Path, folder: Path | None = None) -> None:
        """Show a page, from a file, and wait until it has loaded."""
        if isinstance(html, str):
            assert folder is not None
            path = folder / "page.html"
            path.write_text(html, encoding="utf-8")
            html = path
        self._sent.clear()
        self.complaints.clear()
        self._loaded = False
        self.send("Page.navigate", url=html.as_uri())
        while not self._loaded:
            self._record(self._receive())

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key, as a keyboard would."""
        text = {"text": key} if len(key) == 1 else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def resize(self, width: int, height: int = 900, *, dark: bool = False, media: str = "") -> None:
        """Give the page another window, colour scheme or medium."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def screenshot(self, path: Path) -> None:
        """A picture of the whole page."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def download(self, expression: str) -> Path:
        """What the page saves when an expression is evaluated."""
        self.downloads.mkdir(exist_ok=True)
        session, self._session = self._session, None
        self.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        self._session = session
        self.ask(expression)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = [file for file in self.downloads.iterdir() if file.suffix != ".crdownload"]
            if found:
                return found[0]
            time.sleep(0.05)
        raise AssertionError("the page saved nothing")

    def close(self) -> None:
        """End the browser and wait for it."""
        self._session = None
        self.send("Browser.close")
        self._process.wait(PATIENCE)
        os.close(self._to)
        os.close(self._from)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], PATIENCE)
            block = os.read(self._from, 1 << 16) if ready else b""
            assert block, "the browser ended, or said nothing for a minute"
            self._buffer += block
        message, self._buffer = self._buffer.split(b"\0", 1)
        return dict(json.loads(message))

    def _record(self, event: dict[str, Any]) -> None:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self._sent[parameters["requestId"]] = parameters["request"]["url"]
        elif method == "Network.loadingFailed" and parameters.get("blockedReason") == "csp":
            self._sent.pop(parameters["requestId"], None)
        elif method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append(f"dialog: {parameters['message']}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser, or a skip that says what is missing."""
    binary = next((path for name in BINARIES if (path := shutil.which(name))), None)
    if binary is None:
        pytest.skip("no Chromium is installed; the page's script and policy are only checked with one")
    driver = Browser(binary, tmp_path_factory.mktemp("browser"))
    yield driver
    driver.close()
