"""Headless Chromium, driven by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/): opens
pages, presses keys, takes pictures."""

import base64
import io
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from websockets.sync.client import ClientConnection, connect

_STARTS_WITHIN_SECONDS = 60.0
_ANSWERS_WITHIN_SECONDS = 120.0
_COLORS = 128
_KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "/": 191}
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


class ChromiumError(Exception):
    """Chromium is missing, does not answer, or a page is not what was expected."""


@contextmanager
def chromium() -> "Iterator[Tab]":
    """A browser with a profile of its own, and one tab. Raises ChromiumError."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        raise ChromiumError("there is no chromium on the PATH; install it (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            address = f"http://127.0.0.1:{_port(Path(profile, 'DevToolsActivePort'), process)}/json/list"
            [page] = [one for one in httpx.get(address).json() if one["type"] == "page"]
            with connect(page["webSocketDebuggerUrl"], max_size=None) as connection:
                yield Tab(connection)
        finally:
            process.terminate()
            process.wait(30)


def _port(file: Path, process: "subprocess.Popen[bytes]") -> int:
    deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if file.exists() and (lines := file.read_text().splitlines()):
            return int(lines[0])
        time.sleep(0.1)
    raise ChromiumError(f"chromium does not answer after {_STARTS_WITHIN_SECONDS:.0f} s")


class Tab:
    """One page at a time. Every method raises ChromiumError."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._sent = 0
        self.errors: list[str] = []
        """What the pages' scripts threw, and what was written to the console as an error."""
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        self._sent += 1
        self._connection.send(json.dumps({"id": self._sent, "method": method, "params": parameters}))
        while True:
            try:
                told = json.loads(self._connection.recv(timeout=_ANSWERS_WITHIN_SECONDS))
            except TimeoutError:
                raise ChromiumError(f"chromium does not answer {method}") from None
            self._note(told)
            if told.get("id") == self._sent:
                if "error" in told:
                    raise ChromiumError(f"{method}: {told['error']['message']}")
                result: dict[str, Any] = told["result"]
                return result

    def _note(self, told: dict[str, Any]) -> None:
        parameters = told.get("params", {})
        if told.get("method") == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif told.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(parameters["entry"]["text"])

    def size(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def look(self, *, scheme: str = "light", medium: str = "") -> None:
        """`scheme`: light or dark; `medium`: `print`, or the screen."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.call("Emulation.setEmulatedMedia", media=medium, features=features)

    def open(self, url: str, until: str) -> None:
        """Opens the page, and waits until the JavaScript expression `until` is true in it."""
        self.call("Page.navigate", url=url)
        self.wait(until)

    def wait(self, until: str) -> None:
        deadline = time.monotonic() + _ANSWERS_WITHIN_SECONDS
        while not self.value(f"Boolean({until})"):
            if time.monotonic() > deadline:
                raise ChromiumError(f"the page never came to {until}: {self.value('location.href')}")
            time.sleep(0.2)

    def value(self, expression: str) -> Any:
        """Of a JavaScript expression; promises are awaited."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise ChromiumError(f"{expression}: {found['exceptionDetails']['exception'].get('description')}")
        return found["result"].get("value")

    def press(self, key: str) -> None:
        common = {"key": key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"Enter": "\r", "/": "/"}.get(key)
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def picture(self, file: Path, *, whole: int | None = None) -> None:
        """A screenshot as a PNG with few colours; `whole`: of the whole page, up to that height in pixels."""
        options: dict[str, object] = {}
        if whole is not None:
            content = self.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {
                "x": 0,
                "y": 0,
                "width": content["width"],
                "height": min(content["height"], whole),
                "scale": 1,
            }
            options = {"captureBeyondViewport": True, "clip": clip}
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png", **options)["data"])
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        picture.quantize(_COLORS, dither=Image.Dither.NONE).save(file, optimize=True)
