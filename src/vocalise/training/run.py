"""The folder of a run: settings, journal, TensorBoard events, checkpoints, samples, figures and the voice.

RUN/recipe.json  journal.jsonl  events/  checkpoints/  samples/  figures/  voice.safetensors
"""

import errno
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vocalise.audio.writing import ASIDE
from vocalise.errors import RunError
from vocalise.progress import Progress
from vocalise.training.checkpoints import Checkpoints, Snapshot
from vocalise.training.journal import Journal
from vocalise.training.lock import locked
from vocalise.training.settings import Settings, read_settings, write_settings

if TYPE_CHECKING:
    from vocalise.training.events import Events

FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG})
MARGIN = 96 << 20  # bytes for bursts in checkpoints, journal, events, samples and figures
FOLDERS = ("checkpoints", "samples", "figures", "events")


class Run:
    """A run folder that is ours alone for the time being."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self.folder, self.progress = folder, progress
        self.journal = Journal(folder / "journal.jsonl")
        self.checkpoints = Checkpoints(folder / "checkpoints")
        self.settings: Settings | None = read_settings(folder / "recipe.json")
        self.unsaved = ""  # why the last checkpoint could not be written; empty if it could
        self._before, self._since = 0.0, time.monotonic()
        self._events: Events | None = None
        self._saved = time.monotonic()
        self._journal_waits = False

    @classmethod
    @contextmanager
    def held(cls, folder: Path, progress: Progress) -> Iterator["Run"]:
        """The run in this folder, new or old, with the folder locked.

        Raises:
            RunError: somebody else is at work there, or the folder is no run, or it cannot be written.
        """
        with ExitStack() as stack:
            try:
                _require_own(folder)
                folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(folder))
                for name in FOLDERS:
                    (folder / name).mkdir(exist_ok=True)
                for torn in (*folder.glob(f"{ASIDE}*"), *folder.glob(f"*/{ASIDE}*")):
                    torn.unlink(missing_ok=True)
                run = cls(folder, progress)
            except OSError as error:
                raise _unwritable(folder, error) from None
            yield run

    @property
    def voice_path(self) -> Path:
        """Where the voice comes to lie."""
        return self.folder / "voice.safetensors"

    @property
    def seconds(self) -> float:
        """How long this run has been worked at, over all interruptions."""
        return self._before + time.monotonic() - self._since

    def settle(self, settings: Settings) -> Settings:
        """Writes down, once, what the run is."""
        try:
            write_settings(self.folder / "recipe.json", settings)
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        self.settings = settings
        return settings

    def require_room(self, weights: int) -> None:
        """Refuses to begin what will not fit: `weights` is the model's size in bytes.

        A checkpoint holds weights and two moments; there are the kept ones, the best, and one being written.

        Raises:
            RunError: naming what is needed and what there is.
        """
        needed = 3 * weights * (self.checkpoints.kept + 2) + MARGIN
        there = sum(path.stat().st_size for path in self.checkpoints.folder.iterdir())
        free = shutil.disk_usage(self.folder).free
        if needed > free + there:
            raise RunError(
                f"A run in {self.folder} needs {needed / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free: "
                "make room, or choose a folder on another disk."
            )

    def note(self, kind: str, step: int, **facts: Any) -> None:
        """A row for the journal, and its numbers for TensorBoard; a full disk is survived."""
        try:
            self.journal.note(kind, step, **facts, seconds=round(self.seconds, 3))
            self._journal_waits = False
        except OSError as error:
            if not self._journal_waits:
                self.say(
                    step, f"The journal cannot be written now ({_reason(error)}); it is kept meanwhile.", noted=False
                )
            self._journal_waits = True
        numbers = {name: value for name, value in facts.items() if isinstance(value, float)}
        if kind in ("step", "evaluation") and numbers:
            self._plot(step, numbers)

    def say(self, step: int, words: str, *, noted: bool = True) -> None:
        """Tells whoever watches something out of the ordinary, and notes it."""
        self.progress("notice", step, self.settings.steps if self.settings else 0, words)
        if noted:
            self.note("notice", step, words=words)

    def due(self, step: int) -> bool:
        """Whether it is time for a checkpoint: at even steps, and whenever two minutes have passed."""
        settings = self.settings
        return settings is not None and (step % settings.save_every == 0 or time.monotonic() - self._saved > 120.0)

    def save(self, step: int, snapshot: Snapshot) -> bool:
        """Writes a checkpoint; if the disk does not take it, says so and keeps the former ones."""
        facts = {**snapshot.facts, "seconds": self.seconds}
        self._saved = time.monotonic()
        try:
            self.journal.sync()
            self.checkpoints.save(step, Snapshot(snapshot.tensors, facts))
        except OSError as error:
            self.unsaved = f"the checkpoint of step {step} could not be written ({_reason(error)})"
            kept = f"step {self.checkpoints.steps[-1]} is kept" if self.checkpoints.steps else "there is none yet"
            self.say(step, f"{self.unsaved[0].upper()}{self.unsaved[1:]}; {kept}. Make room: it will be tried again.")
            return False
        self.unsaved = ""
        return True

    def resume(self) -> tuple[int, Snapshot] | None:
        """The newest sound checkpoint, with the journal brought back to its moment; None for a fresh run."""
        complaints: list[str] = []
        found = self.checkpoints.newest(complaints.append)
        step = found[0] if found else 0
        try:
            self.journal.rewind(step if found else -1)
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        if found:
            self._before, self._since = float(found[1].facts["seconds"]), time.monotonic()
        for complaint in complaints:
            self.say(step, complaint)
        return found

    def _plot(self, step: int, numbers: Mapping[str, float]) -> None:
        try:
            if self._events is None:
                from vocalise.training.events import Events  # half a second to load

                self._events = Events(self.folder / "events", step=step)
            self._events.plot(step, numbers)
        except OSError:
            return  # a full disk: the journal has the same numbers


def _require_own(folder: Path) -> None:
    """Whatever else lies in a folder, a run would mix with it."""
    if not folder.is_dir() or (folder / "recipe.json").exists():
        return
    foreign = sorted(one.name for one in folder.iterdir() if not one.name.startswith(".") and one.name not in FOLDERS)
    if foreign:
        raise RunError(f"{folder} holds {foreign[0]!r:.60} and no run: choose a folder of its own for the run.")


def _unwritable(folder: Path, error: OSError) -> RunError:
    return RunError(f"{folder} cannot be written ({_reason(error)}): make room, or choose another folder.")


def _reason(error: OSError) -> str:
    return "the disk is full" if error.errno in FULL else error.strerror or str(error)
