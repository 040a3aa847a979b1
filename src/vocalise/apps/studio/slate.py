"""The slate: where a piece of work writes down how it goes, for whoever looks, and learns that it should stop."""

import os
import time
from pathlib import Path
from typing import Any

from vocalise.apps.studio.jobs import write_json
from vocalise.apps.studio.workspace import Workspace

OFTEN = 0.25  # seconds between two notes at least
NOTICE = "notice"  # what the training calls something out of the ordinary


class Stopped(BaseException):
    """Somebody asked for an end; not an `Exception`, so that nothing on the way takes it for a failure."""


class Slate:
    """Where the worker writes what it is doing; a `vocalise.progress.Progress`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._facts: dict[str, Any] = {}
        self._begun = self._told = self._first = 0.0

    @property
    def workspace(self) -> Workspace:
        """The workspace that the work belongs to."""
        return Workspace(self.folder.parent.parent)

    def asked_to_stop(self) -> bool:
        """Whether somebody wants an end."""
        return (self.folder / "stop").exists()

    def write(self, state: str, **facts: Any) -> None:
        """Writes the state down."""
        self._facts = {"state": state, "process": os.getpid(), "asked": time.time(), **facts}
        write_json(self.folder / "state.json", self._facts)

    def __call__(self, what: str, done: float, total: float, note: str = "") -> None:
        """Takes note of progress, with the time left as far as it can be told.

        Raises:
            Stopped: it is a good moment for it, and somebody asked.
        """
        now = time.monotonic()
        if what == NOTICE:
            self._facts["note"] = note
            return
        fresh = what != self._facts.get("what")
        if fresh:
            self._begun, self._first = now, done
        gone, left = done - self._first, None
        if gone > 0.0 and now - self._begun > 1.0:
            left = max(0.0, (now - self._begun) * (total - done) / gone)
        if fresh or done >= total or now - self._told >= OFTEN:
            self._told = now
            self.write("running", what=what, done=done, total=total, note=note, left=left)

    def interruptible(self, what: str, done: float, total: float, note: str = "") -> None:
        """The same for work that has no way of its own to end early."""
        if self.asked_to_stop():
            raise Stopped
        self(what, done, total, note)
