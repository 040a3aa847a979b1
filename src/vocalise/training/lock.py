"""A lock on a run folder, held for the life of a process: the system lets go of it however the process ends."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vocalise.errors import RunError

_PLACE = 1 << 20  # the locked byte lies beyond the text, which Windows would otherwise not let others read


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps every other training out of this folder.

    Raises:
        RunError: another process, or another training of this one, is at work here.
    """
    path = folder / ".lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            _take(descriptor)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
                owner = os.pread(descriptor, 32, 0).decode(errors="replace") if sys.platform != "win32" else ""
                who = f"process {owner.strip()}" if owner.strip().isdigit() else "another process"
                raise RunError(
                    f"{folder} is being trained in by {who}: wait for it, or choose another folder."
                ) from None
            # A file system without locks: two trainings in one folder are then up to the user.
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        with suppress(OSError):
            os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, _PLACE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
