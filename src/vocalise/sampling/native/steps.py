"""ConvNeXt stacks stepped in C++, for singing live: half the bytes where the weights came from 16 bits.

weights ──packed for this processor, in 32 or 16 bits──▶ Stack ──▶ Past: told (steps, channels) ──▶ drawn (steps, out)
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from vocalise.errors import ConfigError
from vocalise.parts.layers import ConvNeXtStack
from vocalise.sampling.native.library import require
from vocalise.sampling.native.packing import Floats, plain, require_finite

if TYPE_CHECKING:
    from vocalise.sampling.native import _core


class NativeSteps:
    """A stack and the layer behind it, in compiled code.

    Weights of 16 bits are widened while they are multiplied, and sums are float32: nothing differs but the way to them.
    It is a picture of the weights as they are now: after a training step it has to be taken again.
    """

    def __init__(self, stack: ConvNeXtStack, head: nn.Linear, *, half: bool | None = None) -> None:
        """Takes the picture.

        Args:
            stack: on the processor.
            head: of it.
            half: whether matrices are kept in 16 bits, rounded if need be; None: where that changes no weight, unless
                the processor has to be told in so many words how to widen them, which takes longer than to read more.

        Raises:
            ConfigError: no compiled module, sizes that it does not know, or weights that are no numbers.
        """
        library, variant = require()
        require_finite("network", stack, head)
        self.half = variant != "portable" and exact_in_halves(stack, head) if half is None else half
        block = stack.layers[0]
        wide, self._out = block.widen.out_features, head.out_features
        sizes = [stack.stem.in_features, stack.width, wide, len(stack.layers), block.memory, self._out]
        try:
            self._stack: _core.Stack = library.Stack(arrays_of(stack, head), sizes, stack.first.eps, self.half, variant)
        except ValueError as error:
            raise ConfigError(f"The weights cannot be packed: {error}.") from None
        self._past: type[_core.Past] = library.Past

    @property
    def bytes(self) -> int:
        """What the weights take, in whole pages."""
        return self._stack.bytes

    def begin(self) -> "_core.Past":
        """The past before anything: silence within every block."""
        return self._past(self._stack)

    def extend(self, past: "_core.Past", told: Floats) -> Floats:
        """(steps, channels) more -> (steps, out); `past` is moved on."""
        drawn = np.empty((len(told), self._out), np.float32)
        past.extend(np.ascontiguousarray(told, np.float32), drawn)
        return drawn


def exact_in_halves(stack: ConvNeXtStack, head: nn.Linear) -> bool:
    """Whether 16 bits hold every weight of the matrices as it is: those of voice files in 16 bits, and few others."""
    layers = [stack.stem, head, *(layer for block in stack.layers for layer in (block.widen, block.narrow))]
    return all(bool((layer.weight.half().float() == layer.weight).all()) for layer in layers)


@torch.no_grad()
def arrays_of(stack: ConvNeXtStack, head: nn.Linear) -> dict[str, Floats]:
    """The weights, float32 and contiguous; see `vn_stack_weights` in native/stack.h."""
    blocks = stack.layers

    def of_norm(layer: nn.LayerNorm) -> Tensor:
        return torch.stack([layer.weight, layer.bias])

    found = {
        "stem": stack.stem.weight,
        "stem_bias": stack.stem.bias,
        "first": of_norm(stack.first),
        "taps": torch.stack([block.depthwise.weight[:, 0].t() for block in blocks]),
        "tap_bias": torch.stack([block.depthwise.get_parameter("bias") for block in blocks]),
        "norms": torch.stack([of_norm(block.norm) for block in blocks]),
        "widen": torch.stack([block.widen.weight for block in blocks]),
        "widen_bias": torch.stack([block.widen.bias for block in blocks]),
        "narrow": torch.stack([block.narrow.weight for block in blocks]),
        "narrow_bias": torch.stack([block.narrow.bias for block in blocks]),
        "scale": torch.stack([block.scale for block in blocks]),
        "last": of_norm(stack.last),
        "head": head.weight,
        "head_bias": head.bias,
    }
    return {name: plain(value) for name, value in found.items()}
