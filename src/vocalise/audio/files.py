"""Sound files: reading whatever libsndfile or (extra `media`) PyAV can decode, mixed to mono or as it is, in blocks.

Nothing that a header says is believed: sound is read until it ends, and then compared with what was announced.
Memory is the result's and little more.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vocalise.audio.resampling import Block, Resampler, resample, resampled_length
from vocalise.audio.sources import MEDIA_SUFFIXES, MOST_SECONDS, RATES, SoundStopped, Source, opened, shown, too_long
from vocalise.audio.writing import WRITABLE, check_writable, write_aside, write_wave
from vocalise.errors import AudioError

__all__ = [
    "AUDIO_SUFFIXES",
    "MEDIA_SUFFIXES",
    "RATES",
    "WRITABLE",
    "Facts",
    "check_writable",
    "describe",
    "read_channels",
    "read_wave",
    "resample",
    "resampled_length",
    "shown",
    "write_aside",
    "write_wave",
]

AUDIO_SUFFIXES = MEDIA_SUFFIXES | {
    *(".wav", ".wave", ".w64", ".rf64", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".sph"),
    *(".flac", ".ogg", ".oga", ".opus", ".mp3"),
}
_LOUDEST = 64.0  # +36 dBFS: beyond it, floats are in integer scale or the file is damaged
_SHORTFALL = 8192  # samples that may be missing of what was announced: what AAC and MP3 encoders pad with


@dataclass(frozen=True)
class Facts:
    """What a sound file is, as its header says; the length of an MP3 without an index is an estimate."""

    rate: int  # Hz
    channels: int
    samples: int  # per channel
    seconds: float
    format: str
    subtype: str


def describe(path: str | os.PathLike[str]) -> Facts:
    """The facts of a sound file, mostly from its header; decodes it only where the header does not tell the length.

    Raises:
        AudioError: no such file, no sound in it, or facts beyond what is read (1 to 768 kHz, 64 channels, 24 hours).
    """
    with opened(path) as source:
        samples = sum(map(len, _sound_blocks(source, path))) if source.announced is None else source.announced
        if not samples:
            raise AudioError(f"{shown(path)} holds no sound: it ends before its first sample. Leave it out.")
        return Facts(source.rate, source.channels, samples, samples / source.rate, source.format, source.subtype)


def read_wave(path: str | os.PathLike[str], *, rate: int | None = None) -> tuple[Tensor, int]:
    """Reads a sound file as the mean of its channels.

    Args:
        path: the file.
        rate: Hz wanted; None keeps the file's own.

    Returns:
        The wave (samples,), float32, full scale at 1 (lossy and float files may overshoot), and its rate. At another
        rate than the file's, it is `resampled_length` long.

    Raises:
        AudioError: missing, empty, not audio, truncated, damaged, non-finite or absurdly long; the message says which.
    """
    with opened(path) as source:
        target = source.rate if rate is None else rate
        if target not in RATES:
            raise AudioError(f"A rate of {target} Hz is out of range: choose {RATES[0]} to {RATES[-1]} Hz.")
        resampler, gathered, heard = Resampler(source.rate, target), _Gathered(), 0
        for block in _sound_blocks(source, path):
            heard += len(block)
            gathered.extend(resampler.push(block.mean(axis=1, keepdims=True))[:, 0])
        _require_whole(source, heard, path)
    gathered.extend(resampler.finish()[:, 0])
    return torch.from_numpy(gathered.wave()), target


def read_channels(path: str | os.PathLike[str]) -> tuple[Tensor, int]:
    """Reads a sound file with all its channels: (channels, samples), float32, full scale at 1, and its rate in Hz.

    Raises:
        AudioError: as for `read_wave`.
    """
    with opened(path) as source:
        gathered, heard = _Gathered(), 0
        for block in _sound_blocks(source, path):
            heard += len(block)
            gathered.extend(block.reshape(-1))
        _require_whole(source, heard, path)
        return torch.from_numpy(gathered.wave()).reshape(-1, source.channels).T.contiguous(), source.rate


class _Gathered:
    """A float32 array that grows as sound comes in; the system moves its pages, so that nothing is held twice."""

    def __init__(self) -> None:
        self._room = np.empty(1 << 20, np.float32)
        self._length = 0

    def extend(self, part: NDArray[np.float32]) -> None:
        end = self._length + len(part)
        if end > len(self._room):
            self._room.resize(max(end, len(self._room) * 9 // 8), refcheck=False)
        self._room[self._length : end] = part
        self._length = end

    def wave(self) -> NDArray[np.float32]:
        self._room.resize(self._length, refcheck=False)
        return self._room


def _sound_blocks(source: Source, path: str | os.PathLike[str]) -> Iterator[Block]:
    """The blocks of a source, as long as they are numbers that can be sound and do not go on for ever."""
    heard = 0
    try:
        for block in source.blocks():
            wrong = ~(np.abs(block) <= _LOUDEST).all(axis=1)
            if wrong.any():
                place = int(wrong.argmax())
                value = block[place][~(np.abs(block[place]) <= _LOUDEST)][0]
                raise AudioError(
                    f"{shown(path)}: sample {heard + place} ({(heard + place) / source.rate:.3f} s) is {value:g}, "
                    "where full scale is 1. It is damaged, or was saved in another scale: export it again."
                )
            heard += len(block)
            if heard > MOST_SECONDS * source.rate:
                raise AudioError(too_long(path, heard / source.rate))
            yield block
    except SoundStopped as stop:
        raise AudioError(
            f"{shown(path)} is damaged: {heard / source.rate:.2f} s could be read, then {stop}. "
            "Copy or export it again."
        ) from None


def _require_whole(source: Source, heard: int, path: str | os.PathLike[str]) -> None:
    if not heard:
        raise AudioError(f"{shown(path)} holds no sound: it ends before its first sample. Leave it out.")
    if source.breaks_off:
        raise AudioError(
            f"{shown(path)} is truncated: it breaks off after {heard / source.rate:.2f} s. Copy or export it again."
        )
    if source.announced is None or source.estimated:
        return
    if source.announced - heard > _SHORTFALL:
        raise AudioError(
            f"{shown(path)} is truncated: it announces {source.announced / source.rate:.2f} s, but only "
            f"{heard / source.rate:.2f} s could be read. Copy or export it again."
        )
