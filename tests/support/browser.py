"""A real Chromium, driven over pipes by the DevTools protocol: what a person would see, click and type.

Source: https://chromedevtools.github.io/devtools-protocol/; messages are JSON, each ended by a zero byte, and
`--remote-debugging-pipe` reads them from descriptor 3 and writes them to 4.
"""

import base64
import contextlib
import io
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"),
]
KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, ""), "ArrowRight": (39, ""), "ArrowLeft": (37, "")}
PATIENCE = 60.0  # Seconds; only a broken browser takes so long.


class Browser:
    """One browser process; `tab` opens pages in it."""

    def __init__(self, process: subprocess.Popen[bytes], to_browser: int, from_browser: int) -> None:
        self.process, self._to, self._from = process, to_browser, from_browser
        self._buffer, self._number = b"", 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str = "", **parameters: Any) -> Any:
        """Send a command; return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        os.write(self._to, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            found = self._read(PATIENCE)
            if found.get("id") != self._number:
                self.events.append(found)
            elif "error" in found:
                raise RuntimeError(f"{method}: {found['error']}")
            else:
                return found["result"]

    def _read(self, seconds: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._from], [], [], seconds)[0]:
                raise TimeoutError("the browser says nothing")
            if not (data := os.read(self._from, 1 << 20)):
                raise RuntimeError("the browser ended")
            self._buffer += data
        message, self._buffer = self._buffer.split(b"\0", 1)
        found: dict[str, Any] = json.loads(message)
        return found

    def tab(self, width: int = 1280, height: int = 900, dark: bool = False) -> "Tab":
        """Return a new empty tab with a viewport of `width` by `height` pixels."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        return Tab(self, target, width, height, dark)


class Tab:
    """One page, and the sandboxed frames within it."""

    def __init__(self, browser: Browser, target: str, width: int, height: int, dark: bool) -> None:
        self._browser, self._target = browser, target
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.frames: list[str] = []  # Sessions of frames that have a process of their own, as sandboxed ones have.
        self._watch(self.session)
        self._call("Page.enable")
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._dark = dark
        self._emulate(self.session)

    def _call(self, method: str, **parameters: Any) -> Any:
        return self._browser.call(method, self.session, **parameters)

    def _emulate(self, session: str) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if self._dark else "light"}
        features = [scheme, {"name": "prefers-reduced-motion", "value": "reduce"}]
        self._browser.call("Emulation.setEmulatedMedia", session, features=features)

    def _watch(self, session: str) -> None:
        for domain in ("Runtime", "Log", "Network"):
            self._browser.call(f"{domain}.enable", session)
        self._browser.call("Target.setAutoAttach", session, autoAttach=True, waitForDebuggerOnStart=True, flatten=True)

    def open(self, page: Path | str) -> None:
        """Open a file or an address, and wait until it and its frames are loaded."""
        self._call("Page.navigate", url=page.as_uri() if isinstance(page, Path) else page)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'", self.session)

    def _attach_frames(self) -> None:
        for event in self.found("Target.attachedToTarget"):
            session = event["params"]["sessionId"]
            if event.get("sessionId") == self.session and session not in self.frames:
                self.frames.append(session)
                self._watch(session)
                self._emulate(session)
                self._browser.call("Runtime.runIfWaitingForDebugger", session)

    def found(self, method: str) -> list[dict[str, Any]]:
        """Return the events of this name that the browser has sent."""
        return [event for event in self._browser.events if event.get("method") == method]

    def evaluate(self, expression: str, session: str = "") -> Any:
        """Return what `expression` gives, as JSON; in the page's frame if it has one, else in the page itself."""
        self._attach_frames()
        session = session or (self.frames[-1] if self.frames else self.session)
        done = self._browser.call(
            "Runtime.evaluate", session, expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in done:
            raise RuntimeError(f"{expression}: {done['exceptionDetails']}")
        return done["result"].get("value")

    def until(self, expression: str, session: str = "") -> Any:
        """Wait until `expression` is true; return its value."""
        end = time.monotonic() + PATIENCE
        while not (value := self.evaluate(expression, session)):
            if time.monotonic() > end:
                raise TimeoutError(f"never true: {expression}")
            time.sleep(0.02)
        return value

    def click(self, selector: str) -> None:
        """Scroll to the first element that `selector` finds, and press the mouse in its middle."""
        where = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'});"
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        session = self.frames[-1] if self.frames else self.session
        for kind in ("mousePressed", "mouseReleased"):
            place = {"x": where[0], "y": where[1], "button": "left", "clickCount": 1}
            self._browser.call("Input.dispatchMouseEvent", session, type=kind, **place)

    def press(self, key: str) -> None:
        """Press and release one of KEYS."""
        code, text = KEYS[key]
        session = self.frames[-1] if self.frames else self.session
        pressed = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self._browser.call("Input.dispatchKeyEvent", session, **pressed, **down)
        self._browser.call("Input.dispatchKeyEvent", session, **pressed, type="keyUp")

    def screenshot(self, path: Path | None = None, whole: bool = False) -> NDArray[np.uint8]:
        """Return the viewport, or the `whole` page, as RGB pixels [H, W, 3]; write it to `path` too if given."""
        data = base64.b64decode(self._call("Page.captureScreenshot", captureBeyondViewport=whole)["data"])
        if path:
            path.write_bytes(data)
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))

    def complaints(self) -> list[str]:
        """Return every error or warning that page and frames wrote to the console, and every exception."""
        entries = [event["params"]["entry"] for event in self.found("Log.entryAdded")]
        texts = [entry["text"] for entry in entries if entry["level"] in ("error", "warning")]
        texts += [str(event["params"]["exceptionDetails"]) for event in self.found("Runtime.exceptionThrown")]
        calls = [event["params"] for event in self.found("Runtime.consoleAPICalled")]
        return texts + [str(call["args"]) for call in calls if call["type"] in ("error", "warning", "assert")]

    def requests(self) -> list[str]:
        """Return every address that page and frames asked for, data URIs left out."""
        asked = (event["params"]["request"]["url"] for event in self.found("Network.requestWillBeSent"))
        return [url for url in asked if not url.startswith("data:")]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a browser with a profile of its own, which is gone afterwards."""
    to_browser, from_browser = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        # The shell gives the pipes the numbers that the browser expects, whatever theirs are here.
        script = f'exec 3<&{to_browser[0]} 4>&{from_browser[1]}; exec "$@"'
        command = ["bash", "-c", script, "browser", str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(
            command,
            pass_fds=(to_browser[0], from_browser[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_browser[0])
        os.close(from_browser[1])
        try:
            yield Browser(process, to_browser[1], from_browser[0])
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(to_browser[1])
            os.close(from_browser[0])
