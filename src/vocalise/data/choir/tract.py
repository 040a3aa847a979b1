"""The vocal tract as a cascade of analogue resonances (Fant, 1960), and the colours of noise.

Everything is a function of frequency in Hz, never of the sampling rate: a choir sounds the same at 16 and 48 kHz.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vocalise.data.choir.glottis import Complex
from vocalise.data.choir.phonemes import NOISES, SPEED_OF_SOUND, VOWELS, Array
from vocalise.data.choir.singers import Singer

GRID = 25.0  # Hz, of the table of the upper resonances
TOP = 24_000.0  # Hz
NASAL_POLE = 1000.0  # Hz for a man: where the side branch sits unheard, its zero upon its pole, in open vowels
NASAL_WIDTH = 180.0
RUSTLE = 1500.0  # Hz above which the breath noise of the glottis is about white

Floats = NDArray[np.float32]


def bandwidths(formants: Array) -> Array:
    """Bandwidths of formants (...,) in Hz: losses grow with frequency (after Fujimura & Lindqvist, 1971)."""
    return 38 + 0.022 * formants + 9e-6 * formants**2


class Tract:
    """The tract of one singer: its fixed upper resonances, and its response when the lower five move."""

    def __init__(self, singer: Singer) -> None:
        self.singer = singer

    def response(self, frequencies: Floats, formants: Array, widths: Array, zero: Array) -> Complex:
        """Transfer function at frequencies (frames, bins).

        Args:
            frequencies: Hz.
            formants: F1 to F5 in Hz, (frames, 5).
            widths: their bandwidths in Hz, (frames, 5).
            zero: antiresonance of the nose in Hz, (frames,); equal to the pole where the nose is shut.
        """
        s = (1j * frequencies).astype(np.complex64)
        square = s * s
        pole, width = NASAL_POLE * self.singer.scale, np.full(len(zero), NASAL_WIDTH)
        total = _quadratic(s, square, zero, width) / _quadratic(s, square, np.full(len(zero), pole), width)
        for n in range(formants.shape[1]):
            total /= _quadratic(s, square, formants[:, n], widths[:, n])
        place = np.minimum(np.rint(frequencies / GRID).astype(np.int32), len(self._upper) - 1)
        return np.asarray(total * self._upper[place], dtype=np.complex64)

    @cached_property
    def _upper(self) -> Complex:
        """Product of the resonances from F6 on, which stay where the length of the tract puts them."""
        tube = SPEED_OF_SOUND / (4 * self.singer.tract)
        s = 1j * np.arange(0, TOP + GRID, GRID)
        total = np.ones(len(s), dtype=np.complex128)
        n = 6
        while (2 * n - 3) * tube < TOP:
            formant = (2 * n - 1) * tube
            total /= (
                1 + s * (self.singer.damping * 1.3 * bandwidths(np.array(formant)) / formant**2) + (s / formant) ** 2
            )
            n += 1
        return total.astype(np.complex64)

    @cached_property
    def reference(self) -> tuple[Array, Array]:
        """Formants and bandwidths of all vowels, (vowels, 5) each: what levels are measured against."""
        formants = np.array([self.singer.vowel(name) for name in VOWELS])
        return formants, self.singer.damping * bandwidths(formants)

    def vowels(self, frequencies: Floats) -> Complex:
        """Responses of all vowels at frequencies (bins,): (vowels, bins)."""
        formants, widths = self.reference
        zero = np.full(len(formants), NASAL_POLE * self.singer.scale)
        return self.response(np.broadcast_to(frequencies, (len(formants), len(frequencies))), formants, widths, zero)


def _quadratic(s: Complex, square: Complex, formant: Array, width: Array) -> Complex:
    """1 + s B/F^2 + s^2/F^2: one at s = 0, and small at the resonance; (frames, bins)."""
    inverse = (1 / formant**2).astype(np.float32)[:, None]
    return np.asarray(1 + s * (width.astype(np.float32)[:, None] * inverse) + square * inverse)


def hiss_colour(name: str, frequencies: Floats, singer: Singer) -> Floats:
    """Amplitude of a consonant's noise at frequencies (bins,), of mean power one up to 8 kHz."""
    centre, width, floor = NOISES[name]
    factor, level = singer.sibilance
    centre, width = centre * factor, width * factor

    def amplitude(f: Array) -> Array:
        hump = 1 / (1 + ((f - centre) / (0.6 * width)) ** 4)
        return np.asarray((hump + 10 ** (floor / 20)) * rumble_free(f) / (1 + (f / 14_000) ** 4))

    wide = np.arange(50, 8000, 50, dtype=np.float64)
    scale = 10 ** (level / 20) / np.sqrt(np.mean(amplitude(wide) ** 2))
    return np.asarray(scale * amplitude(frequencies.astype(np.float64)), dtype=np.float32)


def rumble_free(frequencies: Array | Floats) -> Array:
    """A gentle high pass at 120 Hz: turbulence has no rumble."""
    return np.asarray(frequencies**2 / (frequencies**2 + 120.0**2), dtype=np.float64)


def rustle(frequencies: Array | Floats) -> Array:
    """Colour of the noise at the glottis, before the tract: it rises towards `RUSTLE`."""
    return np.asarray(frequencies / np.sqrt(frequencies**2 + RUSTLE**2), dtype=np.float64)
