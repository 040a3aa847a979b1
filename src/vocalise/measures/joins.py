"""Whether the pieces of a conversion hang together: clicks at joins, noise between phrases, holes, and length.

wave ──linear prediction, 32 ms──▶ what no vocal tract explains ──against 25 ms on either side──▶ times of clicks

A silent or an empty wave has no clicks, and what nothing defines about it is NaN, never an exception.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from torch import Tensor

from vocalise.audio.loudness import LAST_BIT, frame_levels
from vocalise.audio.resampling import resample

RATE = 16_000  # Hz; faster sampled sound is brought to it before clicks are looked for

_WINDOW, _STEP = 0.032, 0.008  # seconds: of the predictor
_NEAR, _FAR = 0.0015, 0.025  # seconds: the neighbourhood that a click must stand out of
_STANDS_OUT = 2.0  # times the greatest residual of that neighbourhood
_OF_LOUD = 0.10  # of the amplitude of the loud moments: fainter clicks are not counted …
_OF_AROUND = 0.10  # … nor what is fainter than so much of the loudest moment within a tenth of a second
_AROUND = 0.10  # seconds
_LEVEL = 0.030  # seconds over which a moment's amplitude is taken
_EDGE = 0.010  # seconds at either end: an excerpt may begin and end in the middle of a note
_BLOCK = 2000  # frames that are predicted at a time

_FRAME, _EVERY = 0.050, 0.010  # seconds: window and step of the levels
_EXTREMES = 0.05  # of the frames are the quietest, and as many the loudest
_SOUNDING = 25.0  # dB below the loudest 5 %: nearer than this the source sings
_HOLE = 40.0  # dB below what it should be, a frame is silent
_GAIN = 20.0  # dB that a conversion may be softer or louder as a whole
_SLACK = 5  # frames on either side: 50 ms of haste or delay are no holes

_Wave = NDArray[np.float64]


def clicks(wave: Tensor, rate: int) -> Tensor:
    """Times in seconds of jumps that no voice makes: (clicks,) float64, in order.

    A voice is predicted by its vocal tract (order 20 at 16 kHz) but for its glottal pulses, which resemble their
    neighbours, and its noises, which last. A click is a moment that prediction misses by more than twice as much as
    anything between 1.5 and 25 ms before or after it, and that can be heard: by 10 % of the loud moments' amplitude
    (that of the frames' 95 %) and 10 % of the loudest moment's within 0.1 s (after Vaseghi & Rayner, 1990, who compare
    with the mean residual, which in a voice makes clicks of glottal pulses).

    Not found are jumps smaller than the voice's own pulses, and all of several that follow each other within 25 ms, as
    a buzz has them. Found, and genuine, are the mouth's own clicks and single pulses of a creaking voice in a pause.

    Args:
        wave: (samples,).
        rate: Hz; above 16 kHz the wave is brought to that rate first.
    """
    if rate > RATE:
        wave, rate = resample(wave.detach().cpu(), rate, RATE), RATE
    sound = wave.detach().double().cpu().numpy()
    edge, far = round(_EDGE * rate), round(_FAR * rate)
    if len(sound) <= 2 * max(edge, far) or not sound.any():
        return torch.zeros(0, dtype=torch.float64)
    missed = np.abs(_residual(sound, rate))
    amplitude: _Wave = np.sqrt(np.maximum(uniform_filter1d(sound**2, round(_LEVEL * rate)), 0.0))
    audible = np.maximum(
        _OF_LOUD * np.quantile(amplitude, 0.95), _OF_AROUND * maximum_filter1d(amplitude, 2 * round(_AROUND * rate) + 1)
    )
    near = round(_NEAR * rate)
    top = missed >= maximum_filter1d(missed, 2 * near + 1)
    found = top & (missed > audible) & (missed > _STANDS_OUT * _beside(missed, near, far))
    found[:edge] = found[-edge:] = False
    return torch.from_numpy(np.flatnonzero(found) / rate)


def noise_floor(wave: Tensor, rate: int) -> float:
    """How far the quietest 5 % of the frames (50 ms every 10 ms) lie below the loudest 5 %, in dB: 0 or less.

    Mean powers are compared, and no frame counts as quieter than -100 dBFS, which is what digital silence reads.
    """
    levels, _ = torch.sort(_levels(wave, rate))
    if float(levels[-1]) <= LAST_BIT:
        return math.nan
    count = max(1, round(_EXTREMES * len(levels)))
    return _mean_level(levels[:count]) - _mean_level(levels[-count:])


def silent_share(source: Tensor, converted: Tensor, rate: int) -> float:
    """Share of the time in which the source sings and the conversion is silent.

    The source sings where it is within 25 dB of its loudest 5 % of frames. The conversion is silent where it is more
    than 40 dB below what it should be, the source's level moved by what the two differ as a whole (20 dB at most), or
    below -90 dBFS. Its loudest moment within 50 ms before and after counts, and where it has ended, it is silent.
    """
    sung, heard = _levels(source, rate), _levels(converted, rate)
    loud, gain = (_mean_level(torch.sort(x)[0][-max(1, round(_EXTREMES * len(x))) :]) for x in (sung, heard))
    sings = (sung > LAST_BIT) & (sung > loud - _SOUNDING)
    if not sings.any():
        return math.nan
    answer = torch.full_like(sung, -math.inf)
    frames = min(len(sung), len(heard))
    answer[:frames] = torch.from_numpy(maximum_filter1d(heard.numpy(), 2 * _SLACK + 1))[:frames]
    wanted = sung + max(-_GAIN, min(_GAIN, gain - loud))
    silent = (answer < wanted - _HOLE) | (answer < LAST_BIT)
    return float(silent[sings].double().mean())


def length_error(source: Tensor, converted: Tensor, rate: int) -> float:
    """Seconds by which a conversion is longer or shorter than its source."""
    return abs(converted.shape[-1] - source.shape[-1]) / rate


def _levels(wave: Tensor, rate: int) -> Tensor:
    """dBFS (frames,), at least -100."""
    return frame_levels(
        wave.detach().cpu(), window=max(1, round(_FRAME * rate)), hop=max(1, round(_EVERY * rate))
    ).double()


def _mean_level(levels: Tensor) -> float:
    """The level of the mean power."""
    return float(10.0 * torch.log10((10.0 ** (levels / 10.0)).mean()))


def _beside(values: _Wave, near: int, far: int) -> _Wave:
    """The greatest of the values between `near` and `far` samples before or after each."""
    reach = (far - near) // 2
    padded = np.pad(maximum_filter1d(values, 2 * reach + 1, mode="constant"), near + reach)
    beside: _Wave = np.maximum(padded[: len(values)], padded[-len(values) :])
    return beside


def _residual(sound: _Wave, rate: int) -> _Wave:
    """What linear prediction leaves of each sample, the predictor of the 32 ms around it: as long as the sound."""
    order, window, step = rate // 1000 + 4, round(_WINDOW * rate), round(_STEP * rate)
    frames = -(-len(sound) // step)
    before = (window - step) // 2  # a frame's predictor is used in the middle of its window
    padded = np.pad(sound, (before, frames * step - len(sound) + window))
    shape = np.hanning(window + 1)[:-1]
    residual = np.empty(frames * step)
    for first in range(0, frames, _BLOCK):
        count = min(_BLOCK, frames - first)
        piece = padded[first * step :][: (count - 1) * step + window]
        predictor = _predictors(np.lib.stride_tricks.sliding_window_view(piece, window)[::step] * shape, order)
        around = np.lib.stride_tricks.sliding_window_view(piece[before - order :], step + order)[::step][:count]
        left = sum(predictor[:, k, None] * around[:, order - k : order - k + step] for k in range(order + 1))
        residual[first * step : (first + count) * step] = np.asarray(left).reshape(-1)
    return residual[: len(sound)]


def _predictors(frames: _Wave, order: int) -> _Wave:
    """Levinson and Durbin's recursion over all rows at once: windowed (frames, window) -> (frames, order + 1), 1 first.

    The rounding of 16 bits is added to the energy, so that silence has a predictor too.
    """
    window = frames.shape[1]
    power = np.abs(np.fft.rfft(frames, 2 * window)) ** 2
    alike = np.fft.irfft(power)[:, : order + 1]
    alike[:, 0] = alike[:, 0] * (1.0 + 1e-9) + window * 2.0**-30 / 12.0
    predictor = np.zeros((len(frames), order + 1))
    predictor[:, 0], missed = 1.0, alike[:, 0].copy()
    for n in range(1, order + 1):
        reflection = -(predictor[:, :n] * alike[:, n:0:-1]).sum(axis=1) / missed
        predictor[:, 1 : n + 1] += reflection[:, None] * predictor[:, n - 1 :: -1][:, :n]
        missed *= 1.0 - reflection**2
    return predictor
