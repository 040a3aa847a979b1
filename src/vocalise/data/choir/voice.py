"""The instrument: gestures become sound. Voice is a sum of harmonics, each shaped by the tract; noise is filtered by
overlap and add. No recursion over samples, so that numpy is fast, and no harmonic above the Nyquist rate.

    pitch ─▶ phase ─▶ harmonics × glottis × tract ─▶ +  ─▶ wave
    white noise ─▶ × (breath × tract + hisses)    ─▶ ┘
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from vocalise.data.choir.gestures import Gestures
from vocalise.data.choir.glottis import Glottis
from vocalise.data.choir.phonemes import Array
from vocalise.data.choir.singers import Singer
from vocalise.data.choir.tract import Floats, Tract, hiss_colour, rumble_free, rustle

BLOCK = 64  # frames rendered at a time: small enough for the cache
NOISE_BLOCK = 512
LOWEST = 60.0  # Hz: sets how many harmonics the table holds
EVENNESS = 0.35  # share of the difference in level between vowels (in dB) that a singer makes up for
PUFF = 0.6  # how deeply the breath noise is modulated by the glottis


@dataclass(frozen=True)
class Clock:
    """Frames against samples: `step` samples a frame, `frames` of them, for a wave of `samples`."""

    rate: int
    step: int
    frames: int
    samples: int


class Voice:
    """One singer's instrument at one rate."""

    def __init__(self, singer: Singer, rate: int) -> None:
        self.singer, self.rate = singer, rate
        self.nyquist = 0.97 * rate / 2
        self.tract = Tract(singer)
        self.glottis = Glottis.build(int(self.nyquist / LOWEST))
        self._voice_scale = self._measure_voice()
        self._breath_scale = self._measure_breath()

    def sing(self, gestures: Gestures, clock: Clock, rng: np.random.Generator) -> Floats:
        """Renders the whole wave, (samples,); a medium vowel has an RMS of about one."""
        cycles = self._cycles(gestures.pitch, clock, rng)
        voice = gestures.voice * 10 ** (self.singer.shimmer * rng.standard_normal(clock.frames) / 20)
        angle = (2 * np.pi * cycles).astype(np.float32)
        turn = (np.cos(angle) + 1j * np.sin(angle)).astype(np.complex64)
        wave = self._harmonics(gestures, voice, turn, clock)
        noise = self._noise(gestures, clock, rng)
        folds = np.interp(np.arange(clock.samples) / clock.step, np.arange(clock.frames), np.minimum(gestures.voice, 1))
        return np.asarray(wave + noise * (1 + PUFF * folds * turn.real[: clock.samples]), dtype=np.float32)

    def _cycles(self, pitch: Array, clock: Clock, rng: np.random.Generator) -> Array:
        """Phase of the voice in cycles, (samples of all whole frames,): the integral of the pitch, and jitter."""
        ramp = np.arange(clock.step) / clock.step
        hertz = (pitch[:-1, None] + np.diff(pitch)[:, None] * ramp).ravel()
        cycles = np.concatenate([[0.0], np.cumsum(hertz[:-1])]) / clock.rate
        # Jitter moves each closure a little but adds up to nothing: neighbouring periods differ by jitter on average
        # where both their ends move by sigma = jitter / 1.95 of a period (differences of three normal numbers).
        wobble = self.singer.jitter / 1.95 * rng.standard_normal(clock.frames)
        return np.asarray((cycles + (wobble[:-1, None] + np.diff(wobble)[:, None] * ramp).ravel()) % 1)

    def _harmonics(self, gestures: Gestures, voice: Array, turn: NDArray[np.complex64], clock: Clock) -> Floats:
        wave = np.zeros((clock.frames - 1, clock.step), dtype=np.float32)
        turns = turn.reshape(-1, clock.step)
        for start in range(0, clock.frames - 1, BLOCK):
            part = slice(start, start + BLOCK + 1)
            if gestures.voice[part].max() > 1e-4:
                wave[start : start + BLOCK] = self._sum(gestures, voice, part, turns[start : start + BLOCK])
        return wave.ravel()[: clock.samples]

    def _sum(self, gestures: Gestures, voice: Array, part: slice, turns: NDArray[np.complex64]) -> Floats:
        """Sum of harmonics c_k z^k by Horner's rule, c_k moving linearly within each frame."""
        pitch = gestures.pitch[part]
        count = int(self.nyquist / pitch.min())
        frequencies = (pitch[:, None] * np.arange(1, count + 1)).astype(np.float32)
        fade = np.clip((self.nyquist - frequencies) / np.float32(0.04 * self.nyquist), 0, 1)
        response = self.tract.response(frequencies, gestures.formants[part], gestures.widths[part], gestures.zero[part])
        series = np.float32(self._voice_scale) * self.glottis.at(gestures.rd[part], count) * response * fade
        level = np.sqrt(2 * np.sum(np.abs(series) ** 2, axis=1))
        series = (series * (voice[part] * level**-EVENNESS).astype(np.float32)[:, None]).T
        rise = np.diff(series, axis=1)
        ramp = (np.arange(turns.shape[1]) / turns.shape[1]).astype(np.float32)
        total, moved = np.zeros_like(turns), np.empty_like(turns)
        for k in range(count - 1, -1, -1):
            total *= turns
            np.multiply(rise[k][:, None], ramp, out=moved)
            moved += series[k, :-1][:, None]
            total += moved
        total *= turns
        return np.asarray(2 * total.real, dtype=np.float32)

    def _noise(self, gestures: Gestures, clock: Clock, rng: np.random.Generator) -> Floats:
        """Breath and consonants: white noise in short frames, each with its own colour."""
        hop, size = 2 * clock.step, 8 * clock.step
        frequencies = np.fft.rfftfreq(size, 1 / clock.rate).astype(np.float32)
        shape = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)
        count = (clock.frames + 1) // 2
        white = rng.standard_normal((count - 1) * hop + size, dtype=np.float32)
        white *= np.float32(np.sqrt(clock.rate / 16_000) / 2)  # the same density at any rate; the windows add up to two
        out = np.zeros(len(white), dtype=np.float32)
        colours = {name: hiss_colour(name, frequencies, self.singer) for name in gestures.hisses}
        for start in range(0, count, NOISE_BLOCK):
            stop = min(count, start + NOISE_BLOCK)
            part = slice(2 * start, 2 * stop, 2)
            filtered = self._colour(gestures, part, frequencies, colours)
            pieces = sliding_window_view(white[start * hop : (stop - 1) * hop + size], size)[::hop] * shape
            shaped = np.fft.irfft(np.fft.rfft(pieces) * filtered, size).astype(np.float32) * shape
            _overlap_add(out, shaped, start * hop, hop)
        centre = size // 2
        return out[centre : centre + clock.samples]

    def _colour(self, gestures: Gestures, part: slice, frequencies: Floats, colours: dict[str, Floats]) -> Floats:
        """Amplitude of the noise, (frames, bins)."""
        formants, widths, zero = gestures.formants[part], gestures.widths[part], gestures.zero[part]
        wide = np.broadcast_to(frequencies, (len(formants), len(frequencies)))
        tract = np.abs(self.tract.response(wide, formants, widths, zero))
        tract *= (rustle(frequencies) * rumble_free(frequencies)).astype(np.float32)
        total = tract * (self._breath_scale * gestures.breath[part]).astype(np.float32)[:, None]
        for name, gains in gestures.hisses.items():
            if gains[part].max() > 0:
                total += colours[name] * gains[part].astype(np.float32)[:, None]
        return np.asarray(total, dtype=np.float32)

    def _measure_voice(self) -> float:
        """What brings the mean vowel, sung at a comfortable pitch, to an RMS of one."""
        pitch = 175.0 * 2**self.singer.octave
        count = int(7000 / pitch)
        response = self.tract.vowels((pitch * np.arange(1, count + 1)).astype(np.float32))
        series = self.glottis.at(np.full(len(response), self.singer.rd), count) * response
        power = 2 * np.sum(np.abs(series) ** 2, axis=1)
        return float(np.exp(-0.5 * np.mean(np.log(power))))

    def _measure_breath(self) -> float:
        """What brings the noise of the mean whispered vowel to an RMS of one up to 8 kHz."""
        frequencies = np.arange(50, 8000, 20, dtype=np.float32)
        power = np.mean(np.abs(self.tract.vowels(frequencies) * rustle(frequencies)) ** 2, axis=1)
        return float(np.exp(-0.5 * np.mean(np.log(power))))


def _overlap_add(out: Floats, pieces: Floats, start: int, hop: int) -> None:
    """Adds frames (count, 4 hop) into `out`, a quarter of each at a time, without a loop over frames."""
    count, size = pieces.shape
    for quarter in range(size // hop):
        first = start + quarter * hop
        out[first : first + count * hop] += pieces[:, quarter * hop : (quarter + 1) * hop].ravel()
