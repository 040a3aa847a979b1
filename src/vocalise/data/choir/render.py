"""Performances, and the choir as a folder: every singer sings every song, together sample by sample.

High voices sing an octave above low ones and nothing else is transposed, so any singer's file is the exact answer to
the question how another's song would have sounded in this voice.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vocalise.audio.files import write_aside, write_wave
from vocalise.data.choir.diction import Syllable, articulate
from vocalise.data.choir.gestures import FRAMES_PER_SECOND, gesticulate, stream
from vocalise.data.choir.score import Song, compose
from vocalise.data.choir.singers import Singer
from vocalise.data.choir.singers import singers as cast_of
from vocalise.data.choir.voice import Clock, Voice
from vocalise.errors import CorpusError

LOWEST_RATE, HIGHEST_RATE = 16_000, 48_000
HOPS_PER_SECOND = 200  # of the contour: 5 ms
PEAK = 0.7
ROOM = -74.0  # dBFS: the faint noise of a quiet room, the same for everybody


@dataclass(frozen=True)
class Performance:
    """A song as one singer sang it, with the truth about it.

    Attributes:
        wave: (samples,) float32, peak 0.7.
        pitch: (frames,) Hz every 5 ms, as many frames as WORLD gives; 0 where unvoiced. Vibrato, glides and drift are
            in it; jitter, which is about the single period, is not.
        voicing: (frames,) 0 or 1.
        syllables: labels in the order of singing.
    """

    wave: Tensor
    pitch: Tensor
    voicing: Tensor
    syllables: tuple[Syllable, ...]


def perform(song: Song, singer: Singer, rate: int = 16_000, seed: int = 0) -> Performance:
    """Sings a song; the same arguments give the same samples.

    Raises:
        CorpusError: a rate outside 16 to 48 kHz.
    """
    return _perform(song, _instrument(singer, rate), seed)


def _instrument(singer: Singer, rate: int) -> Voice:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise CorpusError(f"The choir cannot sing at {rate} Hz; choose a rate from {LOWEST_RATE} to {HIGHEST_RATE}.")
    return Voice(singer, rate)


def _perform(song: Song, voice: Voice, seed: int) -> Performance:
    rate = voice.rate
    samples, step = round(song.seconds * rate), round(rate / FRAMES_PER_SECOND)
    clock = Clock(rate, step, math.ceil(samples / step) + 2, samples)
    times = np.arange(clock.frames) * step / rate
    rng = stream(seed, song.name, voice.singer.name)
    segments, syllables = articulate(song)
    gestures = gesticulate(song, segments, voice.singer, times, rng)
    sung = voice.sing(gestures, clock, rng)
    room = 10 ** (ROOM / 20) * rng.standard_normal(samples, dtype=np.float32)
    wave = PEAK * sung / np.abs(sung).max() + room
    hops = np.arange(samples * HOPS_PER_SECOND // rate + 1) / HOPS_PER_SECOND
    voicing = gestures.voiced[np.minimum(np.rint(hops * rate / step).astype(int), clock.frames - 1)]
    pitch = np.interp(hops, times, gestures.pitch) * voicing
    return Performance(
        wave=torch.from_numpy(wave.astype(np.float32)),
        pitch=torch.from_numpy(pitch.astype(np.float32)),
        voicing=torch.from_numpy(voicing.astype(np.float32)),
        syllables=syllables,
    )


def render_choir(
    out: Path,
    *,
    singers: int = 6,
    minutes: float = 3.0,
    seed: int = 0,
    rate: int = 16_000,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Writes `out/<singer>/<song>.wav` (16 bit), and beside each `<song>.pitch.csv` and `<song>.syllables.csv`.

    Args:
        out: folder, made if need be; files of the same name are replaced.
        singers: how many of them.
        minutes: of singing, each.
        seed: of the songs, the noise and the singers beyond the twelfth; the same seed gives the same bytes.
        rate: Hz, 16,000 to 48,000.
        progress: told the share done.

    Raises:
        CorpusError: a number out of range; the message names the range.
        AudioError: a file that cannot be written.
    """
    cast, songs = cast_of(singers, seed), compose(minutes, seed)
    for place, singer in enumerate(cast):
        voice = _instrument(singer, rate)
        for number, song in enumerate(songs):
            _write(out / singer.name, song.name, _perform(song, voice, seed), rate)
            if progress is not None:
                progress((place * len(songs) + number + 1) / (len(cast) * len(songs)))


def _write(folder: Path, name: str, performance: Performance, rate: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CorpusError(f"{folder}: the folder cannot be made ({error.strerror}); choose another place.") from None
    write_wave(folder / f"{name}.wav", performance.wave, rate, subtype="PCM_16")
    pitches = enumerate(zip(performance.pitch.tolist(), performance.voicing.tolist(), strict=True))
    rows = [f"{n / HOPS_PER_SECOND:.3f},{pitch:.3f},{voiced:.0f}\n" for n, (pitch, voiced) in pitches]
    _write_table(folder / f"{name}.pitch.csv", "time_s,pitch_hz,voiced\n", rows)
    rows = [f"{s.start:.4f},{s.stop:.4f},{s.text}\n" for s in performance.syllables]
    _write_table(folder / f"{name}.syllables.csv", "start_s,stop_s,syllable\n", rows)


def _write_table(path: Path, head: str, rows: list[str]) -> None:
    with write_aside(path) as aside:
        aside.write_text(head + "".join(rows), encoding="utf-8", newline="\n")
