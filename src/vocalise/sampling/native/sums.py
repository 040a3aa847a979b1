"""The sums round a live voice's networks, compiled: what is heard, its pitch, and what is sung.

NumPy's calls cost little, but hundreds of them do not, where others take the cache between two columns of sound.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from vocalise.audio.filtering import window_of
from vocalise.audio.harmonics import HIGHEST, LOWEST
from vocalise.audio.live_pitch import AHEAD, LivePitch
from vocalise.parts.decoders.parallel import LOUDEST, NEPERS, Parallel
from vocalise.parts.encoders.mel import SILENT, Mel
from vocalise.sampling.native.library import available, require
from vocalise.sampling.native.packing import Floats, plain
from vocalise.sampling.sums import Told, shaping

if TYPE_CHECKING:
    from vocalise.sampling.native import _core


class NativeShapes:
    """`sampling.shapes.PlainShapes`, compiled."""

    def __init__(self, encoder: Mel) -> None:
        self._new = require()[0].Shapes
        self._hop, self._bands = encoder.hop, len(encoder.filters)
        tensors = (encoder.filters, encoder.taper, encoder.usual[:, 0], encoder.spread.exp()[:, 0])
        self._arrays = tuple(plain(tensor) for tensor in tensors)
        self._marks = (encoder.fade, encoder.doubt, SILENT)

    def begin(self) -> "_core.Shapes":
        """Nothing heard yet."""
        shapes: _core.Shapes = self._new(self._hop, *self._arrays, *self._marks)
        return shapes

    def extend(self, past: "_core.Shapes", wave: Floats) -> Floats:
        """(n · hop,) more samples -> (n, bands); `past` is moved on."""
        columns = np.ascontiguousarray(wave, np.float32).reshape(-1, self._hop)
        shapes = np.empty((len(columns), self._bands), np.float32)
        past.extend(columns, shapes)
        return shapes


@dataclass
class Sounding:
    """What goes on, and the formant for which it was shaped, in semitones."""

    sums: "_core.Sums"
    formant: float = math.nan


class NativeSums:
    """`sampling.sums.PlainSums`, compiled."""

    def __init__(self, decoder: Parallel) -> None:
        self._new, self._decoder = require()[0].Sums, (decoder,)
        window = plain(window_of(decoder.size, torch.zeros(0)))
        sizes = (decoder.hop, decoder.overlap, decoder.wait, decoder.ahead, decoder.bands, decoder.rate)
        self._choices = (*sizes, LOWEST, HIGHEST * decoder.rate, LOUDEST, window)

    def begin(self) -> Sounding:
        """Silence."""
        return Sounding(self._new(*self._choices))

    def extend(self, past: Sounding, told: Told) -> Floats:
        """What is final of the wave, (columns, hop); `past` is moved on."""
        if told.formant != past.formant:
            curves, phases = shaping(self._decoder[0], told.formant)
            past.sums.reshape(np.ascontiguousarray(curves), np.ascontiguousarray(phases))
            past.formant = told.formant
        sung = np.empty(told.pitch.shape, np.float32)
        past.sums.extend(told.pitch, told.flags, told.noise, told.powers, told.drawn, told.breath / NEPERS, sung)
        return sung


class NativePitch:
    """`audio.live_pitch.LivePitch`, compiled."""

    def __init__(self, twin: LivePitch) -> None:
        """Begins with silence; of the twin only its choices are taken."""
        sizes, rate, marks, taps = twin.choices
        self._hop = sizes[-1]
        self._tracker: _core.Tracker = require()[0].Tracker(sizes, rate, marks, taps)
        self._owed = 0

    def push(self, wave: Floats) -> tuple[Floats, Floats]:
        """(n · hop,) more samples -> pitch in Hz (0 where unvoiced) and voicing of the columns known by now."""
        if len(wave) % self._hop:
            raise ValueError(f"Pitch is tracked in blocks of {self._hop} samples, not {len(wave)}.")
        columns = np.ascontiguousarray(wave, np.float32).reshape(-1, self._hop)
        pitch = np.empty(len(columns) + 1, np.float32)
        pitch = pitch[: self._tracker.extend(columns, pitch)]
        self._owed += len(columns) - len(pitch)
        return pitch, (pitch > 0.0).astype(np.float32)

    def finish(self) -> tuple[Floats, Floats]:
        """The last `AHEAD` columns, as if silence followed."""
        owed = self._owed
        pitch, voicing = self.push(np.zeros(AHEAD * self._hop, np.float32))
        return pitch[:owed], voicing[:owed]


def pitch_tracker(rate: int, hop: int) -> LivePitch | NativePitch:
    """What tracks pitch as the sound comes in: the compiled twin where there is one."""
    twin = LivePitch(rate, hop=hop)
    return NativePitch(twin) if available() is not None else twin
