"""A WaveNet whose steps are compiled: the same object to everybody else, with the same luck and the same weights.

condition ──told (PyTorch)──▶ biases of a frame ──▶ C++: hop samples, drawn where their luck falls ──▶ signal
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from vocalise.config import Part
from vocalise.errors import ConfigError
from vocalise.parts.contracts import Chance, Controls, Decoded, Decoder
from vocalise.parts.decoders.wavenet import WaveNet
from vocalise.sampling.native.library import require
from vocalise.sampling.native.packing import Floats, Sizes, arrays_of, plain, sizes_of, version_of
from vocalise.sampling.native.scales import Scales, measured

if TYPE_CHECKING:
    from vocalise.sampling.native import _core

Precision = Literal["float32", "bf16", "int8"]
CODES: tuple[Precision, ...] = ("float32", "bf16", "int8")
AT_ONCE = 4000  # steps of all streams between two looks at Ctrl-C
TOLD_AT_ONCE = 1 << 21  # numbers. Seldom, for PyTorch's threads wait awake for more, on cores that want to sing


@dataclass
class State:
    """The streams of a song, their memory held by the compiled sampler, and the weights that they were begun with."""

    streams: "_core.Streams"
    rows: int
    version: tuple[int, ...]


class NativeWaveNet(Decoder, Part):  # Part among its own bases: no member of the family, no recipe may name it
    """A `WaveNet` sung by compiled code; what it gives is the plain one's to rounding.

    The samples of a stream depend on its condition and its luck alone: not on how many streams are sung beside it, nor
    on the number of threads, nor on the pieces in which it is sung.
    """

    def __init__(self, decoder: WaveNet, *, precision: Precision = "float32", threads: int | None = None) -> None:
        """Takes a picture of the weights, which is taken again whenever they have changed.

        Args:
            decoder: on the processor; its parameters are shared.
            precision: of weights, activations and memory; sums are float32 (or exact, of int8) in all of them.
            threads: among which streams are shared out; by default as many as there are cores.

        Raises:
            ConfigError: no compiled sampler, an unknown precision, a decoder elsewhere, or weights that are no numbers.
            Unsupported: sizes for which there is no compiled form.
        """
        super().__init__()
        if precision not in CODES:
            raise ConfigError(f"There is no precision {precision!r}; the choices are {', '.join(CODES)}.")
        if threads is not None and not 1 <= threads <= 1024:
            raise ConfigError(f"{threads} threads cannot be: choose 1 to 1024, or none to leave it to the machine.")
        self._modules.update(decoder._modules)
        self.original = (decoder,)  # in a tuple, so that its weights are not counted twice
        self.precision: Precision = precision
        self.threads = threads or cores()
        self.hop, self.levels, self.autoregressive = decoder.hop, decoder.levels, True
        self.receptive_field, self.unit = decoder.receptive_field, decoder.unit
        self.sizes: Sizes = sizes_of(decoder)
        self.scales: Scales | None = None
        self._packed: tuple[_core.Model, tuple[int, ...]] | None = None
        self._model()

    def forward(
        self, target: Tensor, condition: Tensor, controls: Controls, bandwidth: Tensor | None = None
    ) -> Decoded:
        """As the plain decoder: teacher-forced, in PyTorch."""
        decoded: Decoded = self.original[0](target, condition, controls, bandwidth)
        return decoded

    def begin(self, batch: int) -> State:
        """Nothing sung yet, by so many streams."""
        library, _ = require()
        model = self._model()
        return State(library.Streams(model, batch, self.threads), batch, version_of(self))

    def renew(self, state: State, row: int) -> None:
        """Forgets what one stream has sung: it begins again from silence beside others that sing on."""
        if not 0 <= row < state.rows:
            raise ConfigError(f"There is no stream {row}; there are {state.rows}, counted from 0.")
        state.streams.renew(row)

    def extend(self, state: State, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """Condition (batch, channels, controls) -> signal (batch, 1, controls * hop), one level after the other.

        Raises:
            ConfigError: a condition of another shape or that holds no numbers, or weights that moved since `begin`.
        """
        self._require(state, condition)
        steps = condition.shape[2] * self.hop
        luck = plain(chance.uniform(steps, torch.device("cpu")))
        if luck.shape != (state.rows, steps):
            raise ConfigError(f"Luck of shape {luck.shape} is not that of {state.rows} streams over {steps} steps.")
        sung = np.empty((state.rows, steps), np.float32)
        for frames, (layers, head) in self._told(condition):
            span = slice(frames.start * self.hop, frames.stop * self.hop)
            some = np.empty((state.rows, span.stop - span.start), np.float32)
            state.streams.sing(layers, head, self.hop, chance.temperature, np.ascontiguousarray(luck[:, span]), some)
            sung[:, span] = some
        return torch.from_numpy(sung).to(condition.dtype).unsqueeze(1)

    def logits(self, target: Tensor, condition: Tensor) -> Tensor:
        """(batch, 1, steps) and (batch, channels, steps / hop) -> (batch, steps, levels), step by step from silence."""
        state = self.begin(len(condition))
        self._require(state, condition)
        found = []
        for frames, (layers, head) in self._told(condition):
            forced = plain(target[:, 0, frames.start * self.hop : frames.stop * self.hop])
            logits = np.empty((*forced.shape, self.levels), np.float32)
            state.streams.sing(layers, head, self.hop, 1.0, forced=forced, logits=logits)
            found.append(torch.from_numpy(logits))
        return torch.cat(found, dim=1)

    def calibrate(self, condition: Tensor, target: Tensor | None = None) -> None:
        """Takes the scales of 8-bit activations from real audio: what is heard while a target is teacher-forced.

        Condition (batch, channels, frames) and target (batch, 1, frames * hop). The largest magnitudes that a channel
        reaches decide, so neither order nor division of the material matters. Without a target one is sung in float32,
        by streams whose luck is their number. Other precisions need no scales. Streams begun before keep theirs.
        """
        if self.precision != "int8":
            return
        plainer = self.original[0]
        if target is None:
            luck = Chance(tuple(torch.Generator().manual_seed(row) for row in range(len(condition))))
            singer = NativeWaveNet(plainer, precision="float32", threads=self.threads)
            target = singer.extend(singer.begin(len(condition)), condition, _NOBODY, luck)
        self.scales = measured(plainer, target, condition)
        self._packed = None

    def _require(self, state: State, condition: Tensor) -> None:
        channels = self.original[0].told.in_features
        if condition.dim() != 3 or condition.shape[:2] != (state.rows, channels) or not condition.shape[2]:
            raise ConfigError(
                f"A condition of shape {tuple(condition.shape)} does not fit: {state.rows} streams are told "
                f"{channels} channels over one column or more."
            )
        if not bool(torch.isfinite(condition).all()):
            raise ConfigError("The condition holds numbers that are infinite or not numbers at all.")
        if state.version != version_of(self):
            raise ConfigError("The weights have moved since this song was begun; begin it again.")

    @torch.no_grad()
    def _told(self, condition: Tensor) -> Iterator[tuple[slice, tuple[Floats, Floats]]]:
        """The frames in pieces: what layers and head are told, biases in it."""
        plainer, count = self.original[0], condition.shape[2]
        biases = torch.stack([layer.conv.linear.bias for layer in plainer.stack.layers])
        many = max(1, AT_ONCE // (self.hop * len(condition)))
        numbers = len(condition) * (biases.numel() + plainer.mix.bias.numel())
        block = many * max(1, TOLD_AT_ONCE // (numbers * many))
        for start in range(0, count, block):
            told = plainer._told(condition[:, :, start : start + block])
            layers, head = plain(told[0] + biases), plain(told[1] + plainer.mix.bias)
            for first in range(0, layers.shape[1], many):
                part = slice(first, first + many)
                frames = slice(start + first, min(start + first + many, count))
                # Not by PyTorch: a copy of this size would wake its threads for every piece.
                yield frames, (np.ascontiguousarray(layers[:, part]), np.ascontiguousarray(head[:, part]))

    def _model(self) -> "_core.Model":
        version = version_of(self)
        if self._packed is None or self._packed[1] != version:
            self._packed = (self._pack(), version)
        return self._packed[0]

    def _pack(self) -> "_core.Model":
        library, variant = require()
        decoder = self.original[0]
        if any(weight.device.type != "cpu" for weight in decoder.parameters()):
            raise ConfigError("The compiled sampler sings on the processor only; this decoder is on another device.")
        arrays = arrays_of(decoder, self.sizes)
        if self.precision == "int8":
            self.scales = self.scales or measured(decoder)
            arrays |= self.scales.arrays()
        sizes = [self.sizes.residual, self.sizes.skip, self.sizes.kernel, self.sizes.levels]
        try:
            model: _core.Model = library.Model(
                arrays, sizes, list(self.sizes.dilations), CODES.index(self.precision), variant
            )
        except ValueError as error:
            raise ConfigError(f"The weights cannot be packed: {error}.") from None
        return model


_NOTHING = torch.zeros(0, 0)
_NOBODY = Controls(_NOTHING, _NOTHING, _NOTHING, _NOTHING)  # a WaveNet is told everything by its condition


def cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # systems without affinity
        return os.cpu_count() or 1
