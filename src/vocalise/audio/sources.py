"""Open sound files, whoever decodes them: libsndfile, or PyAV for what phones and cameras write."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile

from vocalise.audio.resampling import Block
from vocalise.errors import AudioError

MEDIA_SUFFIXES = frozenset(  # these need the extra `media`
    {".m4a", ".m4b", ".mp4", ".m4v", ".aac", ".mov", ".mkv", ".mka", ".webm", ".3gp", ".wma", ".avi", ".ts"}
)
RATES = range(1_000, 768_001)  # Hz
MOST_CHANNELS = 64
MOST_SECONDS = 24 * 3600
_FOREIGN = (1, 4)  # libsndfile's codes for a format or an encoding that it does not know
_READ = 1 << 14  # samples read at a time: when a decoder stops, what it gave in the same call is lost


class Source(Protocol):
    """An open sound file, to be read once from start to end."""

    rate: int
    channels: int
    announced: int | None  # samples, where the header says
    estimated: bool  # whether that is a guess
    breaks_off: bool  # whether the last packet is cut through
    format: str
    subtype: str

    def blocks(self) -> Iterator[Block]:
        """The sound, (samples, channels) at a time."""


def shown(path: str | os.PathLike[str]) -> str:
    """A path as it can be printed: names on disk need not be text."""
    return os.fspath(path).encode("utf-8", "replace").decode()


class SoundStopped(Exception):  # noqa: N818 - it reads as what it says
    """A decoder could not go on; the message says why."""


def too_long(path: str | os.PathLike[str], seconds: float) -> str:
    """What is said of more sound than is read."""
    return (
        f"{shown(path)} claims {seconds / 3600:.1f} hours of sound; at most {MOST_SECONDS // 3600} are read. "
        "Its header is damaged, or it should be cut into pieces."
    )


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Source]:
    """An open sound file, by content: libsndfile first, then PyAV; suffixes of videos and phones the other way round.

    Raises:
        AudioError: no such file, empty, not audio, or facts beyond what is read (1 to 768 kHz, 64 channels, 24 hours).
    """
    path = Path(path)
    try:
        if not path.is_file():
            reason = "is a folder" if path.is_dir() else "is not a file" if path.exists() else "does not exist"
            raise AudioError(f"{shown(path)} {reason}; give the path of a sound file.")
        if not path.stat().st_size:
            raise AudioError(f"{shown(path)} is empty (0 bytes): copy or export it again.")
        path.open("rb").close()
    except OSError as error:
        raise AudioError(f"{shown(path)} cannot be opened: {error.strerror}.") from None
    with contextlib.ExitStack() as stack:
        source = _open_media(path, stack) if path.suffix.lower() in MEDIA_SUFFIXES else _open_sound(path, stack)
        _require_sane(source, path)
        yield source


def _require_sane(source: Source, path: str | os.PathLike[str]) -> None:
    if source.rate not in RATES:
        raise AudioError(
            f"{shown(path)} claims a rate of {source.rate} Hz; {RATES[0]} to {RATES[-1]} Hz are read. "
            "Its header is damaged."
        )
    if not 1 <= source.channels <= MOST_CHANNELS:
        raise AudioError(
            f"{shown(path)} has {source.channels} channels; 1 to {MOST_CHANNELS} are read. Mix it down first."
        )
    if source.announced is not None and source.announced > MOST_SECONDS * source.rate:
        raise AudioError(too_long(path, source.announced / source.rate))


def _open_sound(path: Path, stack: contextlib.ExitStack) -> Source:
    try:
        stream = stack.enter_context(_Stream(os.fspath(path) if os.name == "nt" else os.fsencode(path)))
        return _Sound(stream, estimated=stream.format == "MP3" and not _indexed_mp3(path))
    except soundfile.LibsndfileError as error:
        reason, foreign = error.error_string, error.code in _FOREIGN
    except (TypeError, ValueError) as error:  # soundfile takes some suffixes for files without a header
        reason, foreign = str(error), True
    if foreign:
        with contextlib.suppress(AudioError):
            return _open_media(path, stack)  # the suffix may be wrong, or libsndfile old
    raise AudioError(f"{shown(path)} is not audio that can be read ({reason.strip('. ')}): convert it to WAV or FLAC.")


def _indexed_mp3(path: Path) -> bool:
    """Whether the first frame of an MP3 says how many follow; otherwise libsndfile guesses from the bit rate."""
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":  # its size: four bytes of seven bits (ID3v2.4, section 6.2)
            file.seek(10 + sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=False)))
        return re.search(rb"Xing|Info|VBRI", file.read(1024)) is not None


def _open_media(path: Path, stack: contextlib.ExitStack) -> Source:
    try:
        from vocalise.audio import media
    except ImportError:
        raise AudioError(
            f"{shown(path)}: reading {path.suffix or 'this kind of'} files needs PyAV: pip install 'vocalise[media]', "
            "or convert the file to WAV or FLAC."
        ) from None
    return stack.enter_context(media.opened(path))


class _Stream(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """A file read from start to end; soundfile would seek after each block, which costs time and, in MP3, samples."""

    def seekable(self) -> bool:
        return False


class _Sound:
    """A file that libsndfile reads."""

    def __init__(self, stream: soundfile.SoundFile, *, estimated: bool) -> None:
        self._stream = stream
        self.estimated = estimated
        self.rate = int(stream.samplerate)
        self.channels = int(stream.channels)
        self.format = str(stream.format)
        self.subtype = str(stream.subtype)
        self.announced = self._length()
        ogg = ("Last page lacks an end-of-stream bit", "Junk after the last page")  # the first alone: a live recording
        self.breaks_off = all(finding in stream.extra_info for finding in ogg)

    def _length(self) -> int | None:
        """Samples announced. libsndfile shortens the length to what the file can hold, and logs what it read."""
        frames = max(0, int(self._stream.frames))
        if frames >= 1 << 62:  # a FLAC stream of unknown length
            return None
        log = re.search(r"(?im)^\s*(?:data|SSND|Data Size)\s*: (\d+) \(should be (\d+)\)", self._stream.extra_info)
        if log is None or frames == 0:
            return frames
        announced, there = int(log[1]), int(log[2])
        if announced <= there or announced >= 0xFFFFF000 or 0x7FFF0000 <= announced <= 0x80000000:
            return frames  # what programs write to a pipe, where they cannot come back and fill in the length
        return frames * announced // max(1, there)

    def blocks(self) -> Iterator[Block]:
        room = np.empty((max(1, _READ // self.channels), self.channels), np.float32)
        try:
            while len(block := self._stream.read(out=room)):
                yield block
        except soundfile.SoundFileError as error:
            raise SoundStopped(str(getattr(error, "error_string", error)).strip(". ")) from None
