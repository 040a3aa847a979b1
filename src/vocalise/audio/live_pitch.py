"""A pitch tracker that hears 10 ms of future: normalised correlation (Boersma, 1993), its path found as it goes.

blocks ──below 3.5 kHz──▶ 28 ms round each column ──likeness at each lag──▶ candidates ──path, forward only──▶ pitch

Harvest and probabilistic YIN look at whole phrases. Here a column's frame reaches 14 ms beyond its centre, which is
just what has come in when the next column is complete: an encoder that hears one column ahead need not wait for pitch.
The correlation is taken over what overlaps and divided by its energy, so that every lag is centred on the column and a
bass at 70 Hz still fits. Octaves are kept by the path: a jump costs more than a moment's stronger candidate gains.
"""

import math

import numpy as np
from numpy.typing import NDArray

AHEAD = 1  # columns beyond one that must have come in before its pitch is known
LOWEST, HIGHEST = 62.0, 1100.0  # Hz
_FINE = 12_000  # Hz: enough samples a second for the lag of a high note to be found between them
_CUTOFF = 3500.0  # Hz; above it, breath is as loud as tone
_DELAY = 0.001  # seconds by which the filter is late: half its length
_LONGEST = 0.6  # of a frame: a longer lag would leave too little to be compared
_CANDIDATES = 6
_VOICED = 0.46  # likeness from which on a column is voiced; the conditioning tracker says 0.4 over longer stretches
_OCTAVE = 0.03  # likeness that an octave down must gain, since every lag's double is alike as well
_JUMP = 0.35  # likeness that is paid for a jump of an octave, and in proportion (Boersma, 1993, section 4)
_SWITCH = 0.12  # likeness that is paid where voice comes or goes
_ALIKE, _HERE = 0.4, 0.010  # correlation of neighbouring periods that is needed at the centre, over at least 10 ms
_VOICE_LASTS = 0.006  # seconds for which a voice must stay like itself; a whistling breath does not
_ABOUT = np.arange(-4, 5)  # samples round a multiple of a lag that are looked at, at most
_DISTANCE = np.abs(_ABOUT)
_LASTING = 0.008  # seconds: how many periods are measured together for a fine pitch
_FAINT = -50.0  # dB below the loudest moment: nothing there is voiced
_FADES = 0.02  # dB a column by which that moment is forgotten
_SILENT = -70.0  # dBFS, below which nothing is voiced at all
_WEAKEST = 0.2  # likeness of a peak that is looked at

Array = NDArray[np.float64]
Line = NDArray[np.float32]
_NOTHING: Array = np.zeros(0)
_NOTHING.flags.writeable = False


