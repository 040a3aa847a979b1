"""The worker: does one piece of work in a process of its own, and writes down how it goes.

python -m vocalise.apps.studio.worker JOBS/<number>
"""

import json
import signal
import sys
import time
import traceback
from pathlib import Path

from vocalise.apps.studio.jobs import write_json
from vocalise.apps.studio.slate import Slate, Stopped
from vocalise.apps.studio.turns import TurnTaken, holding
from vocalise.errors import VocaliseError

PATIENCE = 5.0  # seconds in which somebody may look whether we are alive
FAILED = 1


def main(folder: Path) -> int:
    """Does the work of a folder; 0 if it came to its end or was stopped."""
    slate = Slate(folder)
    deadline = time.monotonic() + PATIENCE
    try:
        with holding(folder / ".lock", lambda: time.monotonic() < deadline):
            return _worked(slate)
    except TurnTaken:  # another worker is at it
        return FAILED


def _worked(slate: Slate) -> int:
    from vocalise.apps.studio.works import LANES, WORKS

    def hear(*_: object) -> None:
        raise Stopped

    before = signal.signal(signal.SIGTERM, hear)
    try:
        job = json.loads((slate.folder / "job.json").read_text(encoding="utf-8"))
        slate.write("waiting")
        lane = LANES.get(job["kind"], "other")
        with holding(slate.folder.parent / f".{lane}", lambda: not slate.asked_to_stop()):
            slate.write("running", what="", done=0.0, total=0.0)
            result = WORKS[job["kind"]](slate, job["wishes"])
        write_json(slate.folder / "result.json", result)
        slate.write("stopped" if result.get("unfinished") else "done")
    except (Stopped, TurnTaken, KeyboardInterrupt):
        slate.write("stopped")
    except VocaliseError as error:
        slate.write("failed", why=str(error))
        return FAILED
    except Exception as error:
        traceback.print_exc()  # into log.txt, for a report
        words = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        slate.write("failed", why=f"Something unforeseen happened ({words}); {slate.folder / 'log.txt'} has more.")
        return FAILED
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
