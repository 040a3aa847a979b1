"""The same recording twice under other names, rates or codecs: it would count as two songs, or as two singers.

Files of the same bytes are found by their digest when a corpus is opened; here are those that only sound the same.
"""

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from vocalise.audio.files import read_wave
from vocalise.data.quality import Quality
from vocalise.data.records import Finding, Recording, Severity, legible
from vocalise.errors import AudioError

RATE = 4000  # Hz: what every codec leaves alone
LENGTHS = 0.3  # seconds by which copies may differ: encoders' padding
LEVELS = 3.0  # dB by which their frames may differ
ALIKE = 0.7  # correlation of the waves
EXCERPT = 30.0  # seconds that are compared
MOST = 200  # pairs that are compared by ear


def find_twins(heard: Mapping[Recording, Quality]) -> list[Finding]:
    """A finding for each recording that sounds the same as one before it though its file is another."""
    findings = []
    found: set[Recording] = set()
    for one, other in itertools.islice(_candidates(heard), MOST):
        if other in found or not _same_sound(one, other):
            continue
        found.add(other)
        whose = f"of {one.singer}" if one.singer != other.singer else "by the same singer"
        message = f"{legible(other.path)} is the same recording as {legible(one.path)} {whose}, in another file."
        remedy = "take one of them away" if one.singer == other.singer else "leave it with the one who sings"
        level: Severity = "note" if one.singer == other.singer else "warning"
        findings.append(Finding(level, other.singer, other.path, message, remedy))
    return findings


def _candidates(heard: Mapping[Recording, Quality]) -> Iterator[tuple[Recording, Recording]]:
    """Pairs of about the same length whose levels go the same way."""
    ordered = sorted(heard, key=lambda one: (heard[one].seconds, one.singer, one.song))
    for place, one in enumerate(ordered):
        for other in ordered[place + 1 :]:
            if heard[other].seconds - heard[one].seconds > LENGTHS:
                break
            if one.digest != other.digest and _levels_apart(heard[one].levels, heard[other].levels) < LEVELS:
                yield one, other


def _levels_apart(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """RMS difference in dB of two level contours over the loud frames, whatever the gain, up to three frames apart."""
    length = min(len(a), len(b)) - 6
    if length < 4:
        return float("inf")
    mine = a[3 : 3 + length]
    loud = mine > mine.max() - 30.0
    apart = []
    for shift in range(7):
        difference = (mine - b[shift : shift + length])[loud]
        apart.append(float((difference - np.median(difference)).std()))
    return min(apart)


def _same_sound(one: Recording, other: Recording) -> bool:
    try:
        waves = [read_wave(recording.path, rate=RATE)[0][: int(EXCERPT * RATE)].numpy() for recording in (one, other)]
    except AudioError:
        return False
    size = 1 << (len(waves[0]) + len(waves[1])).bit_length()
    first, second = (np.fft.rfft(wave, size) for wave in waves)
    likeness = np.abs(np.fft.irfft(first * second.conj(), size)).max()
    energy = np.sqrt(float(np.square(waves[0], dtype=np.float64).sum() * np.square(waves[1], dtype=np.float64).sum()))
    return bool(energy > 0.0 and likeness / energy > ALIKE)
