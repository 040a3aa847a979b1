"""The strided encoder: its clock, how far it hears, and what its silence is."""

import pytest
import torch

from vocalise.config import override
from vocalise.parts import Strided
from vocalise.recipes import recipe


@pytest.mark.parametrize(("strides", "hop"), [((2,) * 6, 64), ((2, 3, 5), 30), ((4, 4), 16), ((5,), 5)])
@pytest.mark.parametrize("blocks", [0, 2])
def test_a_frame_hears_exactly_its_context_at_any_strides(strides, hop, blocks):
    torch.manual_seed(0)
    encoder = Strided.Config(strides=strides, blocks=blocks, width=24, channels=5).build(channels=1, rate=16_000)
    encoder = encoder.double().eval()
    assert encoder.hop == hop
    left, right = encoder.context
    frames = 2 * (max(left, right) // hop + 2) + 1
    signal = torch.randn(1, 1, frames * hop, dtype=torch.float64, requires_grad=True)
    middle = frames // 2
    encoder(signal)[0, :, middle].square().sum().backward()
    felt = signal.grad[0, 0].nonzero()[:, 0]
    assert (felt.min(), felt.max()) == (middle * hop - left, (middle + 1) * hop + right - 1)


def test_the_published_clock_is_250_frames_a_second():
    chosen = recipe("vqvae").model
    assert chosen.signal.rate / chosen.encoder.build(channels=1, rate=16_000).hop == 250
    assert chosen.encoder.blocks == 2 and chosen.encoder.build(channels=1, rate=16_000).context == (191, 191)


def test_strides_can_be_set_by_name():
    chosen = override(recipe("vqvae"), "model.encoder.strides=2,2,2,2,5")
    assert chosen.model.encoder.strides == (2, 2, 2, 2, 5)
