"""The voice source: the pulse of Liljencrants and Fant as a Fourier series, so that nothing can alias.

Fant, Liljencrants & Lin (1985), "A four-parameter model of glottal flow", STL-QPSR 4; its single shape parameter Rd
after Fant (1995), "The LF-model revisited", STL-QPSR 2-3.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from vocalise.data.choir.phonemes import Array

Complex = NDArray[np.complex64]

SOFTEST, HARDEST = 2.6, 0.35  # Rd: breathy and pressed phonation
SHAPES = 28


def pulse_shape(rd: float) -> tuple[float, float, float, float, float]:
    """The pulse of shape `rd` in a period of length one: (te, ta, wg, alpha, epsilon) of the LF model.

    `te` is the instant of closure (the open quotient, near enough), `ta` the return time that sets the tilt; the flow
    derivative is exp(alpha t) sin(wg t) up to te, and an exponential return of rate epsilon after it.
    """
    ra, rk = (-1 + 4.8 * rd) / 100, (22.4 + 11.8 * rd) / 100
    rg = rk / (4 * (0.11 * rd / (0.5 + 1.2 * rk) - ra))
    te, wg = (1 + rk) / (2 * rg), 2 * np.pi * rg
    rest = 1 - te
    epsilon = float(brentq(lambda e: e * ra - 1 + np.exp(-e * rest), 1e-3 + 1e-9, 2 / ra))
    fall = np.exp(-epsilon * rest)
    back = (1 / epsilon - fall * (rest + 1 / epsilon)) / (epsilon * ra)  # area of the return, for a peak of one

    def surplus(alpha: float) -> float:
        """Net flow over the period, which has to vanish, times a positive factor."""
        opened = (np.exp(-alpha * te) * wg + alpha * np.sin(wg * te) - wg * np.cos(wg * te)) / (alpha**2 + wg**2)
        return float(opened + back * np.sin(wg * te))

    return te, ra, wg, float(brentq(surplus, -60, 200)), epsilon


def pulse_series(rd: float, harmonics: int) -> NDArray[np.complex128]:
    """Fourier coefficients 1 to `harmonics` of the flow derivative; time zero is the closure, its peak is -1."""
    te, ta, wg, alpha, epsilon = pulse_shape(rd)
    w = 2j * np.pi * np.arange(1, harmonics + 1)
    peak = -1 / (np.exp(alpha * te) * np.sin(wg * te))

    def opened(sign: int) -> NDArray[np.complex128]:
        rate = alpha + sign * 1j * wg - w
        return np.asarray((np.exp(rate * te) - 1) / rate)

    rising = peak * (opened(1) - opened(-1)) / 2j
    rest = 1 - te
    shifted = (1 - np.exp(-(epsilon + w) * rest)) / (epsilon + w) - np.exp(-epsilon * rest) * (
        1 - np.exp(-w * rest)
    ) / w
    return np.asarray(rising * np.exp(w * te) - shifted / (epsilon * ta))


@dataclass(frozen=True)
class Glottis:
    """The series for a range of shapes, to be interpolated."""

    shapes: Array  # (shapes,)  log Rd, rising
    series: Complex  # (shapes, harmonics)

    @classmethod
    def build(cls, harmonics: int) -> Self:
        """Computes the table once, for so many harmonics."""
        shapes = np.linspace(np.log(HARDEST), np.log(SOFTEST), SHAPES)
        return cls(shapes, np.array([pulse_series(float(np.exp(s)), harmonics) for s in shapes]).astype(np.complex64))

    def at(self, rd: Array, harmonics: int) -> Complex:
        """The series for shapes (frames,), interpolated: (frames, harmonics)."""
        place = np.interp(np.log(rd), self.shapes, np.arange(SHAPES))
        low = np.minimum(place.astype(int), SHAPES - 2)
        share = (place - low).astype(np.float32)[:, None]
        return np.asarray((1 - share) * self.series[low, :harmonics] + share * self.series[low + 1, :harmonics])
