"""Progress bars for a terminal: what is done, how far it is, how long it will take, and a word on how it goes."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from vocalise.apps.console import NOTICE


class Bars:
    """A bar for each kind of work, one below the other; notices stay above them."""

    def __init__(self, console: Console | None = None) -> None:
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}", markup=False, style="dim"),
            console=console or Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}
        self._now = ""

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, what: str, done: float, total: float, note: str = "") -> None:
        """Takes note of the work; see `vocalise.progress.Progress`."""
        if what == NOTICE:
            self._bars.console.print(Text(note))
            return
        if what != self._now and self._now:
            self._bars.stop_task(self._tasks[self._now])
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total or None, note=note)
        self._now = what
        self._bars.update(self._tasks[what], completed=done, total=total or None, note=note)
