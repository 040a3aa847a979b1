"""One WaveNet: causal, the same in steps as in one sweep, with the published reach and size."""

import pytest
import torch

from tests.material import build, dice
from vocalise.parts import Dilated, WaveNet
from vocalise.parts.layers import CausalConv, GatedStack, receptive_field
from vocalise.recipes import recipe


def wavenet(**sizes):
    return WaveNet.Config(**sizes).build(signal=1, condition=5, hop=20, singers=2, rate=16000)


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("dilation", [1, 4, 7])
def test_a_convolution_in_steps_is_the_convolution(kernel, dilation):
    conv = CausalConv(3, 5, kernel=kernel, dilation=dilation)
    x = torch.randn(2, 40, 3)
    ring = x.new_zeros(conv.memory, 2, 3)
    with torch.no_grad():
        stepped = torch.stack([conv.step(x[:, t], ring, t, conv.linear.bias) for t in range(40)], dim=1)
        assert (stepped - conv(x)).abs().max() < 1e-5


@pytest.mark.parametrize(
    "sizes", [{"blocks": 2, "layers": 5}, {"blocks": 2, "layers": 4, "kernel": 3}], ids=["k2", "k3"]
)
def test_step_equals_forward(sizes):
    decoder = wavenet(residual=12, skip=20, **sizes)
    target, condition = torch.rand(3, 1, 200) - 0.5, torch.randn(3, 5, 10)
    with torch.no_grad():
        swept = decoder.logits(target, condition)
        state = decoder.begin(3)
        layers, head = decoder._told(condition)
        told = decoder.stack.with_biases(layers)
        for t in range(200):
            stepped = decoder.step(state, told[t // 20], head[:, t // 20])
            state.sung = target[:, :, t]
            assert (stepped - swept[:, t]).abs().max() < 1e-5


def test_step_equals_forward_for_the_recipe_at_small_size():
    model = build(recipe("usvc", "small"))
    decoder = model.decoder
    target, condition = torch.rand(1, 1, 800) - 0.5, torch.randn(1, model.condition.channels, 1)
    with torch.no_grad():
        swept = decoder.logits(target, condition)
        state = decoder.begin(1)
        layers, head = decoder._told(condition)
        told = decoder.stack.with_biases(layers)
        worst = 0.0
        for t in range(800):
            stepped = decoder.step(state, told[0], head[:, 0])
            state.sung = target[:, :, t]
            worst = max(worst, float((stepped - swept[:, t]).abs().max()))
    assert worst < 1e-5


@pytest.mark.parametrize("t", [0, 1, 57, 199])
def test_changing_a_sample_changes_no_logit_at_or_before_it(t):
    decoder = wavenet(blocks=2, layers=5, residual=12, skip=20)
    target, condition = torch.rand(1, 1, 200) - 0.5, torch.randn(1, 5, 10)
    other = target.clone()
    other[..., t] = -other[..., t] + 0.01
    with torch.no_grad():
        before, after = decoder.logits(target, condition), decoder.logits(other, condition)
    assert torch.equal(before[:, : t + 1], after[:, : t + 1])
    if t < 199:
        assert not torch.equal(before[:, t + 1], after[:, t + 1])


def measured_reach(decoder, length):
    """How many samples back the last logit still depends on, found by gradient."""
    target = (torch.rand(1, 1, length) - 0.5).requires_grad_()
    decoder.logits(target, torch.randn(1, 5, length // 20))[0, -1].square().sum().backward()
    touched = target.grad[0, 0].nonzero()
    return length - int(touched.min()) - 1


@pytest.mark.parametrize(("blocks", "layers", "kernel"), [(2, 5, 2), (3, 4, 2), (2, 4, 3)])
def test_the_measured_reach_is_the_computed_one(blocks, layers, kernel):
    decoder = wavenet(blocks=blocks, layers=layers, kernel=kernel, residual=8, skip=8)
    assert measured_reach(decoder, 200) == decoder.receptive_field


def test_published_receptive_fields():
    assert receptive_field(2, 4, 10) == 4093
    usvc, nsynth = build(recipe("usvc")), build(recipe("nsynth", "tiny"))
    assert usvc.decoder.receptive_field == 4094
    assert nsynth.decoder.receptive_field == 6141
    assert sum(usvc.encoder.context) + 1 == 6141


def millions(module):
    return sum(value.numel() for value in module.parameters()) / 1e6


def test_published_parameter_counts():
    usvc = build(recipe("usvc"), singers=12)
    assert millions(usvc.encoder) == pytest.approx(1.98, rel=0.005)
    assert millions(usvc.decoder) == pytest.approx(5.36, rel=0.005)
    nsynth = recipe("nsynth").model
    with torch.device("meta"):
        assert millions(nsynth.encoder.build(channels=1, rate=16_000)) == pytest.approx(1.98, rel=0.005)
        assert millions(nsynth.decoder.build(signal=1, condition=16, hop=512, singers=1, rate=16000)) == pytest.approx(
            59.8, rel=0.005
        )


def test_the_last_layer_has_no_residual_that_nobody_hears():
    stack = GatedStack(blocks=1, layers=3, kernel=2, residual=4, skip=6)
    assert [layer.out.out_features for layer in stack.layers] == [10, 10, 6]


def test_conditioning_is_projected_on_the_slow_clock():
    decoder = wavenet(blocks=1, layers=3, residual=4, skip=6)
    seen = []
    decoder.told.register_forward_hook(lambda module, given, out: seen.append(given[0].shape))
    decoder.logits(torch.zeros(2, 1, 200), torch.zeros(2, 5, 10))
    assert seen == [torch.Size([2, 10, 5])]


def test_sampling_follows_the_distribution():
    decoder = wavenet(blocks=1, layers=1, residual=4, skip=6, levels=4)
    logits = torch.log(torch.tensor([0.1, 0.2, 0.3, 0.4])).expand(20_000, -1)
    luck = torch.rand(20_000, generator=torch.Generator().manual_seed(0))
    counts = torch.bincount(decoder._draw(logits, luck, 1.0).flatten(), minlength=4) / 20_000
    assert torch.allclose(counts, torch.tensor([0.1, 0.2, 0.3, 0.4]), atol=0.015)
    cold = torch.bincount(decoder._draw(logits, luck, 0.5).flatten(), minlength=4) / 20_000
    sharper = torch.tensor([1.0, 4.0, 9.0, 16.0]) / 30
    assert torch.allclose(cold, sharper, atol=0.015)
    assert (decoder._draw(logits, luck, 0.0) == 3).all()


def test_a_likelihood_of_uniform_guessing_is_eight_bits():
    decoder = wavenet(blocks=1, layers=2, residual=4, skip=6)
    torch.nn.init.zeros_(decoder.out.weight)
    torch.nn.init.zeros_(decoder.out.bias)
    decoded = decoder(torch.rand(2, 1, 200) - 0.5, torch.zeros(2, 5, 10), None)
    assert decoded.loss.tolist() == pytest.approx([5.545177] * 2, rel=1e-5)
    assert decoder.unit.scale * float(decoded.loss[0].detach()) == pytest.approx(8.0)


def test_the_same_dice_sing_the_same_song():
    decoder = wavenet(blocks=1, layers=4, residual=8, skip=8).eval()
    condition = torch.randn(2, 5, 10)
    first, again = (decoder.generate(condition, None, dice(2)) for _ in range(2))
    other = decoder.generate(condition, None, dice(2, seed=7))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_an_encoder_is_as_deep_as_it_says():
    encoder = Dilated.Config(blocks=2, layers=3, width=4, channels=2, hop=10).build(channels=1, rate=16_000)
    assert encoder.context == (15, 15)