class LivePitch:
    """Tracks pitch as the sound comes in, a column each `hop` samples, taken at the column's centre; `AHEAD` late."""

    def __init__(self, rate: int, *, hop: int, low: float = LOWEST, high: float = HIGHEST) -> None:
        """Begins with silence.

        Args:
            rate: Hz, of the sound.
            hop: samples of a column; a hundredth of a second is what the frame is made for.
            low: Hz, whose period is no longer than 0.6 of a frame.
            high: Hz.

        Raises:
            ValueError: bounds that a frame of three columns cannot hold.
        """
        divisors = [n for n in range(1, hop + 1) if hop % n == 0 and (rate / n >= _FINE or n == 1)]
        self._every = max(divisors)
        self._rate = rate / self._every
        self._step = hop // self._every
        late = round(_DELAY * self._rate)
        self._half = 3 * self._step // 2 - late
        lowest, highest = self._rate / (_LONGEST * 2 * self._half), self._rate / 8
        if not lowest <= low < high <= highest:
            raise ValueError(
                f"With columns of {hop} samples at {rate} Hz, pitch is tracked from {lowest:.0f} to {highest:.0f} Hz, "
                f"not {low:g} to {high:g} Hz."
            )
        self._lags = (math.floor(self._rate / high), math.ceil(self._rate / low))
        self._filter = _lowpass(late * self._every, min(0.45, _CUTOFF / rate))
        self._longest = self._lags[1] + 3
        self._room = _transform(2 * self._half + self._longest)
        self._hop = hop
        self._raw = np.zeros(len(self._filter) - 1)
        self._heard = np.zeros(self._half - self._step // 2 - late)
        self._path = _Path()
        self._owed = 0

    @property
    def choices(self) -> tuple[list[int], float, list[float], list[float]]:
        """Sizes in samples, rate in Hz, marks and filter, in the order in which the compiled twin takes them."""
        sizes = [self._every, self._step, self._half, *self._lags, self._hop]
        lengths = [float(round(_HERE * self._rate)), _VOICE_LASTS * self._rate, _LASTING * self._rate]
        marks = [_OCTAVE, _JUMP, _SWITCH, _VOICED, _WEAKEST, _FADES, _FAINT, _SILENT, _ALIKE, *lengths]
        return sizes, self._rate, marks, self._filter.tolist()

    def push(self, wave: Line) -> tuple[Line, Line]:
        """(n · hop,) more samples -> pitch in Hz (0 where unvoiced) and voicing of the columns known by now."""
        block = wave.astype(np.float64)
        if len(block) % self._hop:
            raise ValueError(f"Pitch is tracked in blocks of {self._hop} samples, not {len(block)}.")
        self._owed += len(block) // self._hop
        if len(block):
            raw = np.concatenate([self._raw, block])
            self._raw = raw[len(block) :]
            fresh = np.convolve(raw, self._filter, "valid")[:: self._every]
            self._heard = np.concatenate([self._heard, fresh])
        found, place, size = [], 0, 2 * self._half
        while place + size <= len(self._heard):
            found.append(self._tracked(self._heard[place : place + size]))
            place += self._step
        self._heard = self._heard[place:]
        self._owed -= len(found)
        pitch = np.array(found, np.float32)
        return pitch, (pitch > 0.0).astype(np.float32)

    def finish(self) -> tuple[Line, Line]:
        """The last `AHEAD` columns, as if silence followed."""
        owed = self._owed
        pitch, voicing = self.push(np.zeros(AHEAD * self._hop, np.float32))
        return pitch[:owed], voicing[:owed]

    def _tracked(self, frame: Array) -> float:
        """Hz of one column, 0 where it is unvoiced."""
        frame = frame - frame.sum() / len(frame)
        likeness, level = self._likeness(frame)
        if not self._path.hears(level):
            self._path.step(_NOTHING, _NOTHING)
            return 0.0
        lags, strengths = _candidates(likeness, *self._lags, _VOICE_LASTS * self._rate)
        lag = self._path.step(lags, strengths)
        if lag <= 0.0 or _here(frame, lag, round(_HERE * self._rate)) < _ALIKE:
            return 0.0
        return self._rate / _refined(likeness, lag, _LASTING * self._rate)

    def _likeness(self, frame: Array) -> tuple[Array, float]:
        """How like a frame (size,) is to itself at each lag, (lags,) in [-1, 1]; and its level in dBFS.

        r(τ) = 2 Σ x[j] x[j + τ] / Σ (x[j]² + x[j + τ]²), over the size - τ pairs that there are.
        """
        spectrum = np.fft.rfft(frame, self._room)
        correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, self._room)[: self._longest]
        energy = np.cumsum(frame**2)
        whole = float(energy[-1])
        overlapping = energy[::-1][: self._longest] + whole
        overlapping[1:] -= energy[: self._longest - 1]
        level = 10.0 * math.log10(whole / len(frame) + 1e-20)
        return 2.0 * correlation / np.maximum(overlapping, 1e-4 * whole + 1e-20), level


class _Path:
    """The likeliest pitch now, in the light of what was: the forward half of a Viterbi search."""

    def __init__(self) -> None:
        self._logs = self._scores = _NOTHING
        self._silent = 0.0  # the score of no voice
        self._loudest = _SILENT

    def hears(self, level: float) -> bool:
        """Whether a frame of so many dBFS is loud enough, after what was."""
        self._loudest = max(self._loudest - _FADES, level)
        return level >= max(_SILENT, self._loudest + _FAINT)

    def step(self, lags: Array, strengths: Array) -> float:
        """The lag that is taken among candidates (candidates,), or 0 for no voice."""
        before = float(self._scores.max()) if len(self._scores) else -math.inf
        silent = max(before - _SWITCH, self._silent) + _VOICED
        logs, best, lag = np.log2(lags), silent, 0.0
        scores = np.full(len(lags), self._silent - _SWITCH)
        if len(self._scores) and len(lags):
            come = self._scores - _JUMP * np.abs(logs[:, None] - self._logs)
            scores = np.maximum(scores, come.max(axis=1))
        scores += strengths
        if len(lags) and scores.max() > silent:
            place = int(scores.argmax())
            best, lag = float(scores[place]), float(lags[place])
        self._logs, self._scores, self._silent = logs, scores - best, silent - best
        return lag


