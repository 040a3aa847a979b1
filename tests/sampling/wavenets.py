"""WaveNets of odd widths and what they are told, for the tests of samplers."""

import torch

from vocalise.parts import WaveNet
from vocalise.parts.contracts import Controls

CHANNELS = 5


def wavenet(*, hop=4, seed=0, **sizes):
    """Two blocks of dilations 1, 2, 4: rings wrap round every few steps."""
    torch.manual_seed(seed)
    config = WaveNet.Config(**{"blocks": 2, "layers": 3, "residual": 12, "skip": 20, "levels": 250, **sizes})
    return config.build(signal=1, condition=CHANNELS, hop=hop, singers=2, rate=16_000).eval()


@torch.no_grad()
def loud(module):
    """The same with layers that matter, as those of a trained one do: fresh ones hardly hear what was long ago."""
    for block in module.stack.layers:
        block.conv.linear.weight.mul_(4.0)
        block.out.weight.mul_(4.0)
    return module


def told(batch=3, columns=6, seed=1):
    condition = torch.randn(batch, CHANNELS, columns, generator=torch.Generator().manual_seed(seed))
    return condition, Controls(torch.full((batch, 2, 1), 0.5), *(torch.ones(batch, columns) for _ in range(3)))


def in_breaths(decoder, condition, controls, luck, *, breaths, renewed=None):
    """Sings columns in breaths of these sizes; forgets row `renewed` before the second."""
    state, parts, start = decoder.begin(len(condition)), [], 0
    for number, columns in enumerate(breaths):
        if number == 1 and renewed is not None:
            decoder.renew(state, renewed)
        span = slice(start, start + columns)
        parts.append(decoder.extend(state, condition[:, :, span], controls.columns(span), luck))
        start += columns
    assert start == condition.shape[2]
    return torch.cat(parts, dim=2)
