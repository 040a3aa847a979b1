"""The console: bars with the time left on a terminal, a plain line now and then elsewhere; errors in one line.

Results go to standard output and everything else to standard error, so that a pipe carries results only.
"""

import functools
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import typer

from vocalise.errors import VocaliseError
from vocalise.progress import Progress

TRACEBACK_VARIABLE = "VOCALISE_TRACEBACK"
SECONDS = 15.0  # between plain lines
NOTICE = "notice"  # what the training calls something out of the ordinary
P = ParamSpec("P")
T = TypeVar("T")


def say(words: str) -> None:
    """A line on standard error."""
    print(words, file=sys.stderr, flush=True)  # noqa: T201 - this is the console


def show(words: str = "") -> None:
    """A line on standard output."""
    print(words, flush=True)  # noqa: T201 - this is the console


def in_one_line(interrupted: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Makes a command end every failure in one line and an exit code: 1, or 130 after Ctrl-C.

    Args:
        interrupted: what to say after Ctrl-C: how to go on.
    """

    def around(command: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(command)
        def told(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return command(*args, **kwargs)
            except VocaliseError as error:
                say(f"vocalise: {error}")
            except KeyboardInterrupt:
                say(f"vocalise: interrupted. {interrupted}")
                raise SystemExit(130) from None
            except (typer.Exit, typer.BadParameter, typer.Abort):
                raise
            except BrokenPipeError:  # whoever read our output has enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            except Exception as error:
                if os.environ.get(TRACEBACK_VARIABLE):
                    raise
                say(f"vocalise: {unexpected(error)}")
            raise SystemExit(1)

        return told

    return around


def unexpected(error: Exception) -> str:
    """One line on what should not have happened."""
    words = " ".join(str(error).split())[:200]
    what = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return (
        f"something unforeseen happened ({what}). Run it again with {TRACEBACK_VARIABLE}=1 to see where, and report it."
    )


@contextmanager
def watching() -> Iterator[Progress]:
    """Yields a progress for long work: bars where standard error is a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield PlainLines(say)
        return
    from vocalise.apps.bars import Bars

    with Bars() as bars:
        yield bars


class PlainLines:
    """A line when work begins, now and then while it goes on, and when it is done."""

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell, self._clock = tell, clock
        self._what = ""
        self._begun = self._told = self._first = 0.0
        self._over = True

    def __call__(self, what: str, done: float, total: float, note: str = "") -> None:
        """Takes note of the work; see `vocalise.progress.Progress`."""
        now = self._clock()
        if what == NOTICE:
            self._tell(note)
            return
        if what != self._what or (self._over and done < total):
            self._what, self._begun, self._told, self._first, self._over = what, now, now, done, False
            if done < total:
                self._tell(self._line(done, total, note, None))
                return
        if done >= total:
            if not self._over:
                self._tell(self._line(done, total, note, None))
            self._over = True
        elif now - self._told >= SECONDS:
            self._told = now
            gone = done - self._first
            self._tell(self._line(done, total, note, (now - self._begun) * (total - done) / gone if gone > 0 else None))

    def _line(self, done: float, total: float, note: str, left: float | None) -> str:
        share = f" {100 * min(1.0, done / total):3.0f} %" if total > 0 else ""
        time_left = f", {span(left)} left" if left is not None else ""
        return f"{self._what}{share}{time_left}" + (f" ({note})" if note else "")


def span(seconds: float) -> str:
    """A length of time as people say it: `40 s`, `3 min`, `2.5 h`, `4 days`."""
    for most, unit, name in ((100, 1, "s"), (6000, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < most:
            number = seconds / unit
            return f"{number:.0f} {name}" if number >= 10 or unit == 1 else f"{number:.1f} {name}"
    return f"{seconds / 86400:.0f} days"


def size(count: float) -> str:
    """A number of bytes as people say it: `640 kB`, `12 MB`, `3.4 GB`."""
    unit, name = (1e3, "kB") if count < 1e6 else (1e6, "MB") if count < 1e9 else (1e9, "GB")
    return f"{count / unit:.0f} {name}" if count / unit >= 10 else f"{count / unit:.1f} {name}"