def _transform(least: int) -> int:
    """A length of at least so many samples whose transform is quick: no factor but 2, 3 and 5."""
    length = least
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1


def _lowpass(late: int, cutoff: float) -> Array:
    """A filter of 2 · late + 1 taps that is `late` samples late; `cutoff` in cycles a sample."""
    places = np.arange(-late, late + 1)
    taps = np.sinc(2.0 * cutoff * places) * np.hanning(2 * late + 3)[1:-1]
    normalised: Array = taps / taps.sum()
    return normalised


def _candidates(likeness: Array, first: int, last: int, lasting: float) -> tuple[Array, Array]:
    """The best peaks of likeness (lags,) between two lags: their lags (candidates,) and strengths."""
    middle = likeness[first : last + 1]
    rising = np.diff(likeness[first - 1 : last + 2]) > 0.0
    peaks = np.flatnonzero(rising[:-1] & ~rising[1:] & (middle > _WEAKEST))
    if not len(peaks):
        return _NOTHING, _NOTHING
    left, middle, right = (likeness[peaks + first + n] for n in (-1, 0, 1))
    offset = 0.5 * (left - right) / np.minimum(left - 2.0 * middle + right, -1e-12)
    lags = peaks + first + offset
    height = np.minimum(middle - 0.25 * (left - right) * offset, 1.0)
    strengths = height - _OCTAVE * np.log2(lags / first)
    if len(lags) > _CANDIDATES:
        best = np.argpartition(strengths, -_CANDIDATES)[-_CANDIDATES:]
        lags, strengths = lags[best], strengths[best]
    return lags, 0.5 * (strengths + np.minimum(strengths, _lasting(likeness, lags, lasting)))


def _lasting(likeness: Array, lags: Array, least: float) -> Array:
    """Likeness after as many whole periods as `least` samples hold, for lags (candidates,).

    Breath that rings in a resonance repeats itself once or twice, and is forgotten where a voice goes on.
    """
    periods = np.maximum(1.0, np.ceil(least / lags - 1e-9))
    near = np.maximum(1.0, np.rint(0.02 * lags))[:, None]
    places = np.rint(periods * lags).astype(np.intp)[:, None] + _ABOUT
    there = likeness[np.minimum(places, len(likeness) - 1)]
    alike: Array = np.where(near >= _DISTANCE, there, -1.0).max(axis=1)
    return alike


def _here(frame: Array, lag: float, shortest: int) -> float:
    """Likeness of the periods on either side of a frame's centre: over two periods, or `shortest` samples if longer.

    The frame of a short consonant reaches into the vowels round it, which are alike.
    """
    size = min(max(round(2.0 * lag), shortest), len(frame) - math.ceil(lag) - 1)
    alike = -1.0
    for period in (math.floor(lag), math.ceil(lag)):
        start = (len(frame) - size - period) // 2
        before, after = frame[start : start + size], frame[start + period : start + period + size]
        first, second = float(before.sum()), float(after.sum())  # their means are taken out below
        shared = float(before @ after) - first * second / size
        powers = (float(before @ before) - first**2 / size) * (float(after @ after) - second**2 / size)
        alike = max(alike, shared / math.sqrt(max(powers, 0.0) + 1e-20))
    return alike


def _refined(likeness: Array, lag: float, longest: float) -> float:
    """A lag measured over as many periods as fit into `longest`, found by doubling their number."""
    periods = 1
    while 2 * periods * lag <= longest and 2 * periods * lag + 2 < len(likeness):
        place = round(2 * periods * lag)
        place += int(likeness[place - 1 : place + 2].argmax()) - 1
        left, middle, right = likeness[place - 1 : place + 2] if place + 2 <= len(likeness) else (1.0, 0.0, 1.0)
        bend = left - 2.0 * middle + right
        if bend >= 0.0 or not left <= middle >= right:
            break
        periods *= 2
        lag = float(place + 0.5 * (left - right) / bend) / periods
    return lag
