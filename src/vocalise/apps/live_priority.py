"""Precedence for a thread that may not be late, as far as the system grants it (Linux; elsewhere nothing is asked)."""

import contextlib
import os
import sys
import threading

REAL_TIME = 5  # a low place among real-time threads, below sound servers
NICE = -11  # what those take where real time is refused
ORDINARY = "like any other program's"


def hurried(more: int = 0) -> str:
    """Asks that the calling thread run before others, and says in words what was granted; `more` puts it higher.

    Real time needs a right that audio groups have (`rtprio` in the limits of the system), and so does less than no
    niceness; refusal is no error. A real-time thread that never rests is stopped by the system for a while each second.
    """
    if sys.platform != "linux":
        return ORDINARY
    thread = threading.get_native_id()
    with contextlib.suppress(OSError):
        # The reset keeps programs that are started from here from having it as well.
        policy, place = os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(REAL_TIME + more)
        os.sched_setscheduler(thread, policy, place)
        return "real-time"
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, NICE - more)
        return f"niceness {NICE - more}"
    return ORDINARY
