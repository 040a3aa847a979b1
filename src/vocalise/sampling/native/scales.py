"""What a step of an 8-bit number stands for: a scale for every channel of every layer, measured while a wave is heard.

    step = largest magnitude of the channel / 127; the weights take up the steps before they are rounded themselves

Of the shares between activations and weights after Xiao et al., 2023 (eq. 4), a = 1 was the best of 0.3, 0.5, 0.7 and 1
on a trained voice. A channel that goes beyond its range is clipped, which costs far more than coarse steps do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vocalise.parts.decoders.wavenet import WaveNet
from vocalise.sampling.native.packing import Floats, plain

ROOM = 2.0  # how much further than with the built-in wave a channel may go; real singing has been heard otherwise
LENGTH = 1600  # samples of the built-in wave


@dataclass(frozen=True)
class Scales:
    """Steps of the 8-bit numbers: inputs and gated outputs of each layer (depth, residual)."""

    heard: Tensor
    gated: Tensor

    def arrays(self) -> dict[str, Floats]:
        """As the compiled sampler takes them."""
        return {"x_scale": plain(self.heard), "z_scale": plain(self.gated)}


@torch.no_grad()
def measured(decoder: WaveNet, target: Tensor | None = None, condition: Tensor | None = None) -> Scales:
    """Scales from a target (batch, 1, frames * hop) heard under a condition (batch, channels, frames).

    Without them, from a built-in wave (tones that swell, and noise) under conditions drawn from a fixed seed: the same
    for the same weights, whatever will be sung.
    """
    room = 1.0
    if target is None or condition is None:
        (target, condition), room = built_in(decoder), ROOM
    most: dict[nn.Module, Tensor] = {}
    with _watching(decoder, most):
        decoder.logits(target, condition)
    residual = decoder.stack.residual
    heard = [most[layer.conv.linear].view(-1, residual).amax(dim=0) for layer in decoder.stack.layers]
    gated = [most[layer.out] for layer in decoder.stack.layers]  # below 1, whatever is heard
    return Scales(_steps(heard, room), _steps(gated, room).clamp(max=1 / 127))


def built_in(decoder: WaveNet) -> tuple[Tensor, Tensor]:
    """Two rows, loud as companded singing is: a tone that swells to the full range, and noise; loud conditions."""
    generator = torch.Generator().manual_seed(6)
    frames = -(-LENGTH // decoder.hop)
    steps = frames * decoder.hop
    swell, noise = torch.linspace(0.0, 1.0, steps), torch.rand(2, steps, generator=generator) - 0.5
    cycles = torch.arange(steps) / 66.0
    tone = (
        torch.sin(2 * torch.pi * cycles) + torch.sin(4 * torch.pi * cycles) / 2 + torch.sin(6 * torch.pi * cycles) / 3
    )
    wave = torch.stack([0.5 * torch.tanh(8.0 * swell**2 * (tone + 0.2 * noise[0])), noise[1] * swell])
    condition = 2.0 * torch.randn(2, decoder.told.in_features, frames, generator=generator)
    return wave.unsqueeze(1), condition


def _steps(most: list[Tensor], room: float) -> Tensor:
    """A step for each channel; one that was hardly heard gets a thousandth of the loudest one's."""
    found = torch.stack(most)
    least = 1e-3 * found.amax(dim=1, keepdim=True).clamp(min=1e-6)
    return room * torch.maximum(found, least) / 127.0


@contextmanager
def _watching(decoder: WaveNet, most: dict[nn.Module, Tensor]) -> Iterator[None]:
    """Notes the largest magnitude of each input of each linear layer."""

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        largest = inputs[0].detach().abs().flatten(0, -2).amax(dim=0)
        most[module] = torch.maximum(most[module], largest) if module in most else largest

    linears = [module for module in decoder.modules() if isinstance(module, nn.Linear)]
    hooks = [module.register_forward_pre_hook(note) for module in linears]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
