import math

import torch

from vocalise.audio.mulaw import compress, expand, from_classes, to_classes


def test_classes_survive_the_way_out_and_back():
    classes = torch.arange(256)
    assert torch.equal(to_classes(from_classes(classes)), classes)


def test_a_wave_comes_back_within_half_a_level():
    wave = torch.linspace(-1.0, 1.0, 100_001)
    companded, back = compress(wave), compress(from_classes(to_classes(wave)))
    assert (companded - back).abs().max() <= 1.0 / 255 + 1e-6
    assert (companded - back).abs().max() > 0.9 / 255


def test_rounding_is_symmetric():
    wave = torch.rand(10_000, generator=torch.Generator().manual_seed(0)) + 1e-4
    assert torch.equal(to_classes(-wave), 255 - to_classes(wave))
    assert from_classes(torch.tensor([0, 255])).tolist() == [-1.0, 1.0]


def test_beyond_full_scale_is_clipped():
    assert to_classes(torch.tensor([-1.5, 1.5, 1e9])).tolist() == [0, 255, 255]


def test_companding_agrees_with_its_formula_and_inverse():
    x = torch.tensor([-0.5, 0.0, 0.01, 1.0], dtype=torch.float64)
    by_hand = [-math.log1p(127.5) / math.log(256), 0.0, math.log1p(2.55) / math.log(256), 1.0]
    assert torch.allclose(compress(x), torch.tensor(by_hand, dtype=torch.float64))
    assert torch.allclose(expand(compress(x)), x)
    assert torch.allclose(expand(compress(x, levels=1024), levels=1024), x)


def test_noise_of_eight_bits_lies_38_db_under_a_tone():
    wave = 0.5 * torch.sin(torch.arange(16_000) * 0.1234)
    noise = from_classes(to_classes(wave)) - wave
    ratio = 10 * torch.log10(wave.square().mean() / noise.square().mean())
    assert 36.0 < ratio < 40.0  # Jayant & Noll, 1984: 6.02 * 8 - 10.1 dB for μ = 255
