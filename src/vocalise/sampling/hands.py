"""Hands for one voice, a few columns at a time: the sums of `Parallel` in NumPy.

condition ──network──▶ curves ──┐
pitch ──▶ pulses ──frames───────┴─× filters──▶ sum ──▶ wave
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vocalise.audio.filtering import window_of
from vocalise.audio.harmonics import HIGHEST, LOWEST
from vocalise.parts.contracts import Chance, Controls
from vocalise.parts.decoders.parallel import LOUDEST, NEPERS, Parallel
from vocalise.sampling.steps import Array, Steps


@dataclass
class Sung:
    """What the hands remember; see `decoders.parallel.State`."""

    past: Any  # of the network
    told: Array  # (columns, channels)
    phase: float
    logs: list[float]  # (2,)   logarithms of the pitch of the last two columns
    flags: list[float]  # (2,)   their voicing
    sources: Array  # (2, columns, hop)
    curves: Array  # (columns, 3 · bands)
    levels: Array  # (columns,)
    sounding: Array  # (overlap - 1, hop)
    fed: int = 0
    last: tuple[Tensor, Controls] | None = None
    shapes: dict[float, Array] = field(default_factory=dict)  # (bands, 2 · bins)   to levels and to phases, by formant


class Hands(nn.Module):
    """`Parallel`, one voice at a time."""

    def __init__(self, decoder: Parallel, steps: Steps) -> None:
        super().__init__()
        self.network, self.decoder, self._steps = decoder.network, (decoder,), steps
        self.hop, self.lookahead, self.autoregressive = decoder.hop, decoder.lookahead, False
        self._group, self._rate = decoder.network.at_once, decoder.rate
        self.shapes_formants = self.shapes_breath = True
        self._overlap, self._size, self._bins = decoder.overlap, decoder.size, decoder.to_bins.shape[1]
        self._window = window_of(decoder.size, torch.zeros(0)).numpy()
        self._closing = self._window * np.float32(2.0 / decoder.overlap)
        share, half = (torch.arange(self.hop, dtype=torch.float32) + 0.5) / self.hop, self.hop // 2
        self._share = torch.cat([share[:half] + 0.5, share[half:] - 0.5])  # of the way from one centre to the next
        self._pair = (np.arange(self.hop) >= half).astype(np.intp)  # which of the two ways a sample lies on

    def begin(self, batch: int) -> Sung:
        """Silence; `batch` must be 1."""
        require_one(batch)
        plain = self.decoder[0].begin(1)
        return Sung(
            past=self._steps.begin(),
            told=np.zeros((0, plain.told.shape[1]), np.float32),
            phase=0.0,
            logs=_logs(np.zeros(2, np.float32)),
            flags=[0.0, 0.0],
            sources=plain.sources[:, 0].numpy(),
            curves=plain.curves[0].numpy(),
            levels=plain.levels[0].numpy(),
            sounding=plain.sounding[0].numpy(),
        )

    def extend(self, state: Sung, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """Condition (1, channels, n) -> what is final of the signal, (1, 1, up to n · hop)."""
        columns = condition.shape[2]
        if not columns:
            return condition.new_zeros(1, 1, 0)
        drawn = self._drawn(state, condition.numpy()[0].T)
        state.last = (condition, controls)
        self._feed(state, drawn, controls, chance)
        sung = self._sounded(state, columns, controls)
        late = max(0, min(columns, self.lookahead - state.fed))
        state.fed += columns
        return torch.from_numpy(sung[late:].reshape(1, 1, -1))

    def finish(self, state: Sung, chance: Chance) -> Tensor:
        """The last `lookahead` columns, as if the last one were held."""
        if state.last is None:
            return torch.zeros(1, 1, 0)
        condition, controls = state.last
        held = controls.columns(slice(-1, None))
        lines = {name: getattr(held, name).expand(-1, self.lookahead) for name in ("pitch", "voicing", "loudness")}
        held = Controls(identity=held.identity, formant=held.formant, breath=held.breath, **lines)
        return self.extend(state, condition[:, :, -1:].expand(-1, -1, self.lookahead), held, chance)

    def _drawn(self, state: Sung, condition: Array) -> Array:
        told = np.concatenate([state.told, condition])
        whole = len(told) - len(told) % self._group
        state.told = told[whole:]
        if not whole:
            return state.curves[:0]
        drawn = self._steps.extend(state.past, told[:whole].reshape(whole // self._group, -1))
        return drawn.reshape(whole, -1)

    def _feed(self, state: Sung, drawn: Array, controls: Controls, chance: Chance) -> None:
        if len(drawn):
            state.curves = np.concatenate([state.curves, drawn])
        pitch, voicing, loudness = controls.pitch.numpy()[0], controls.voicing.numpy()[0], controls.loudness.numpy()[0]
        state.levels = np.concatenate([state.levels, np.exp(loudness * np.float32(2.0 / NEPERS))])
        logs, flags = [*state.logs, *_logs(pitch)], [*state.flags, *voicing.tolist()]
        state.logs, state.flags = logs[-2:], flags[-2:]
        pairs = np.arange(len(pitch))[:, None] + self._pair if len(pitch) > 1 else self._pair
        tone, state.phase = pulses(self._way(logs, flags, pairs), self._rate, state.phase)
        fresh = np.empty((2, len(pitch), self.hop), np.float32)
        np.multiply(tone.reshape(-1, self.hop), self._voiced(flags, pairs), out=fresh[0])
        fresh[1] = _noise(chance, tone.size).reshape(-1, self.hop)
        state.sources = np.concatenate([state.sources, fresh], axis=1)

    def _way(self, logs: list[float], flags: list[float], pairs: Array) -> Array:
        """Pitch at every sample, (n · hop,): PyTorch's own last bits, or the phase would drift from the plain one."""
        starts = [log if flag > 0.5 else after for log, after, flag in zip(logs, logs[1:], flags, strict=False)]
        ends = [after if flag > 0.5 else begun for after, flag, begun in zip(logs[1:], flags[1:], starts, strict=True)]
        start, end = np.array([starts, ends], np.float32)
        way = torch.lerp(torch.from_numpy(start[pairs]), torch.from_numpy(end[pairs]), self._share)
        line: Array = way.exp_().numpy().reshape(-1)
        return line

    def _voiced(self, flags: list[float], pairs: Array) -> Array | float:
        """Voicing at every sample, (n, hop), or once where it is always the same."""
        if flags.count(flags[0]) == len(flags):
            return flags[0]
        lines = np.array(flags, np.float32)
        start = lines[pairs]
        voiced: Array = start + self._share.numpy() * (lines[pairs + 1] - start)
        return voiced

    def _sounded(self, state: Sung, columns: int, controls: Controls) -> Array:
        """Takes so many frames from the queues: the columns that they complete, (columns, hop)."""
        overlap, bins, sources, levels = self._overlap, self._bins, state.sources, state.levels
        curves, state.curves = state.curves[:columns], state.curves[columns:]
        state.sources, state.levels = sources[:, columns:], levels[columns:]
        powers = sum(levels[turn : turn + columns] for turn in range(overlap)) / np.float32(overlap)
        loudness = (np.float32(0.5) * np.log(powers + np.float32(1e-10)))[:, None]
        # A frame is what follows its first column: a view, for which columns must lie one after the other.
        frames = np.ndarray((2, columns, self._size), np.float32, sources, strides=sources.strides)
        tones, noises = np.fft.rfft(frames * self._window)
        drawn = curves.reshape(columns, 3, -1) @ self._shaping(state, controls.formant)
        amplitude = _amplitude(drawn[:, 0, :bins] + loudness)
        angle = drawn[:, 0, bins:] + drawn[:, 1, :bins]
        turned = np.empty(angle.shape, np.complex64)
        np.multiply(amplitude, np.cos(angle), out=turned.real)
        np.multiply(amplitude, np.sin(angle), out=turned.imag)
        breath = _amplitude(drawn[:, 2, :bins] + (loudness + np.float32(controls.breath / NEPERS)))
        spectrum = tones * turned + noises * breath
        pieces = (np.fft.irfft(spectrum, self._size) * self._closing).reshape(columns, overlap, -1)
        whole = np.zeros((columns + overlap - 1, self.hop), np.float32)
        whole[: overlap - 1] = state.sounding
        for turn in range(overlap):
            whole[turn : turn + columns] += pieces[:, turn]
        state.sounding = whole[columns:]
        return whole[:columns]

    def _shaping(self, state: Sung, formant: float) -> Array:
        if formant not in state.shapes:
            plain = self.decoder[0]
            curves, phases = plain._shapes(formant) if formant else (plain.to_bins, plain.to_phases)
            state.shapes = {formant: np.hstack([curves.numpy(), phases.numpy()])}
        return state.shapes[formant]


