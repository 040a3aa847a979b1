"""What the data floor speaks of: recordings, the pieces a split makes of them, and what was found on the way."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """Something the owner of the recordings should know."""

    level: Severity  # error: cannot be trained on; warning: left out, or harmful; note: good to know
    singer: str | None
    path: Path | None
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class Recording:
    """One readable sound file of one singer."""

    path: Path
    singer: str
    song: str  # the path below the singer's folder without its suffix; equal names are the same song
    seconds: float
    rate: int  # Hz, as recorded
    channels: int
    digest: str  # of the file's bytes, so that neither name nor place matters


@dataclass(frozen=True)
class Piece:
    """A stretch of a recording on one side of the split."""

    recording: Recording
    start: float = 0.0  # seconds
    stop: float | None = None  # seconds; None is the recording's end
    guarded: bool = False  # cut within a recording, with a guard between the two sides

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return (self.recording.seconds if self.stop is None else self.stop) - self.start


@dataclass(frozen=True)
class Split:
    """What is trained on, and what the model never hears."""

    train: tuple[Piece, ...]
    held_out: tuple[Piece, ...]
    findings: tuple[Finding, ...] = ()


def legible(path: Path | str) -> str:
    """A file name fit for a terminal: on one line, without the bytes that no encoding explains."""
    return " ".join(str(path).encode("utf-8", "replace").decode().split())
