"""A model for one voice, a few columns at a time, for singing live: its sums in NumPy; and the ears of it.

A call of PyTorch costs some microseconds whatever it does, and a column of 10 ms is hardly anything to do: two hundred
calls for it take longer than the networks themselves. NumPy needs a third of that. `Mel`, `Conditioner` and `Parallel`
stay the truth, and parity tests hold them and their twins together.
"""

import copy
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from vocalise.autoencoder import Autoencoder
from vocalise.parts.conditions import Conditioner
from vocalise.parts.decoders.parallel import Parallel, in_groups, out_of_groups
from vocalise.parts.encoders.mel import SILENT, Mel
from vocalise.sampling.hands import Hands, require_one
from vocalise.sampling.native.steps import NativeSteps
from vocalise.sampling.steps import Array, PlainSteps, RuntimeSteps, Steps
from vocalise.sampling.telling import Teller

_ONE = np.ones(1)


def by_columns(model: Autoencoder, *, threads: int | None = None, compiled: bool = False) -> Autoencoder:
    """The model with ears, hands and what they are told for one voice: for streams on the processor only.

    Parts that have no such twin stay as they are.

    Args:
        model: its weights are shared.
        threads: of ONNX Runtime, which then runs the networks step by step; None leaves them as they are.
        compiled: whether compiled code runs them instead.

    Raises:
        ConfigError: ONNX Runtime or compiled code is wanted and not there, or has no form for these sizes.
    """
    twin = copy.copy(model)
    twin._modules = dict(model._modules)
    if isinstance(model.encoder, Mel):
        twin._modules["encoder"] = Ears(model.encoder, _ear_steps(model.encoder, threads, compiled=compiled))
    if isinstance(model.condition, Conditioner):
        twin._modules["condition"] = Teller(model.condition)
    if isinstance(model.decoder, Parallel):
        twin._modules["decoder"] = Hands(model.decoder, _hand_steps(model.decoder, threads, compiled=compiled))
    return twin


def _ear_steps(encoder: Mel, threads: int | None, *, compiled: bool) -> Steps:
    stack, head = encoder.stack, encoder.head
    if compiled:
        return NativeSteps(stack, head)
    if threads is not None:
        return RuntimeSteps(stack, head, threads=threads)

    def network(told: Tensor, pasts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        deep, after = stack(told, pasts)
        return head(deep), after

    return PlainSteps(partial(stack.begin, 1), network)


def _hand_steps(decoder: Parallel, threads: int | None, *, compiled: bool) -> Steps:
    network = decoder.network
    if compiled:
        return NativeSteps(network.stack, network.head)
    if threads is not None:
        return RuntimeSteps(network.stack, network.head, threads=threads)

    def drawn(told: Tensor, pasts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        columns, after = network(out_of_groups(told, network.at_once).transpose(1, 2), pasts)
        return in_groups(columns.transpose(1, 2), network.at_once), after

    return PlainSteps(partial(network.stack.begin, 1), drawn)


@dataclass
class Heard:
    """What the ears remember; see `encoders.Hearing`."""

    wave: Array  # (size - hop,)
    sums: Array  # (1 + 2 · bands,) in double precision
    pasts: list[Tensor]
    loudest: float = 0.0
    fed: int = 0


class Ears(nn.Module):
    """`Mel`, one voice at a time."""

    streams = True

    def __init__(self, encoder: Mel, steps: Steps) -> None:
        super().__init__()
        self.stack, self.head, self._steps = encoder.stack, encoder.head, steps
        self.hop, self.channels, self.context = encoder.hop, encoder.channels, encoder.context
        self.ahead, self.size, self.fade, self.doubt = encoder.ahead, encoder.size, encoder.fade, encoder.doubt
        self._filters, self._taper = (encoder.get_buffer(name).numpy() for name in ("filters", "taper"))
        spread = encoder.spread.detach().exp()[:, 0]
        self._usual = encoder.usual.detach()[:, 0].numpy()
        self._spread = spread.numpy()
        self._usual_square = self._usual**2 + self._spread**2

    def begin(self, batch: int) -> Heard:
        """Nothing heard yet; `batch` must be 1."""
        require_one(batch)
        bands = len(self._filters)
        wave = np.zeros(self.size - self.hop, np.float32)
        return Heard(wave, np.zeros(1 + 2 * bands), self._steps.begin())

    def extend(self, state: Heard, signal: Tensor) -> Tensor:
        """(1, channels, n · hop) more -> (1, channels, frames that are final by now)."""
        if not signal.shape[2]:
            return signal.new_zeros(1, self.channels, 0)
        wave = np.concatenate([state.wave, signal.mean(1).numpy()[0] if signal.shape[1] > 1 else signal.numpy()[0, 0]])
        count = signal.shape[2] // self.hop
        frames = [self._shape(state, wave[n * self.hop : n * self.hop + self.size]) for n in range(count)]
        state.wave = wave[len(wave) - len(state.wave) :]
        content = self._steps.extend(state.pasts, np.stack(frames) if count > 1 else frames[0][None])
        late = max(0, min(count, self.ahead - state.fed))
        state.fed += count
        return torch.from_numpy(content[late:].T[None])

    def _shape(self, state: Heard, frame: Array) -> Array:
        """The normalised shape of one frame's spectrum, (bands,)."""
        spectrum = np.fft.rfft(frame * self._taper)
        power = self._filters @ (spectrum.real**2 + spectrum.imag**2)
        energy = float(power.sum()) + SILENT
        shape = np.log(power / np.float32(energy) + np.float32(1e-5))
        if not self.fade:
            fixed: Array = (shape - self._usual) / self._spread
            return fixed.astype(np.float32)
        weight = max(0.0, energy - 2.0 * SILENT) ** 0.25
        state.sums *= self.fade
        state.sums += weight * np.concatenate([_ONE, shape, shape * shape])
        state.loudest = max(weight, state.loudest * self.fade)
        total = float(state.sums[0])
        frames = total / max(state.loudest, 1e-9)
        share = np.float32(frames / (frames + self.doubt))
        first, second = (state.sums[1:] / max(total, 1e-9)).astype(np.float32).reshape(2, -1)
        mean = self._usual + share * (first - self._usual)
        square = self._usual_square + share * (second - self._usual_square)
        normalised: Array = (shape - mean) / np.sqrt(np.maximum(square - mean * mean, 0.01))
        return normalised.astype(np.float32)
