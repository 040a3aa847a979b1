"""A stage for pages: the system's Chromium without a window, driven over its DevTools pipe; no package is needed.

    test ──JSON, ended by NUL──▶ fd 3 ──▶ Chromium ──▶ fd 4 ──▶ replies, and events that are noted on the way

The binary is `$CHROMIUM`, else the first of the usual names on the path; without one the test is skipped and says why.
Usage: `with Stage.up(tmp_path) as stage: stage.open(page); stage.evaluate("document.title")`, or the fixture `stage`.
"""

import base64
import json
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--no-first-run", "--no-default-browser-check"),
    *("--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--disable-sync", "--mute-audio"),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps"),
    *("--autoplay-policy=no-user-gesture-required", "--hide-scrollbars", "--force-color-profile=srgb"),
)
LOCAL = ("file:", "data:", "blob:", "about:")
PATIENCE = 60.0  # seconds for any one reply


def chromium() -> str:
    """Where the browser is; skips the test where there is none."""
    if sys.platform == "win32":
        pytest.skip("The stage hands pipes to the browser as POSIX systems do; there is none for Windows.")
    wanted = os.environ.get("CHROMIUM")
    found = next((path for name in ([wanted] if wanted else NAMES) if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"No Chromium: {wanted or ', '.join(NAMES)} is not on the path; name it in $CHROMIUM.")
    return found


class Stage:
    """One page in one browser.

    `console` holds what the open page said on its console and every exception nobody caught, a line each
    (`error: …`, `warning: …`, `log: …`); `requests` the addresses it fetched or tried to, but for files and data.
    """

    def __init__(self, folder: Path) -> None:
        self.console: list[str] = []
        self.requests: list[str] = []
        self._loaded = False
        self._count, self._waiting, self._buffer = 0, {}, b""
        self._session: str | None = None
        self._pid, self._out, self._in = _start(chromium(), folder)

    @classmethod
    @contextmanager
    def up(cls, folder: Path) -> Iterator["Stage"]:
        """A stage with its profile in `folder`, taken down at the end whatever happens."""
        stage = cls(folder)
        try:
            target = stage.command("Target.createTarget", url="about:blank")["targetId"]
            stage._session = stage.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                stage.command(f"{domain}.enable")
            yield stage
        finally:
            stage.close()

    def open(self, path: Path | str, *, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Opens a file (or an address) in a window of so many CSS pixels, and waits until it has loaded."""
        self.look(width, height, dark=dark)
        self._loaded = False
        self.console.clear()
        self.requests.clear()
        address = path.resolve().as_uri() if isinstance(path, Path) else path
        reply = self.command("Page.navigate", url=address)
        assert "errorText" not in reply, f"{address}: {reply['errorText']}"
        deadline = time.monotonic() + PATIENCE
        while not self._loaded:
            self._listen(deadline)

    def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """Sets the window's size, and whether the reader prefers dark colours."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])

    def evaluate(self, expression: str, await_promise: bool = True) -> Any:
        """The value of a JavaScript expression as JSON has it; a promise is awaited.

        Raises:
            AssertionError: the expression threw.
        """
        reply = self.command(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=await_promise,
            returnByValue=True,
            userGesture=True,
        )
        thrown = reply.get("exceptionDetails")
        assert thrown is None, _exception(thrown)
        return reply["result"].get("value")

    def screenshot(
        self, path: Path, width: int = 1200, height: int = 900, *, dark: bool = False, whole: bool = False
    ) -> Path:
        """Writes a PNG of what such a window shows, or of the `whole` page at that width."""
        self.look(width, height, dark=dark)
        if whole:
            height = int(self.evaluate("document.documentElement.scrollHeight"))
            self.look(width, height, dark=dark)
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))")
        shot = self.command("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def click(self, selector: str) -> None:
        """Clicks the first element that the selector finds."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a DevTools command and returns its result."""
        self._count += 1
        number = self._count
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        deadline = time.monotonic() + PATIENCE
        while number not in self._waiting:
            self._listen(deadline)
        reply = self._waiting.pop(number)
        assert "error" not in reply, f"{method}: {reply['error']}"
        return reply["result"]

    def close(self) -> None:
        """Ends the browser and all that it started."""
        self._session = None
        with suppress(AssertionError, OSError):
            self.command("Browser.close")
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        os.close(self._out)
        os.close(self._in)

    def _listen(self, deadline: float) -> None:
        """Takes in what comes next."""
        left = deadline - time.monotonic()
        ready = left > 0 and select.select([self._in], [], [], left)[0]
        assert ready, f"The browser said nothing for {PATIENCE:.0f} s."
        data = os.read(self._in, 1 << 20)
        assert data, "The browser has ended."
        *messages, self._buffer = (self._buffer + data).split(b"\0")
        for message in messages:
            self._note(json.loads(message))

    def _note(self, message: dict[str, Any]) -> None:
        facts = message.get("params", {})
        match message.get("method"):
            case None:
                self._waiting[message["id"]] = message
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.consoleAPICalled":
                said = " ".join(str(one.get("value", one.get("description", ""))) for one in facts["args"])
                self.console.append(f"{facts['type']}: {said}")
            case "Runtime.exceptionThrown":
                self.console.append(f"error: {_exception(facts['exceptionDetails'])}")
            case "Log.entryAdded":
                entry = facts["entry"]
                self.console.append(f"{entry['level']}: {entry['text']} {entry.get('url', '')[:200]}".rstrip())
            case "Network.requestWillBeSent" if not facts["request"]["url"].startswith(LOCAL):
                self.requests.append(facts["request"]["url"])
            case _:
                pass


def _exception(details: dict[str, Any]) -> str:
    return str(details.get("exception", {}).get("description") or details.get("text"))


def _start(binary: str, folder: Path) -> tuple[int, int, int]:
    """The browser's process, the end to write to, and the end to read from; it leads a group of its own."""
    import fcntl  # POSIX only, while this module is read everywhere

    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # Above 9, so that putting the ends on 3 and 4 cannot tread on one of them.
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs_in, theirs_out)]
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, high[0], 3),
        (os.POSIX_SPAWN_DUP2, high[1], 4),
    ]
    arguments = [binary, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
    pid = os.posix_spawn(binary, arguments, dict(os.environ), file_actions=actions, setpgroup=0)
    for end in (theirs_in, theirs_out, *high):
        os.close(end)
    return pid, ours_out, ours_in
