"""Long work: each piece in a process of its own, and all that is known of it in a folder, so that nothing is forgotten.

    JOBS/<number>/job.json  state.json  result.json  log.txt  stop  .lock

The server only starts processes and reads files: it can be ended and started again, and finds everything as it is.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from vocalise.apps.studio.turns import is_held
from vocalise.errors import ConfigError

State = Literal["waiting", "running", "done", "failed", "stopped", "lost"]
OPEN: frozenset[State] = frozenset({"waiting", "running"})
MOST_OPEN = 40  # pieces of work under way or waiting at a time
KEPT = 200  # pieces of work that are remembered
STARTING = 90.0  # seconds that a process may take to begin, where it is not ours to ask
_NUMBER = re.compile(r"\d{20}")


@dataclass(frozen=True)
class Job:
    """A piece of work, and how it goes."""

    number: str
    kind: str
    title: str
    wishes: Mapping[str, Any]
    state: State
    what: str = ""  # is being done, in words of the package
    done: float = 0.0
    total: float = 0.0
    note: str = ""
    left: float | None = None  # seconds, where it can be told
    why: str = ""  # it failed, in one line
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether it is under way or waits for its turn."""
        return self.state in OPEN

    @property
    def share(self) -> float:
        """Done so far, 0 to 1, of what is being done."""
        return min(1.0, self.done / self.total) if self.total > 0.0 else 0.0


class Jobs:
    """All work of a workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mine: dict[str, subprocess.Popen[bytes]] = {}
        self._over: dict[str, tuple[int, Job]] = {}  # what is over, and when its state was written

    def start(self, kind: str, wishes: Mapping[str, Any], *, title: str = "") -> str:
        """Starts a piece of work and returns its number.

        Raises:
            ConfigError: there is too much under way.
        """
        if sum(job.is_open for job in self.all()) >= MOST_OPEN:
            raise ConfigError(f"{MOST_OPEN} pieces of work are under way already: wait for some, or stop them.")
        number = f"{time.time_ns():020d}"
        folder = self.folder / number
        folder.mkdir()
        write_json(folder / "job.json", {"kind": kind, "title": title, "wishes": dict(wishes)})
        self._launch(folder)
        self._tidy()
        return number

    def go_on(self, number: str) -> None:
        """Starts work again that was stopped, failed or was lost; it passes over what is there already.

        Raises:
            ConfigError: no such work.
        """
        folder = self._place(number)
        if not self.get(number).is_open:
            for former in ("stop", "result.json"):
                (folder / former).unlink(missing_ok=True)
            self._launch(folder)

    def stop(self, number: str) -> None:
        """Asks for an end: training saves and can go on later, a batch keeps what is done.

        Raises:
            ConfigError: no such work.
        """
        folder, job = self._place(number), self.get(number)
        if not job.is_open:
            return
        (folder / "stop").touch()
        owner = _read_json(folder / "state.json").get("process")
        # The number in the file is its own only as long as it holds its lock; a process that has ended lets go of it.
        if sys.platform != "win32" and isinstance(owner, int) and is_held(folder / ".lock"):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(owner, signal.SIGTERM)

    def get(self, number: str) -> Job:
        """How it goes with a piece of work.

        Raises:
            ConfigError: there is none of that number.
        """
        folder = self._place(number)
        written = _written(folder / "state.json")
        if number in self._over and self._over[number][0] == written:
            return self._over[number][1]
        asked, told = _read_json(folder / "job.json"), _read_json(folder / "state.json")
        state = cast(State, told.get("state", "lost"))
        if state in OPEN and not self._alive(folder, told):
            told = _read_json(folder / "state.json")  # it may have ended between the two looks
            state = cast(State, told.get("state", "lost"))
            if state in OPEN:
                state = "stopped" if (folder / "stop").exists() else "lost"
        job = Job(
            number=number,
            kind=str(asked.get("kind", "")),
            title=str(asked.get("title", "")),
            wishes=asked.get("wishes", {}),
            state=state,
            **{key: told[key] for key in ("what", "done", "total", "note", "left", "why") if key in told},
            result=_read_json(folder / "result.json"),
        )
        if job.state in ("done", "failed", "stopped"):
            self._over[number] = written, job
        return job

    def all(self, *kinds: str) -> list[Job]:
        """All work of these kinds, or of every kind; the newest first."""
        numbers = sorted((one.name for one in self.folder.iterdir() if _NUMBER.fullmatch(one.name)), reverse=True)
        jobs = []
        for number in numbers:
            with suppress(ConfigError):  # somebody may be forgetting it
                jobs.append(self.get(number))
        return [job for job in jobs if not kinds or job.kind in kinds]

    def forget(self, number: str) -> None:
        """Forgets work that is over; what came of it stays.

        Raises:
            ConfigError: no such work, or it is under way.
        """
        if self.get(number).is_open:
            raise ConfigError("This is under way: stop it first.")
        shutil.rmtree(self._place(number), ignore_errors=True)
        self._over.pop(number, None)

    def _launch(self, folder: Path) -> None:
        write_json(folder / "state.json", {"state": "waiting", "asked": time.time()})
        cache = self.folder.parent / "cache"  # beside the other rooms, so that nothing is written elsewhere
        with (folder / "log.txt").open("ab") as log:
            self._mine[folder.name] = subprocess.Popen(
                # -P: nothing that lies in the current folder is imported.
                [sys.executable, "-P", "-m", "vocalise.apps.studio.worker", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "VOCALISE_CACHE": str(cache), "MPLCONFIGDIR": str(cache / "matplotlib")},
                start_new_session=True,  # Ctrl-C in the server's terminal is not meant for it
            )

    def _alive(self, folder: Path, told: Mapping[str, Any]) -> bool:
        own = self._mine.get(folder.name)
        if own is not None:
            return own.poll() is None
        return is_held(folder / ".lock") or (
            told.get("state") == "waiting" and time.time() - float(told.get("asked", 0.0)) < STARTING
        )

    def _place(self, number: str) -> Path:
        folder = self.folder / number
        if not _NUMBER.fullmatch(number) or not (folder / "job.json").is_file():
            raise ConfigError(f"There is no work of the number {number!r:.40}.")
        return folder

    def _tidy(self) -> None:
        for job in self.all()[KEPT:]:
            if not job.is_open:
                with suppress(ConfigError):
                    self.forget(job.number)


def write_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Writes facts aside, then renames: whoever reads meanwhile sees the old or the new."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
    aside.replace(path)


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
