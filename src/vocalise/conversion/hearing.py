"""Whatever sound comes in, as the model hears it: one channel at its rate."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vocalise.audio.files import RATES, resample
from vocalise.errors import AudioError

MOST_CHANNELS = 64
LOUDEST = 64.0  # beyond it, the numbers are no sound with full scale at 1

Sound = Tensor | NDArray[np.floating]


def require_rate(rate: int, what: str = "rate") -> int:
    """A rate in Hz that audio can have.

    Raises:
        AudioError: it is no whole number, or out of range.
    """
    if rate != rate or isinstance(rate, bool) or int(rate) != rate or int(rate) not in RATES:
        raise AudioError(f"A {what} of {rate} Hz is out of range: choose whole {RATES[0]} to {RATES[-1]} Hz.")
    return int(rate)


def mono(wave: Sound) -> Tensor:
    """The mean of the channels of a sound (samples,) or (channels, samples), float32, on the CPU.

    Raises:
        AudioError: no samples, other dimensions, integers, or values that cannot be sound.
    """
    found = wave if isinstance(wave, Tensor) else _tensor(np.asarray(wave))
    if found.ndim not in (1, 2) or not (found.ndim == 1 or 1 <= found.shape[0] <= MOST_CHANNELS):
        raise AudioError(
            f"A sound of shape {tuple(found.shape)} cannot be converted: give (samples,) or (channels, samples), "
            f"1 to {MOST_CHANNELS} channels."
        )
    if not found.is_floating_point():
        raise AudioError(
            f"Samples of type {found.dtype} have no full scale: give floats from -1 to 1 (16 bit: divide by 32768)."
        )
    if not found.numel():
        raise AudioError("The sound has no samples: there is nothing to convert.")
    line = found.detach().float() if found.ndim == 1 else found.detach().float().mean(dim=0)
    highest, lowest = float(line.max()), float(line.min())
    if not -LOUDEST <= lowest <= highest <= LOUDEST:  # also false where a sample is not a number
        wrong = ~(line.abs() <= LOUDEST)
        place = int(wrong.int().argmax())
        raise AudioError(f"Sample {place} is {float(line[place]):g}, where full scale is 1: the sound is damaged.")
    return line.cpu()


def _tensor(array: NDArray[np.generic]) -> Tensor:
    if array.dtype.kind not in "iuf":
        raise AudioError(f"Samples of type {array.dtype} are no sound: give floats from -1 to 1.")
    return torch.from_numpy(array.astype(np.float32) if array.dtype.kind == "f" else array.astype(np.int64))


def at_rate(wave: Tensor, rate: int, to_rate: int, samples: int) -> Tensor:
    """A wave (samples,) at another rate, its end cut or filled with zeros to exactly so many samples."""
    moved = resample(wave, rate, to_rate) if len(wave) else wave
    missing = samples - moved.shape[-1]
    return moved[:samples] if missing <= 0 else torch.cat([moved, moved.new_zeros(missing)])
