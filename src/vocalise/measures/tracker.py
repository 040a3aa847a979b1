"""The pitch tracker that scores: probabilistic YIN (Mauch & Dixon, 2014; de Cheveigné & Kawahara, 2002), of our own.

wave ──16 kHz, `low` to 4 kHz──▶ frames ──difference function──▶ dips, each with a probability ──Viterbi──▶ contour

It shares nothing with WORLD's Harvest, which conditions models (`audio.pitch`), so that the mistakes of the one are not
the truth of the other. Of the published method it keeps the difference function, the weighted thresholds and the hidden
states; what it decides otherwise is said where it is done.
"""

import math

import numpy as np
import torch
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.loudness import frame_levels
from vocalise.audio.pitch import Contour
from vocalise.audio.resampling import resample

_RATE = 16_000
_MILLISECOND = _RATE // 1000
_BAND = 8_000  # Hz, the rate that keeps what lies below 4 kHz: periods show there, above it is mostly breath
_HIGHEST = _RATE / 12  # as high as Harvest goes, 1333 Hz
_PERIODS = 2.1  # of the lowest pitch that fit into a frame
_THRESHOLDS = 24  # b in the Beta(2, b) by which thresholds are weighed: their mean is 2 / (2 + b), 0.077
_RESORT = 0.01  # probability of taking the deepest dip where none is below the threshold (Mauch & Dixon's p_a)
_LASTING = 0.006  # seconds: how far apart periods must still be alike for a voice
_UNVOICED, _VOICED = 0.1, 0.7  # that likeness: from which on a voice is thinkable, and certain; in between 0 to 1
_CHANCE = 0.2  # likeness of rumbling noise by chance where just one period is compared with the next; n periods: 1 / n
_FAINT = -60.0  # dB below the loudest moment: nothing down there is voiced
_BIN = 20.0  # cents, of the hidden states
_FASTEST = 16_000.0  # cents a second that a pitch may move: an octave in 75 ms
_SWITCH = 0.2  # a second: how often voice is expected to come and go, as a probability
_NEVER = 1e-7
_STRETCH, _CONTEXT = 4000, 100  # frames decoded at a time, and heard on either side: what Viterbi can still be told
_TAPS = np.arange(-7, 9)  # lags on either side from which a likeness between lags is interpolated

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


