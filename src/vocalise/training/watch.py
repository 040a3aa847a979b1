"""Listens for Ctrl-C and a polite kill while training goes on, so that the step is finished and everything is saved."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def listening(stop: Callable[[], bool] | None, say: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Yields a question: has anybody asked for an end? By signal (heard in the main thread only) or through `stop`.

    A second Ctrl-C interrupts at once; the last checkpoint is then what is left.
    """
    heard = threading.Event()
    former: dict[signal.Signals, Any] = {}

    def hear(*_: object) -> None:
        if heard.is_set():
            raise KeyboardInterrupt
        heard.set()
        say("Stopping: this step is finished and everything saved. Once more, and it stops at once.")

    if threading.current_thread() is threading.main_thread():
        former = {one: signal.signal(one, hear) for one in _SIGNALS}
    try:
        yield lambda: heard.is_set() or (stop is not None and stop())
    finally:
        for one, handler in former.items():
            signal.signal(one, handler if handler is not None else signal.SIG_DFL)
