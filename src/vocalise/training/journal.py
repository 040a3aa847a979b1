"""The journal of a run: one JSON object a line, appended as things happen, and never a step told twice."""

import errno
import json
import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vocalise.audio.files import write_aside

LAST_WORDS = frozenset({"probe", "verdict"})  # kinds of rows that are written after the last step

Row = Mapping[str, Any]


class Journal:
    """Rows of facts, each with its `kind` and `step`.

    A row that a full disk refuses is kept in memory and written with the next one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: list[bytes] = []

    def note(self, kind: str, step: int, **facts: Any) -> None:
        """Appends a row; numbers that are not finite become null.

        Raises:
            OSError: the disk does not take it now; nothing is lost, and it is tried again with the next row.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        row = {"kind": kind, "step": step, "at": now, **{key: _plain(value) for key, value in facts.items()}}
        self._waiting.append(json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        self._write()

    def sync(self) -> None:
        """Has the disk keep what was noted, so that the journal is never behind a checkpoint.

        Raises:
            OSError: the disk is full.
        """
        self._write()
        if self.path.exists():
            descriptor = os.open(self.path, os.O_RDWR)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def rows(self) -> list[Row]:
        """All whole rows in order; a line torn by a crash is passed over."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        rows = (_row(line) for line in lines)
        return [row for row in rows if row is not None]

    def rewind(self, step: int) -> None:
        """Forgets what was told after the checkpoint of this step, since it is going to happen again.

        Raises:
            OSError: the shorter journal cannot be written.
        """
        kept = [row for row in self.rows() if row["step"] < step or (row["step"] == step and _before_the_end(row))]
        body = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in kept)
        if self.path.exists() and self.path.read_bytes() != body:
            with write_aside(self.path) as aside:
                aside.write_bytes(body)

    def _write(self) -> None:
        if not self._waiting:
            return
        append_whole(self.path, b"".join(self._waiting))
        self._waiting.clear()


def append_whole(path: Path, data: bytes) -> None:
    """Adds to a file all or nothing.

    Raises:
        OSError: the disk does not take it; the file is as it was.
    """
    with path.open("ab", buffering=0) as file:
        whole = file.tell()
        try:
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.truncate(whole)
            raise


def _before_the_end(row: Row) -> bool:
    return row["kind"] not in LAST_WORDS


def _row(line: bytes) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(row, dict) and isinstance(row.get("kind"), str) and isinstance(row.get("step"), int)
    return row if whole else None


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
