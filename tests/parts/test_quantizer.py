"""The quantiser: known clouds get their codes, gradients pass as ones, dead codes come back, luck is in the state."""

import math

import pytest
import torch

from vocalise.parts.bottlenecks import VectorQuantizer
from vocalise.parts.bottlenecks.quantizer import nearest

CENTRES = torch.tensor([[4.0, 0.0], [0.0, 4.0], [-4.0, 0.0], [0.0, -4.0]])


def quantizer(channels=2, **choices):
    torch.manual_seed(0)
    return VectorQuantizer.Config(**{"codes": 8, "jitter": 0.0, **choices}).build(channels=channels)


def clouds(frames=64, spread=0.1, shares=(0.25, 0.25, 0.25, 0.25)):
    """Content (2, 2, frames): frames near four centres, each with its share."""
    owner = torch.multinomial(torch.tensor(shares), 2 * frames, replacement=True)
    near = CENTRES[owner] + spread * torch.randn(2 * frames, 2)
    return near.view(2, frames, 2).transpose(1, 2).contiguous().requires_grad_()  # as an encoder that learns gives it


def taught(passes=300, **choices):
    bottleneck = quantizer(**choices)
    for _ in range(passes):
        bottleneck(clouds())
    return bottleneck


def test_the_gradient_passes_straight_through_as_ones():
    bottleneck = quantizer()
    content = clouds()
    latent = bottleneck(content)
    latent.z.sum().backward()
    assert torch.equal(content.grad, torch.ones_like(content))
    content.grad, weights = None, torch.randn(2, 2, 64)
    (bottleneck(content).z * weights).sum().backward()
    assert torch.equal(content.grad, weights)


def test_what_passes_is_the_nearest_code_to_the_last_bit():
    bottleneck, content = taught(20), clouds()
    for mode in (True, False):
        bottleneck.train(mode)
        book = bottleneck.codes.clone()
        z = bottleneck(content).z.transpose(1, 2)
        apart = torch.cdist(content.transpose(1, 2), book, compute_mode="donot_use_mm_for_euclid_dist")
        assert torch.equal(z, book[apart.argmin(-1)])


def test_the_first_of_equal_codes_is_taken():
    assert nearest(torch.zeros(3, 2), torch.ones(5, 2)).tolist() == [0, 0, 0]


def test_the_commitment_is_the_mean_square_and_pulls_only_the_encoder():
    bottleneck = quantizer().eval()
    content = clouds()
    latent = bottleneck(content)
    commitment = latent.terms["commitment"]
    assert commitment.item() == pytest.approx((content - latent.z).square().mean().item(), rel=1e-5)
    commitment.backward()
    assert torch.allclose(content.grad, 2 * (content - latent.z).detach() / content.numel(), atol=1e-7)
    assert not list(bottleneck.parameters())


def test_the_book_finds_the_middles_of_clouds():
    apart = torch.cdist(CENTRES, taught().codes).min(dim=1).values
    assert apart.max() < 0.15


def test_the_book_follows_the_published_averages():
    bottleneck, content = taught(3, decay=0.9), clouds()
    counts, sums, book = bottleneck.counts.clone(), bottleneck.sums.clone(), bottleneck.codes.clone()
    frames = content.detach().transpose(1, 2).flatten(0, 1)
    chosen = nearest(frames, book)
    bottleneck(content)
    for code in range(8):
        own = frames[chosen == code]
        assert bottleneck.counts[code].item() == pytest.approx(0.9 * counts[code].item() + 0.1 * len(own), rel=1e-4)
        assert torch.allclose(bottleneck.sums[code], 0.9 * sums[code] + 0.1 * own.sum(0), atol=1e-4)
    total, epsilon = bottleneck.counts.sum(), 1e-5
    smooth = (bottleneck.counts + epsilon) / (total + 8 * epsilon) * total
    assert torch.allclose(bottleneck.codes, bottleneck.sums / smooth[:, None])
    assert smooth.sum().item() == pytest.approx(total.item(), rel=1e-5)


def test_the_first_frames_give_the_book_its_codes():
    bottleneck, content = quantizer(decay=1.0), clouds()
    bottleneck(content)
    frames = content.detach().transpose(1, 2).flatten(0, 1)
    owners = [(frames - code).abs().sum(dim=1).min(dim=0) for code in bottleneck.codes]
    assert max(float(owner.values) for owner in owners) < 1e-4
    assert len({int(owner.indices) for owner in owners}) == 8


