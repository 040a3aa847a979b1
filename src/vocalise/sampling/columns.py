"""Ears and hands for one voice, a few columns at a time: the sums of `Mel` and `Parallel` in NumPy, for singing live.

A call of PyTorch costs some microseconds whatever it does, and a column of 10 ms is hardly anything to do: two hundred
calls for it take longer than the networks themselves. NumPy needs a third of that. The networks stay what they are,
`Mel` and `Parallel` stay the truth, and parity tests hold both together.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vocalise.audio.filtering import window_of
from vocalise.audio.harmonics import LOWEST, pulses
from vocalise.autoencoder import Autoencoder
from vocalise.parts.contracts import Chance, Controls
from vocalise.parts.decoders.parallel import LOUDEST, NEPERS, Parallel
from vocalise.parts.encoders.mel import DOUBT, Mel

Array = NDArray[Any]


def by_columns(model: Autoencoder) -> Autoencoder:
    """The model with ears and hands for one voice, as far as it has such: for streams on the processor only."""
    twin = copy.copy(model)
    twin._modules = dict(model._modules)
    if isinstance(model.encoder, Mel):
        twin._modules["encoder"] = Ears(model.encoder)
    if isinstance(model.decoder, Parallel):
        twin._modules["decoder"] = Hands(model.decoder)
    return twin


@dataclass
class Heard:
    """What the ears remember; see `encoders.Hearing`."""

    wave: Array  # (size - hop,)
    features: Array  # (span, bands) in double precision: a ring, since a sum does not mind the order
    squares: Array  # (span, bands)
    weights: Array  # (span,)   0 where nothing was heard yet
    pasts: list[Tensor]
    fed: int = 0


class Ears(nn.Module):
    """`Mel`, one voice at a time."""

    def __init__(self, encoder: Mel) -> None:
        super().__init__()
        self.stack = encoder.stack
        self.hop, self.channels, self.context = encoder.hop, encoder.channels, encoder.context
        self.ahead, self.size, self.span = encoder.ahead, encoder.size, encoder.span
        self.normalises = encoder.normalises
        self._filters, self._taper = (encoder.get_buffer(name).numpy() for name in ("filters", "taper"))
        spread = encoder.spread.detach().exp()[:, 0]
        self._usual = encoder.usual.detach()[:, 0].numpy()
        self._spread = spread.numpy()
        self._usual_square = self._usual**2 + self._spread**2
        self._head, self._bias = (x.detach().numpy() for x in (encoder.head.weight, encoder.head.bias))

    def begin(self, batch: int) -> Heard:
        """Nothing heard yet; `batch` must be 1."""
        _require_one(batch)
        bands = len(self._filters)
        features, squares = np.zeros((2, self.span, bands))
        wave = np.zeros(self.size - self.hop, np.float32)
        return Heard(wave, features, squares, np.zeros(self.span), self.stack.begin(1))

    def extend(self, state: Heard, signal: Tensor) -> Tensor:
        """(1, channels, n · hop) more -> (1, channels, frames that are final by now)."""
        if not signal.shape[2]:
            return signal.new_zeros(1, self.channels, 0)
        wave = np.concatenate([state.wave, signal[0].mean(0).numpy() if signal.shape[1] > 1 else signal[0, 0].numpy()])
        count = signal.shape[2] // self.hop
        frames = [self._shape(state, wave[n * self.hop : n * self.hop + self.size], n) for n in range(count)]
        state.wave = wave[len(wave) - len(state.wave) :]
        deep, state.pasts = self.stack(torch.from_numpy(np.stack(frames)[None]), state.pasts)
        late = max(0, min(count, self.ahead - state.fed))
        state.fed += count
        content = deep[0, late:].numpy() @ self._head.T + self._bias
        return torch.from_numpy(content.T[None])

    def _shape(self, state: Heard, frame: Array, ahead: int) -> Array:
        """The normalised shape of one frame's spectrum, (bands,)."""
        spectrum = np.fft.rfft(frame * self._taper)
        power = self._filters @ (spectrum.real**2 + spectrum.imag**2)
        energy = float(power.sum()) + 1e-9
        shape = np.log(power / np.float32(energy) + np.float32(1e-5))
        if not self.normalises:
            fixed: Array = (shape - self._usual) / self._spread
            return fixed.astype(np.float32)
        heard = state.fed + ahead
        row = heard % self.span
        state.features[row], state.squares[row], state.weights[row] = shape, shape * shape, energy**0.25
        total = state.weights.sum()
        share = np.float32(min(heard + 1, self.span) / (min(heard + 1, self.span) + DOUBT))
        mean = self._usual + share * ((state.weights @ state.features / total).astype(np.float32) - self._usual)
        usual, square = self._usual_square, (state.weights @ state.squares / total).astype(np.float32)
        square = usual + share * (square - usual)
        normalised: Array = (shape - mean) / np.sqrt(np.maximum(square - mean * mean, 0.01))
        return normalised.astype(np.float32)


