"""Numbers for TensorBoard, written by us one record at a time.

Its own writer keeps a thread, which a full disk kills with a traceback that nobody can catch.
"""

import io
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from vocalise.training.journal import append_whole


class Events:
    """An event file of this process in a folder; what others wrote there for later steps is declared void."""

    def __init__(self, folder: Path, *, step: int) -> None:
        """Begins a file.

        Raises:
            OSError: the disk does not take it.
        """
        host = "".join(letter if letter.isalnum() else "-" for letter in socket.gethostname())
        self.path = folder / f"events.out.tfevents.{time.time_ns() // 10**9}.{host}.{os.getpid()}.{time.time_ns()}"
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))
        self._write(Event(wall_time=time.time(), step=step, session_log=SessionLog(status=SessionLog.START)))

    def plot(self, step: int, numbers: Mapping[str, float]) -> None:
        """Adds a point to each curve.

        Raises:
            OSError: the disk does not take it; the file stays whole.
        """
        values = [Summary.Value(tag=name, simple_value=value) for name, value in numbers.items()]
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def _write(self, event: Event) -> None:
        record = io.BytesIO()
        RecordWriter(record).write(event.SerializeToString())
        append_whole(self.path, record.getvalue())
