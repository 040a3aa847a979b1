"""Hands for one voice, a few columns at a time: `Parallel` as a network that steps, and the sums behind it.

condition ──network──▶ curves ──┐
pitch, noise ───────────────────┴──▶ sums ──▶ wave
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vocalise.audio.harmonics import LOWEST
from vocalise.parts.contracts import Chance, Controls
from vocalise.parts.decoders.parallel import NEPERS, Parallel
from vocalise.sampling.steps import Array, Steps
from vocalise.sampling.sums import Sums, Told, ways


@dataclass
class Sung:
    """What the hands remember; see `decoders.parallel.State`."""

    past: Any  # of the network
    sounding: Any  # of the sums
    told: Array  # (columns, channels)
    logs: list[float]  # (2,)   logarithms of the pitch of the last two columns
    flags: list[float]  # (2,)   their voicing
    fed: int = 0
    last: tuple[Tensor, Controls] | None = None


class Hands(nn.Module):
    """`Parallel`, one voice at a time."""

    def __init__(self, decoder: Parallel, steps: Steps, sums: Sums) -> None:
        super().__init__()
        self.network, self.channels, self._steps, self._sums = decoder.network, decoder.channels, steps, sums
        self.hop, self.lookahead, self.autoregressive = decoder.hop, decoder.lookahead, False
        self._group, self._curve = decoder.network.at_once, 3 * decoder.bands
        self.shapes_formants = self.shapes_breath = True
        self._share, self._pair = ways(self.hop)
        self._none = np.zeros((0, self._curve), np.float32)

    def begin(self, batch: int) -> Sung:
        """Silence; `batch` must be 1."""
        require_one(batch)
        return Sung(
            past=self._steps.begin(),
            sounding=self._sums.begin(),
            told=np.zeros((0, self.channels), np.float32),
            logs=_logs(np.zeros(2, np.float32)),
            flags=[0.0, 0.0],
        )

    def extend(self, state: Sung, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """Condition (1, channels, n) -> what is final of the signal, (1, 1, up to n · hop)."""
        columns = condition.shape[2]
        if not columns:
            return condition.new_zeros(1, 1, 0)
        drawn = self._drawn(state, condition.numpy()[0].T)
        state.last = (condition, controls)
        sung = self._sums.extend(state.sounding, self._told(state, drawn, controls, chance))
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
            return self._none
        return self._steps.extend(state.past, told[:whole].reshape(whole // self._group, -1)).reshape(whole, -1)

    def _told(self, state: Sung, drawn: Array, controls: Controls, chance: Chance) -> Told:
        pitch, voicing, loudness = controls.pitch.numpy()[0], controls.voicing.numpy()[0], controls.loudness.numpy()[0]
        logs, flags = [*state.logs, *_logs(pitch)], [*state.flags, *voicing.tolist()]
        state.logs, state.flags = logs[-2:], flags[-2:]
        return Told(
            pitch=self._way(logs, flags),
            flags=np.array(flags, np.float32),
            noise=_noise(chance, (len(pitch), self.hop)),
            powers=np.exp(loudness * np.float32(2.0 / NEPERS)),
            drawn=drawn,
            formant=controls.formant,
            breath=controls.breath,
        )

    def _way(self, logs: list[float], flags: list[float]) -> Array:
        """Pitch at every sample, (n, hop): PyTorch's own last bits, or the phase would drift from the plain one."""
        starts = [log if flag > 0.5 else after for log, after, flag in zip(logs, logs[1:], flags, strict=False)]
        ends = [after if flag > 0.5 else begun for after, flag, begun in zip(logs[1:], flags[1:], starts, strict=True)]
        start, end = np.array([starts, ends], np.float32)
        pairs = np.arange(len(logs) - 2)[:, None] + self._pair
        way = torch.lerp(torch.from_numpy(start[pairs]), torch.from_numpy(end[pairs]), self._share)
        line: Array = way.exp_().numpy()
        return line


def require_one(batch: int) -> None:
    """Raises ValueError for more than one voice."""
    if batch != 1:
        raise ValueError(f"Ears and hands by columns are for one voice, not {batch}; take the model itself for more.")


def _noise(chance: Chance, shape: tuple[int, int]) -> Array:
    """`Chance.noise` of one voice."""
    (generator,) = chance.generators
    noise: Array = torch.rand(shape, generator=generator).numpy()
    noise -= np.float32(0.5)
    noise *= np.float32(math.sqrt(12.0))
    return noise


def _logs(pitch: Array) -> list[float]:
    logs: list[float] = torch.from_numpy(np.maximum(pitch, np.float32(LOWEST))).log().tolist()
    return logs