@dataclass
class Sung:
    """What the hands remember; see `decoders.parallel.State`."""

    pasts: list[Tensor]
    told: Tensor  # (1, channels, columns)
    phase: Tensor  # (1,)
    nodes: Array  # (2, 2)
    sources: Array  # (2, columns, hop)
    curves: Array  # (columns, 3 · bands)
    levels: Array  # (columns,)
    sounding: Array  # (overlap - 1, hop)
    fed: int = 0
    last: tuple[Tensor, Controls] | None = None
    shapes: dict[float, tuple[Array, Array]] = field(default_factory=dict)


class Hands(nn.Module):
    """`Parallel`, one voice at a time."""

    def __init__(self, decoder: Parallel) -> None:
        super().__init__()
        self.network, self.decoder = decoder.network, (decoder,)
        self.hop, self.lookahead, self.autoregressive = decoder.hop, decoder.lookahead, False
        self.shapes_formants = self.shapes_breath = True
        self._window = window_of(decoder.size, torch.zeros(0)).numpy()
        self._closing = self._window * np.float32(2.0 / decoder.overlap)
        place = (np.arange(self.hop, dtype=np.float32) + np.float32(0.5)) / np.float32(self.hop) - np.float32(0.5)
        self._pair, self._share = (place >= 0.0).astype(np.intp), place % np.float32(1.0)

    def begin(self, batch: int) -> Sung:
        """Silence; `batch` must be 1."""
        _require_one(batch)
        plain = self.decoder[0].begin(1)
        sources, curves = plain.sources[:, 0].numpy(), plain.curves[0].numpy()
        nodes, levels, sounding = plain.nodes[:, 0].numpy(), plain.levels[0].numpy(), plain.sounding[0].numpy()
        return Sung(plain.pasts, plain.told, plain.phase, nodes, sources, curves, levels, sounding)

    def extend(self, state: Sung, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """Condition (1, channels, n) -> what is final of the signal, (1, 1, up to n · hop)."""
        columns = condition.shape[2]
        if not columns:
            return condition.new_zeros(1, 1, 0)
        drawn = self._drawn(state, condition)
        state.last = (condition[:, :, -1:], controls.columns(slice(columns - 1, columns)))
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
        held = controls.columns(slice(None, None))
        lines = {name: getattr(controls, name).expand(-1, self.lookahead) for name in ("pitch", "voicing", "loudness")}
        held = Controls(identity=held.identity, formant=held.formant, breath=held.breath, **lines)
        return self.extend(state, condition.expand(-1, -1, self.lookahead), held, chance)

    def _drawn(self, state: Sung, condition: Tensor) -> Array:
        told = torch.cat([state.told, condition], dim=2)
        whole = told.shape[2] - told.shape[2] % self.network.at_once
        state.told = told[:, :, whole:]
        if not whole:
            return state.curves[:0]
        drawn, state.pasts = self.network(told[:, :, :whole], state.pasts)
        columns: Array = drawn[0].float().numpy()
        return columns

    def _feed(self, state: Sung, drawn: Array, controls: Controls, chance: Chance) -> None:
        state.curves = np.concatenate([state.curves, drawn])
        lines = (controls.pitch[0].numpy(), controls.voicing[0].numpy(), controls.loudness[0].numpy())
        pitch, voicing, loudness = (line.astype(np.float32, copy=False) for line in lines)
        state.levels = np.concatenate([state.levels, np.exp(loudness * np.float32(2.0 / NEPERS))])
        nodes = np.concatenate([state.nodes, np.stack([pitch, voicing])], axis=1)
        state.nodes = nodes[:, -2:]
        way = self._way(nodes)
        tone, state.phase = pulses(way, self.decoder[0].rate, state.phase)
        pairs = np.arange(len(pitch))[:, None] + self._pair
        flags = nodes[1]
        voiced = flags[pairs] + self._share * (flags[pairs + 1] - flags[pairs])
        noise = chance.noise(tone.shape[1], tone.device).numpy().reshape(voiced.shape)
        fresh = np.stack([tone.numpy().reshape(voiced.shape) * voiced, noise])
        state.sources = np.concatenate([state.sources, fresh.astype(np.float32, copy=False)], axis=1)

    def _way(self, nodes: Array) -> Tensor:
        """Pitch at every sample, (1, n · hop): PyTorch's own last bits, or the phase would drift from the plain one."""
        logs = torch.from_numpy(np.maximum(nodes[0], np.float32(LOWEST))).log().numpy()
        voiced = nodes[1] > 0.5
        start = np.where(voiced[:-1], logs[:-1], logs[1:])
        end = np.where(voiced[1:], logs[1:], start)
        pairs = np.arange(nodes.shape[1] - 2)[:, None] + self._pair
        share = torch.from_numpy(self._share).expand(len(pairs), -1)
        return torch.lerp(torch.from_numpy(start[pairs]), torch.from_numpy(end[pairs]), share).exp().reshape(1, -1)

    def _sounded(self, state: Sung, columns: int, controls: Controls) -> Array:
        """Takes so many frames from the queues: the columns that they complete, (columns, hop)."""
        overlap = self.decoder[0].overlap
        curves, state.curves = state.curves[:columns], state.curves[columns:]
        parts = [state.sources[:, turn : turn + columns] for turn in range(overlap)]
        powers = sum(state.levels[turn : turn + columns] for turn in range(overlap)) / np.float32(overlap)
        state.sources, state.levels = state.sources[:, columns:], state.levels[columns:]
        loudness = (np.float32(0.5) * np.log(powers + np.float32(1e-10)))[:, None]
        to_bins, to_phases = self._shaping(state, controls.formant)
        tones, noises = np.fft.rfft(np.concatenate(parts, axis=2) * self._window)
        curves = curves.reshape(columns, 3, -1)
        tone, phase, breath = np.moveaxis(curves @ to_bins, 1, 0)
        angle = curves[:, 0] @ to_phases + phase
        turned = np.empty(angle.shape, np.complex64)
        turned.real, turned.imag = np.cos(angle), np.sin(angle)
        breath = breath + (loudness + np.float32(controls.breath / NEPERS))
        spectrum = tones * (_amplitude(tone + loudness) * turned) + noises * _amplitude(breath)
        pieces = (np.fft.irfft(spectrum, self.decoder[0].size) * self._closing).reshape(columns, overlap, -1)
        whole = np.zeros((columns + overlap - 1, self.hop), np.float32)
        whole[: overlap - 1] = state.sounding
        for turn in range(overlap):
            whole[turn : turn + columns] += pieces[:, turn]
        state.sounding = whole[columns:]
        return whole[:columns]

    def _shaping(self, state: Sung, formant: float) -> tuple[Array, Array]:
        if formant not in state.shapes:
            plain = self.decoder[0]
            usual = (plain.get_buffer("to_bins"), plain.get_buffer("to_phases"))
            curves, phases = plain._shapes(formant) if formant else usual
            state.shapes = {formant: (curves.numpy(), phases.numpy())}
        return state.shapes[formant]


def _amplitude(nepers: Array) -> Array:
    amplitude: Array = np.exp(np.minimum(nepers, np.float32(LOUDEST)))
    return amplitude


def _require_one(batch: int) -> None:
    if batch != 1:
        raise ValueError(f"Ears and hands by columns are for one voice, not {batch}; take the model itself for more.")
