"""Turns: locks that the system lets go of however a process ends: who is alive, and whose turn it is."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PAUSE = 0.1  # seconds between two looks at a lock that somebody else holds


class TurnTaken(Exception):  # noqa: N818 - it reads as what it says
    """Somebody else holds the lock, and nobody wants to wait any longer."""


@contextmanager
def holding(path: Path, waiting: Callable[[], bool]) -> Iterator[None]:
    """Holds a lock for as long as the block runs.

    Args:
        path: of a file, which is made.
        waiting: asked before each wait; False gives up.

    Raises:
        TurnTaken: it was given up.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _take(descriptor):
            if not waiting():
                raise TurnTaken(str(path))
            time.sleep(PAUSE)
        yield
    finally:
        with suppress(OSError):
            os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock now; looking takes it for a moment."""
    try:
        with holding(path, lambda: False):
            return False
    except TurnTaken:
        return True
    except OSError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