def pulses(pitch: Array, rate: int, phase: float) -> tuple[Array, float]:
    """`harmonics.pulses` of one voice: pitch (samples,) in Hz after `phase` -> the tone, and the phase after it.

    The way of the phase is summed up in double precision as it is there; only what follows has bits of its own.
    """
    pitch = np.minimum(np.maximum(pitch, np.float32(LOWEST)), np.float32(HIGHEST * rate))
    way = np.cumsum(pitch, dtype=np.float64)
    way /= rate
    way += phase
    last = float(way[-1] % 1.0)
    way -= np.rint(way)
    way += 1e-12
    place = way.astype(np.float32)
    room = np.float32(0.5 * rate) / pitch
    count = np.floor(room)
    rest = room - count
    turn = count * place
    turn -= np.rint(turn)
    turn *= np.float32(2.0 * math.pi)
    place *= np.float32(math.pi)
    tone = (np.sin(turn) / np.tan(place) - np.float32(1.0)) * np.float32(0.5)
    tone += np.cos(turn) * (rest - np.float32(0.5))
    tone /= np.sqrt((rest * rest + count - np.float32(1.0)) * np.float32(0.5))
    return tone, last


def require_one(batch: int) -> None:
    """Raises ValueError for more than one voice."""
    if batch != 1:
        raise ValueError(f"Ears and hands by columns are for one voice, not {batch}; take the model itself for more.")


def _noise(chance: Chance, samples: int) -> Array:
    """`Chance.noise` of one voice."""
    (generator,) = chance.generators
    noise: Array = torch.rand(samples, generator=generator).numpy()
    noise -= np.float32(0.5)
    noise *= np.float32(math.sqrt(12.0))
    return noise


def _logs(pitch: Array) -> list[float]:
    logs: list[float] = torch.from_numpy(np.maximum(pitch, np.float32(LOWEST))).log().tolist()
    return logs


def _amplitude(nepers: Array) -> Array:
    amplitude: Array = np.exp(np.minimum(nepers, np.float32(LOUDEST)))
    return amplitude
