"""The four versions of a phrase: as it is, backwards, upside down, and both (Nachmani & Wolf, 2019, section 3.2).

An augmentation maps the wave and its contours together, so that pitch need not be measured again. All four keep the
singer: reversed singing has the same timbre, and nobody hears the sign of a wave.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor


class Phrase(NamedTuple):
    """A stretch of singing with its contours; any leading dimensions, time last."""

    wave: Tensor  # (…, samples)
    pitch: Tensor  # (…, controls)   Hz
    voicing: Tensor  # (…, controls)   0 or 1
    loudness: Tensor  # (…, controls)   dB


def original(phrase: Phrase) -> Phrase:
    """The phrase as it was sung."""
    return phrase


def reverse(phrase: Phrase) -> Phrase:
    """Backwards: x[n] becomes x[N - 1 - n], and every contour with it."""
    return Phrase(*(line.flip(-1) for line in phrase))


def invert(phrase: Phrase) -> Phrase:
    """Upside down: x[n] becomes -x[n]; the contours stay."""
    return phrase._replace(wave=-phrase.wave)


def reverse_invert(phrase: Phrase) -> Phrase:
    """Backwards and upside down."""
    return invert(reverse(phrase))


AUGMENTATIONS: Mapping[str, Callable[[Phrase], Phrase]] = MappingProxyType(
    {fn.__name__: fn for fn in (original, reverse, invert, reverse_invert)}
)
