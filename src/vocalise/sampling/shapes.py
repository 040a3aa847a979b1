"""What an encoder hears of one voice, a few frames at a time: the sums of `Mel` in NumPy.

wave ──STFT, mel──▶ shape of the spectrum ──less mean, by deviation──▶ shapes (frames, bands)
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vocalise.parts.encoders.mel import SILENT, Mel

Array = NDArray[Any]
_ONE = np.ones(1)


class Shapes(Protocol):
    """Ears without a network."""

    def begin(self) -> Any:
        """Nothing heard yet."""

    def extend(self, past: Any, wave: Array) -> Array:
        """(n · hop,) more samples -> (n, bands); `past` is moved on."""


@dataclass
class Heard:
    """What was heard; see `encoders.mel.Hearing`."""

    wave: Array  # (size - hop,)
    sums: Array  # (1 + 2 · bands,) in double precision
    loudest: float = 0.0


class PlainShapes:
    """By NumPy."""

    def __init__(self, encoder: Mel) -> None:
        self.hop, self.size, self.fade, self.doubt = encoder.hop, encoder.size, encoder.fade, encoder.doubt
        self._filters, self._taper = (encoder.get_buffer(name).numpy() for name in ("filters", "taper"))
        self._usual = encoder.usual.detach()[:, 0].numpy()
        self._spread = encoder.spread.detach().exp()[:, 0].numpy()
        self._usual_square = self._usual**2 + self._spread**2

    def begin(self) -> Heard:
        """Nothing heard yet."""
        return Heard(np.zeros(self.size - self.hop, np.float32), np.zeros(1 + 2 * len(self._filters)))

    def extend(self, past: Heard, wave: Array) -> Array:
        """(n · hop,) more samples -> (n, bands); `past` is moved on."""
        whole = np.concatenate([past.wave, wave])
        starts = range(0, len(wave), self.hop)
        frames = [self._shape(past, whole[start : start + self.size]) for start in starts]
        past.wave = whole[len(whole) - len(past.wave) :]
        return np.stack(frames) if len(frames) > 1 else frames[0][None]

    def _shape(self, past: Heard, frame: Array) -> Array:
        """The normalised shape of one frame's spectrum, (bands,)."""
        spectrum = np.fft.rfft(frame * self._taper)
        power = self._filters @ (spectrum.real**2 + spectrum.imag**2)
        energy = float(power.sum()) + SILENT
        shape = np.log(power / np.float32(energy) + np.float32(1e-5))
        if not self.fade:
            fixed: Array = (shape - self._usual) / self._spread
            return fixed.astype(np.float32)
        weight = max(0.0, energy - 2.0 * SILENT) ** 0.25
        past.sums *= self.fade
        past.sums += weight * np.concatenate([_ONE, shape, shape * shape])
        past.loudest = max(weight, past.loudest * self.fade)
        total = float(past.sums[0])
        frames = total / max(past.loudest, 1e-9)
        share = np.float32(frames / (frames + self.doubt))
        first, second = (past.sums[1:] / max(total, 1e-9)).astype(np.float32).reshape(2, -1)
        mean = self._usual + share * (first - self._usual)
        square = self._usual_square + share * (second - self._usual_square)
        normalised: Array = (shape - mean) / np.sqrt(np.maximum(square - mean * mean, 0.01))
        return normalised.astype(np.float32)