def track_pitch(wave: Tensor, rate: int, *, hop: float = 0.010, low: float = 60.0, high: float = 1100.0) -> Contour:
    """Tracks the pitch of a wave (samples,): floor(samples / (rate * hop)) + 1 frames, frame k at k * `hop` seconds.

    Near the ends the frames hear what there is, so that a note that is cut off has a pitch to the end.

    Args:
        wave: (samples,); silence, noise and what is shorter than a few periods are unvoiced.
        rate: Hz.
        hop: seconds between frames.
        low: Hz, 40 or more; below it nothing is heard (hum, rumble).
        high: Hz, 1333 or less.

    Raises:
        ValueError: bounds out of range, or a wave that is not finite.
    """
    if not 40.0 <= low < high <= _HIGHEST or hop <= 0.0:
        raise ValueError(
            f"Pitch is tracked from 40 to {_HIGHEST:.0f} Hz at a positive hop, not {low} to {high} Hz at {hop} s."
        )
    if not torch.isfinite(wave).all():
        raise ValueError("Pitch cannot be tracked: the wave holds samples that are not finite.")
    frames = math.floor(wave.shape[-1] / rate / hop + 1e-9) + 1
    pitch = np.zeros(frames)
    heard, loud = _heard(wave.detach().cpu(), rate, low)
    if heard.any():
        centres = np.rint(np.arange(frames) * hop * _RATE).astype(np.intp)
        loud = loud[(centres // _MILLISECOND).clip(max=len(loud) - 1)]
        for first in range(0, frames, _STRETCH):
            start, stop = max(0, first - _CONTEXT), min(frames, first + _STRETCH + _CONTEXT)
            part = _tracked(heard, centres[start:stop], loud[start:stop], hop=hop, bounds=(low, high))
            pitch[first : first + _STRETCH] = part[first - start : first - start + _STRETCH]
    found = torch.from_numpy(pitch).float()
    return Contour(found, (found > 0.0).float(), hop)


def _heard(wave: Tensor, rate: int, low: float) -> tuple[Array, NDArray[np.bool_]]:
    """The wave at 16 kHz between `low` and 4 kHz, and each millisecond whether that is loud enough to be voiced."""
    wave = wave.double() - (wave.double().mean() if wave.numel() else 0.0)
    wave = wave / wave.abs().max().clamp(min=1e-30) if wave.numel() else wave
    full = F.pad(resample(wave.float(), rate, _RATE), (0, _RATE // 10))
    below = round(1.9 * low)  # Hz, the rate whose resampling keeps just what lies below `low`
    rumble = resample(resample(full, _RATE, below), below, _RATE)
    heard = resample(resample(full, _RATE, _BAND), _BAND, _RATE)
    samples = min(len(full) - _RATE // 10, len(rumble), len(heard))
    heard = heard[:samples] - rumble[:samples]
    levels, whole = (
        frame_levels(part, window=_RATE // 40, hop=_MILLISECOND, floor=-200.0) for part in (heard, full[:samples])
    )
    return heard.double().numpy(), (levels >= whole.max() + _FAINT).numpy()


def _tracked(
    heard: Array, centres: Indices, loud: NDArray[np.bool_], *, hop: float, bounds: tuple[float, float]
) -> Array:
    """Hz of the frames round these samples, 0 where unvoiced."""
    low, high = bounds
    size = round(_PERIODS * _RATE / low)
    padded = np.pad(heard, (0, max(0, size - len(heard))))
    starts = (centres - size // 2).clip(0, len(padded) - size)
    difference, likeness = _compare(sliding_window_view(padded, size)[starts], math.ceil(_RATE / low) + len(_TAPS))
    frame, lag, share = _dips(difference, max(2, math.floor(_RATE / high) - 1), math.ceil(_RATE / low) + 1)
    chance = _CHANCE * lag / (size - lag)
    certain = (_lasting(likeness, frame, lag) - chance - _UNVOICED) / (_VOICED - _UNVOICED)
    bins = math.ceil(1200.0 * math.log2(high / low) / _BIN)
    place = np.floor(1200.0 * np.log2(_RATE / lag / low) / _BIN).astype(np.intp)
    within = (place >= 0) & (place < bins) & loud[frame]
    voiced = np.zeros((len(centres), bins))
    np.add.at(voiced, (frame[within], place[within]), (share * certain.clip(0.0, 1.0))[within])
    state = _path(voiced, reach=max(1, round(_FASTEST * hop / _BIN)), switch=min(0.5, _SWITCH * hop))
    pitch = np.zeros(len(centres))
    sung = np.flatnonzero((state >= 0) & loud)
    rough = _RATE / (low * 2.0 ** ((state[sung] + 0.5) * _BIN / 1200.0))
    pitch[sung] = (_RATE / _refined(likeness[sung], rough)).clip(low, high)
    return pitch


def _compare(frames: Array, longest: int) -> tuple[Array, Array]:
    """How unlike and how like a frame (frames, size) is to itself, shifted by each lag: two of (frames, longest + 1).

    Both come from the difference function over what overlaps, d(τ) = Σ_j (x[j] - x[j + τ])² / (size - τ), which is
    centred on the frame for every lag. The first is d'(τ) = d(τ) τ / Σ_{1…τ} d, one on average (de Cheveigné &
    Kawahara, 2002, equation 8); the second is the normalised correlation, in [-1, 1].
    """
    size, lags = frames.shape[1], np.arange(longest + 1)
    frames = frames - frames.mean(axis=1, keepdims=True)  # changes no difference, and keeps the rounding small
    room = 1 << (size + longest - 1).bit_length()
    spectrum = np.fft.rfft(frames, room)
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, room)[:, : longest + 1]
    energy = np.pad(np.cumsum(frames**2, axis=1), ((0, 0), (1, 0)))
    overlapping = energy[:, size - lags] + energy[:, -1:] - energy[:, lags]
    difference = np.maximum(overlapping - 2.0 * correlation, 0.0) / (size - lags)
    summed = np.maximum(np.cumsum(difference[:, 1:], axis=1), 1e-30)
    normalised = np.ones_like(difference)
    normalised[:, 1:] = difference[:, 1:] * lags[1:] / summed
    return normalised, 2.0 * correlation / np.maximum(overlapping, 1e-30)


def _dips(difference: Array, first: int, last: int) -> tuple[Indices, Array, Array]:
    """Dips between these lags that may be the period: frame, interpolated lag, and share of the frame's probability.

    A threshold s takes the first dip below it; over all s, weighed by Beta(2, b), a dip is therefore taken with
    probability B(lowest dip before it) - B(itself) where that is positive, B(s) = 1 - (1 - s)^b (1 + b s) being the
    cumulative weight. So no threshold need be tried. The deepest dip also gets p_a of the thresholds below it.
    """
    middle, left, right = (difference[:, first + n : last + 1 + n] for n in (0, -1, 1))
    dip = (middle < left) & (middle <= right)
    offset = np.where(dip, (left - right) / (2.0 * np.maximum(left - 2.0 * middle + right, 1e-12)), 0.0)
    depth = np.where(dip, (middle - (left - right) * offset / 4.0).clip(0.0, 1.0), 1.0)
    lowest = np.minimum.accumulate(depth, axis=1)
    before = np.pad(lowest[:, :-1], ((0, 0), (1, 0)), constant_values=1.0)
    probability = _weight(before) - _weight(lowest)
    rows, deepest = np.arange(len(depth)), depth.argmin(axis=1)
    probability[rows, deepest] += _RESORT * _weight(depth[rows, deepest]) * dip[rows, deepest]
    frame, column = np.nonzero(probability > 1e-6)
    lag = np.asarray(first + column + offset[frame, column], np.float64)
    share: Array = probability[frame, column] / np.maximum(probability.sum(axis=1), 1e-6)[frame]
    return frame, lag, share


def _weight(threshold: Array) -> Array:
    weight: Array = 1.0 - (1.0 - threshold) ** _THRESHOLDS * (1.0 + _THRESHOLDS * threshold)
    return weight


def _lasting(likeness: Array, frame: Indices, lag: Array) -> Array:
    """How like the sound still is after as many whole periods as last 6 ms, for each dip.

    A resonance rung by noise (a whisper) repeats itself once or twice, too, and the next frame's dip lies near; but it
    is forgotten after a few milliseconds, where a voice goes on. The published method decides on one period, against an
    unvoiced probability that is divided among the pitches, and takes a fifth of a whisper for a voice.
    """
    periods = np.maximum(1.0, np.ceil(_LASTING * _RATE / lag - 1e-9))
    about = np.arange(-6, 7)
    near = np.abs(about) <= np.maximum(1.0, np.rint(0.02 * lag))[:, None]
    places = np.rint(periods * lag).astype(np.intp)[:, None] + about
    values = likeness[frame[:, None], places.clip(1, likeness.shape[1] - 1)]
    alike: Array = np.where(near, values, -1.0).max(axis=1)
    return alike


def _path(voiced: Array, *, reach: int, switch: float) -> NDArray[np.intp]:
    """The likeliest way through the pitches, from probabilities (frames, bins): a bin a frame, -1 where unvoiced.

    There is a voiced and an unvoiced state for each bin, which keeps in mind where the voice was. What remains of a
    frame's probability is that of every unvoiced state, so that a frame on its own is voiced from 1/2 on. From bin to
    bin the probability falls as a triangle to nothing beyond `reach`.
    """
    frames, bins = voiced.shape
    slope = 1.0 - np.abs(np.arange(-reach, reach + 1)) / (reach + 1.0)
    seen = np.stack([voiced, np.repeat(1.0 - voiced.sum(axis=1, keepdims=True).clip(0.0, 1.0), bins, 1)], axis=1)
    seen = np.maximum(seen, _NEVER).astype(np.float32)
    best = np.empty_like(seen)
    last = np.zeros((2, bins + 2 * reach), np.float32)
    shifted = as_strided(last, (2 * reach + 1, 2, bins), (last.strides[1], *last.strides))
    triangle = np.broadcast_to(slope.astype(np.float32)[:, None, None], shifted.shape).copy()
    moved = np.empty_like(triangle)
    best[0] = seen[0]
    for n in range(1, frames):
        last[:, reach:-reach] = best[n - 1]
        np.multiply(shifted, triangle, out=moved)
        come = moved.max(axis=0)
        come = np.maximum((1.0 - switch) * come, switch * come[::-1]) * seen[n]
        best[n] = come / come.max()
    path = np.empty(frames, np.intp)
    state, place = np.unravel_index(best[-1].argmax(), best[-1].shape)
    for n in range(frames - 1, -1, -1):
        path[n] = place if state == 0 else -1
        if n:
            left, right = max(0, place - reach), min(bins, place + reach + 1)
            came = best[n - 1, :, left:right] * slope[reach + left - place : reach + right - place]
            came[1 - state] *= switch / (1.0 - switch)
            state, step = np.unravel_index(came.argmax(), came.shape)
            place = left + step
    return path


def _refined(likeness: Array, rough: Array) -> Array:
    """Lags (frames,) of the greatest likeness within 40 cents of rough ones, where there is one in between.

    The likeness between lags is interpolated by a windowed sinc: it has no more bandwidth than the wave.
    """
    steps = np.linspace(-40.0, 40.0, 17)  # cents
    lags = rough[:, None] * 2.0 ** (steps / 1200.0)
    below = np.floor(lags).astype(np.intp)
    distance = _TAPS - (lags - below)[..., None]
    kernel = np.sinc(distance) * np.cos(np.pi * distance / (len(_TAPS) + 1)) ** 2
    places = np.abs(below[..., None] + _TAPS).clip(max=likeness.shape[1] - 1)  # the likeness is even in the lag
    values = likeness[np.arange(len(rough))[:, None, None], places]
    curve = (values * kernel).sum(axis=-1) / kernel.sum(axis=-1)
    rows, top = np.arange(len(curve)), 1 + curve[:, 1:-1].argmax(axis=1)
    left, middle, right = (curve[rows, top + n] for n in (-1, 0, 1))
    inside = (middle >= left) & (middle >= right)
    offset = (right - left) / (2.0 * np.maximum(2.0 * middle - left - right, 1e-20))
    cents = steps[0] + (top + offset.clip(-1.0, 1.0)) * (steps[1] - steps[0])
    refined: Array = np.where(inside, rough * 2.0 ** (cents / 1200.0), rough)
    return refined
