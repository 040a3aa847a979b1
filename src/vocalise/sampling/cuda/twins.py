"""What the samplers of CUDA cards have in common: they stand in for a WaveNet, and share its weights.

WaveNet ──same parts, other hands──▶ a decoder of the same contract
"""

from abc import abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor

from vocalise.config import Part
from vocalise.errors import ConfigError
from vocalise.parts.contracts import Chance, Controls, Decoded, Decoder
from vocalise.parts.decoders.wavenet import WaveNet

TwinPrecision = Literal["float32", "bf16"]


# Naming `Part` again keeps stand-ins out of the family: they are no choice of a recipe (see config.members).
class WaveNetTwin(Decoder, Part):
    """A decoder that sings as the WaveNet it is made from; weights are shared, and not counted twice."""

    def __init__(self, decoder: WaveNet, *, precision: TwinPrecision = "float32") -> None:
        """Makes a twin.

        Raises:
            ConfigError: an unknown precision.
        """
        super().__init__()
        if precision not in ("float32", "bf16"):
            raise ConfigError(f"There is no precision {precision!r} on CUDA cards; the choices are float32, bf16.")
        self._modules.update(decoder._modules)
        self.original = (decoder,)  # in a tuple, so that its weights are not counted twice
        self.precision = precision
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self.hop, self.levels, self.unit = decoder.hop, decoder.levels, decoder.unit
        self.receptive_field, self.lookahead = decoder.receptive_field, decoder.lookahead
        self.autoregressive = True
        self.train(decoder.training)

    @property
    def wavenet(self) -> WaveNet:
        """The module that this one stands in for."""
        return self.original[0]

    @property
    def device(self) -> torch.device:
        """Where the weights are now."""
        return self.wavenet.out.weight.device

    def forward(
        self, target: Tensor, condition: Tensor, controls: Controls, bandwidth: Tensor | None = None
    ) -> Decoded:
        """As the module itself: teacher-forced training needs no sampler."""
        decoded: Decoded = self.wavenet(target, condition, controls, bandwidth)
        return decoded

    @abstractmethod
    def logits(self, target: Tensor, condition: Tensor) -> Tensor:
        """(batch, 1, steps) and (batch, channels, steps / hop) -> (batch, steps, levels), as the sampler sees them."""

    def fingerprint(self) -> tuple[tuple[int, ...], int]:
        """Where the weights lie, and how often they were written: it changes when they move or learn."""
        values = list(self.wavenet.parameters())
        return tuple(value.data_ptr() for value in values), sum(value._version for value in values)

    def check(self, batch: int, home: torch.device, condition: Tensor, chance: Chance) -> None:
        """Refuses what does not fit a state of so many streams.

        Raises:
            ConfigError: another batch, number of channels, number of generators, or device.
        """
        told = (batch, self.wavenet.told.in_features)
        if tuple(condition.shape[:2]) != told or condition.dim() != 3:
            raise ConfigError(
                f"A condition of {tuple(condition.shape)} does not fit: this state sings {told} of any length."
            )
        if len(chance.generators) != batch:
            raise ConfigError(f"{len(chance.generators)} generators for {batch} streams; each needs one of its own.")
        if len({home, self.device, condition.device}) > 1:
            raise ConfigError(
                f"Weights on {self.device}, state on {home}, condition on {condition.device}: move them to one device."
            )

    def check_row(self, row: int, batch: int) -> None:
        """Refuses a stream that is not there.

        Raises:
            ConfigError: no such row.
        """
        if not 0 <= row < batch:
            raise ConfigError(f"There is no stream {row}; there are {batch}, counted from 0.")


def on_the_card_of(tensor: Tensor) -> AbstractContextManager[object]:
    """Makes the tensor's card the one on which kernels are started; elsewhere nothing."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()


def settle(twin: WaveNetTwin, condition: Tensor) -> tuple[Tensor, Tensor]:
    """What layers and head are told: (frames, depth, batch, 2 residual), biases in it, and (frames, batch, skip)."""
    layers, head = twin.wavenet._told(condition)
    return twin.wavenet.stack.with_biases(layers), head.transpose(0, 1).contiguous()


def replaced(old: Any, new: Any) -> bool:
    """Whether a packed record can be kept at its addresses: then the new values were written into the old one."""
    pairs = [(getattr(old, name), getattr(new, name)) for name in old.__dataclass_fields__]
    tensors = [(a, b) for a, b in pairs if isinstance(a, Tensor)]
    if any((a.shape, a.dtype, a.device) != (b.shape, b.dtype, b.device) for a, b in tensors):
        return False
    for a, b in tensors:
        a.copy_(b)
    return True