def test_a_code_that_nobody_takes_starts_again_where_there_is_something():
    bottleneck = taught(50, patience=20, codes=4)
    with torch.no_grad():
        bottleneck.sums[2] = torch.tensor([1e3, 1e3]) * bottleneck.counts[2]
    for _ in range(20):
        bottleneck(clouds())
        assert bottleneck.codes[2].norm() > 100
    bottleneck(clouds())
    assert bottleneck.codes[2].norm() < 10
    assert bottleneck(clouds()).facts["codes_alive"] == 1.0


def test_a_book_without_patience_to_the_end_keeps_its_dead():
    bottleneck = quantizer(patience=1 << 20)
    bottleneck.idle.zero_()
    before = bottleneck.sums.clone()
    bottleneck(100.0 + clouds())
    kept = (bottleneck.idle > 0).nonzero()[:, 0]
    assert len(kept) >= 6 and torch.allclose(bottleneck.sums[kept], 0.99 * before[kept])


def test_perplexity_is_that_of_the_shares():
    bottleneck = taught(200, codes=4).eval()
    even = bottleneck(CENTRES.repeat(10, 1).T[None]).facts["perplexity"]
    assert even.item() == pytest.approx(4.0, rel=1e-4)
    one = bottleneck(CENTRES[:1].repeat(10, 1).T[None]).facts["perplexity"]
    assert one.item() == pytest.approx(1.0, rel=1e-4)
    uneven = torch.cat([CENTRES[:1].repeat(3, 1), CENTRES[1:2]]).T[None]
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert bottleneck(uneven).facts["perplexity"].item() == pytest.approx(math.exp(entropy), rel=1e-4)


def test_jitter_takes_neighbours_as_often_as_it_says_and_only_in_training():
    bottleneck = quantizer(codes=512, jitter=0.3, decay=1.0)
    content = torch.linspace(-9, 9, 400).repeat(1, 2, 1).contiguous().requires_grad_()
    z = bottleneck(content).z
    book = bottleneck.codes
    own, taken = nearest(content.detach()[0].T, book), nearest(z.detach()[0].T, book)
    left = (taken[1:-1] == own[:-2]).float().mean().item()
    right = (taken[1:-1] == own[2:]).float().mean().item()
    assert left == pytest.approx(0.15, abs=0.06) and right == pytest.approx(0.15, abs=0.06)
    z.sum().backward()
    assert content.grad.sum().item() == content.numel()  # every gradient arrives, where its sound came from
    assert content.grad.max() >= 2
    with torch.no_grad():
        assert torch.equal(bottleneck(content).z, bottleneck.eval()(content).z)


def test_listening_does_not_move_the_book():
    bottleneck, content = taught(5), clouds()
    before = {name: value.clone() for name, value in bottleneck.state_dict().items()}
    with torch.no_grad():
        bottleneck(content)
    bottleneck(content.detach())  # from an encoder at rest, as in enrolling
    bottleneck.eval()(content)
    assert all(torch.equal(value, before[name]) for name, value in bottleneck.state_dict().items())


def test_frames_that_are_not_finite_teach_nothing():
    bottleneck = taught(5)
    bottleneck.idle[3] = 1 << 20  # and nothing starts again there
    book = bottleneck.codes.clone()
    bottleneck(torch.full((1, 2, 9), math.nan, requires_grad=True))
    assert torch.equal(bottleneck.codes, book)


def test_a_book_goes_on_from_its_state_bit_for_bit():
    bottleneck, twin = taught(7, patience=3, jitter=0.3), quantizer(patience=3, jitter=0.3)
    twin.load_state_dict(bottleneck.state_dict())
    ends = []
    for one in (bottleneck, twin):
        torch.manual_seed(3)
        sung = [one(clouds()).z for _ in range(6)]
        ends.append([*sung, *one.state_dict().values()])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def test_half_precision_reaches_the_same_codes():
    bottleneck, content = taught(20).eval(), clouds()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        z = bottleneck(content.bfloat16()).z
    assert z.dtype == torch.bfloat16
    assert torch.equal(z, bottleneck(content.bfloat16().float()).z.bfloat16())
