"""The spectral distance: zero for the same, dB for a gain, blind above what a file holds."""

import pytest
import torch

from vocalise.parts.losses import SpectralLoss

RATE = 16_000


def noise(batch=2, seed=0):
    return 0.1 * torch.randn(batch, RATE, generator=torch.Generator().manual_seed(seed))


def above(wave, hertz):
    spectrum = torch.fft.rfft(wave)
    spectrum[:, : round(hertz * wave.shape[1] / RATE)] = 0.0
    return torch.fft.irfft(spectrum, n=wave.shape[1])


def test_a_wave_is_no_distance_from_itself():
    assert SpectralLoss(RATE, peaks=10.0, mel=1.0)(noise(), noise()).abs().max() < 1e-4


def test_a_gain_is_as_far_as_it_is_loud():
    apart = SpectralLoss(RATE, peaks=0.0, mel=0.0)(noise(), noise() * 10 ** (6 / 20))
    assert apart.tolist() == pytest.approx([6.0, 6.0], abs=0.1)


def test_what_is_above_a_files_bandwidth_is_not_compared():
    loss, target = SpectralLoss(RATE, peaks=10.0, mel=1.0), noise()
    other = target + 3.0 * above(noise(seed=1), 5_500)
    assert (loss(target, other) > 3.0).all()
    assert (loss(target, other, torch.tensor([5_000.0, 5_000.0])) < 0.5).all()
    mixed = loss(target, other, torch.tensor([5_000.0, 8_000.0]))
    assert mixed[0] < 0.5 and mixed[1] == pytest.approx(float(loss(target, other)[1]))


def test_silence_has_a_distance_and_a_gradient():
    estimate = (1e-4 * noise()).requires_grad_()
    SpectralLoss(RATE, peaks=10.0, mel=1.0)(torch.zeros(2, RATE), estimate).sum().backward()
    assert torch.isfinite(estimate.grad).all()
