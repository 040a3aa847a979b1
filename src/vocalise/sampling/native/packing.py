"""A WaveNet's weights as the compiled sampler takes them: plain float32 arrays, refused if they make no sense.

stem, skip stem ──both linear in the signal: multiplied out──▶ two small tables
conv, out of each layer ──residual and skip apart, biases of the skips added up──▶ stacks
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vocalise.checkpoint.container import is_finite
from vocalise.errors import ConfigError, Unsupported
from vocalise.parts.decoders.wavenet import WaveNet
from vocalise.parts.layers import GatedBlock

Floats = NDArray[np.float32]
WIDEST = 512  # residual and skip channels; the published sizes have 128
DEEPEST = 256  # layers
FEWEST_TAPS, MOST_TAPS = 2, 8
MOST_LEVELS = 4096
REACH = 1 << 15  # samples; the largest dilation


@dataclass(frozen=True)
class Sizes:
    """What the compiled sampler has to know of a WaveNet beside its weights."""

    residual: int
    skip: int
    kernel: int
    levels: int
    dilations: tuple[int, ...]


def sizes_of(decoder: WaveNet) -> Sizes:
    """The sizes of a decoder.

    Raises:
        Unsupported: the compiled sampler has no form for them.
    """
    layers, conv = decoder.stack.layers, decoder.stem
    skip = decoder.mix.in_features
    sizes = Sizes(decoder.stack.residual, skip, conv.kernel, decoder.levels, tuple(x.conv.dilation for x in layers))
    bounds = (
        ("residual channels", sizes.residual, 1, WIDEST),
        ("skip channels", sizes.skip, 1, WIDEST),
        ("taps of the kernel", sizes.kernel, FEWEST_TAPS, MOST_TAPS),
        ("levels", sizes.levels, 2, MOST_LEVELS),
        ("layers", len(layers), 1, DEEPEST),
        ("samples of the largest dilation", max(sizes.dilations), 1, REACH),
    )
    for what, value, least, most in bounds:
        if not least <= value <= most:
            raise Unsupported(
                f"The compiled sampler takes {least} to {most} {what}, this WaveNet has {value}; PyTorch can sing it."
            )
    return sizes


def arrays_of(decoder: WaveNet, sizes: Sizes) -> dict[str, Floats]:
    """The weights, float32 and contiguous.

    Raises:
        ConfigError: some weight is not a number or infinite, or a shape does not fit the sizes.
    """
    require_finite("decoder", decoder)
    layers, stem = decoder.stack.layers, decoder.stem.linear
    residual = sizes.residual
    through, aside = zip(*(_ways(layer, residual) for layer in layers), strict=True)
    signal = decoder.skip_stem.weight.double() @ stem.weight.double()
    level = decoder.skip_stem.weight.double() @ stem.bias.double() + decoder.skip_stem.bias.double()
    level = level + sum(layer.out.bias[-sizes.skip :].double() for layer in layers)
    found = {
        "stem": stem.weight,
        "stem_bias": stem.bias,
        "skip_stem": signal,
        "skip_bias": level,
        "conv": torch.stack([layer.conv.linear.weight for layer in layers]),
        "through": _stack(through[:-1], (residual, residual)),
        "through_bias": _stack([layer.out.bias[:residual] for layer in layers[:-1]], (residual,)),
        "aside": torch.stack(aside),
        "mix": decoder.mix.weight,
        "out": decoder.out.weight,
        "out_bias": decoder.out.bias,
    }
    return {name: plain(value) for name, value in found.items()}


def plain(tensor: Tensor) -> Floats:
    """A tensor as a contiguous array of float32."""
    array: Floats = tensor.detach().to("cpu", torch.float32).contiguous().numpy()
    return array


def version_of(module: nn.Module) -> tuple[int, ...]:
    """Changes whenever a weight is written to or exchanged."""
    return tuple(number for weight in module.parameters() for number in (weight._version, weight.data_ptr()))


def require_finite(whose: str, *networks: nn.Module) -> None:
    """Raises ConfigError where a weight is infinite or not a number."""
    for network in networks:
        for name, weight in network.named_parameters():
            if not is_finite(weight):
                raise ConfigError(
                    f"The {whose}'s weight {name} holds numbers that are infinite or not numbers at all: "
                    "its training broke off badly; take an earlier checkpoint."
                )


def _ways(layer: GatedBlock, residual: int) -> tuple[Tensor, Tensor]:
    """What goes on to the next layer and what is put aside; the last layer has only the second."""
    weight, own = layer.out.weight, layer.split[0]
    return weight[:own] if own else weight[:0].expand(0, residual), weight[own:]


def _stack(parts: "tuple[Tensor, ...] | list[Tensor]", shape: tuple[int, ...]) -> Tensor:
    return torch.stack(list(parts)) if parts else torch.zeros(0, *shape)
