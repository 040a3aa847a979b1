import math

import pytest
import scipy.fft
import torch

from vocalise.audio.spectrum import cepstra, log_mel, log_spectrum, mel_filters, mel_spectrum, mfcc, stft


def tone(hertz: float, amplitude: float = 1.0, rate: int = 16_000, seconds: float = 1.0) -> torch.Tensor:
    time = torch.arange(round(rate * seconds), dtype=torch.float64) / rate
    return (amplitude * torch.sin(2 * math.pi * hertz * time)).float()


def test_a_tone_reads_its_amplitude_at_its_bin():
    spectrum = stft(tone(1000.0, 0.25), size=1024, hop=160).abs()
    middle = spectrum[:, 50]
    assert int(middle.argmax()) == 64
    assert float(middle.max()) == pytest.approx(0.25, rel=1e-3)


def test_a_tone_reads_its_level_in_decibels():
    levels = log_spectrum(tone(1000.0, 0.1), size=1024, hop=160)[:, 50]
    assert float(levels.max()) == pytest.approx(-20.0, abs=0.01)
    assert float(levels[256:].max()) < -75.0


def test_silence_lies_on_the_floor():
    assert torch.equal(log_spectrum(torch.zeros(1000), size=512, hop=100), torch.full((257, 11), -100.0))


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 161, 1024, 16_000, 16_001])
def test_every_length_has_a_frame_each_hop_and_one_more(samples):
    wave = torch.zeros(2, 3, samples)
    assert stft(wave, size=1024, hop=160).shape == (2, 3, 513, samples // 160 + 1)
    assert log_mel(wave, 16_000).shape == (2, 3, 80, samples // 160 + 1)
    assert mfcc(wave, 16_000).shape == (2, 3, 20, samples // 160 + 1)


def test_a_click_is_seen_at_the_frame_of_its_sample():
    wave = torch.zeros(16_000)
    wave[8000] = 1.0
    assert int(stft(wave, size=512, hop=160).abs().sum(0).argmax()) == 50


def test_mel_weights_of_a_frequency_add_up_to_one():
    for bands in (20, 80, 200):
        filters = mel_filters(16_000, 1024, bands)
        assert (filters >= 0.0).all()
        assert (filters.sum(1) > 0.0).all()
        centres = 700 * (10 ** (torch.linspace(0.0, 2595 * math.log10(1 + 8000 / 700), bands + 2) / 2595) - 1)
        inside = slice(math.ceil(float(centres[1]) / 15.625) + 1, math.floor(float(centres[-2]) / 15.625))
        assert torch.allclose(filters.sum(0)[inside], torch.ones(1), atol=1e-5)


def test_a_filter_peaks_at_its_centre():
    filters = mel_filters(16_000, 4096, 10)
    centres = 700 * (10 ** (torch.linspace(0.0, 2595 * math.log10(1 + 8000 / 700), 12)[1:-1] / 2595) - 1)
    assert torch.allclose(filters.argmax(1) * 16_000 / 4096, centres, atol=4.0)


def test_mel_bands_hold_the_power_of_a_tone():
    for hertz in (220.0, 440.0, 1234.5, 5000.0):
        bands = mel_spectrum(tone(hertz, 0.5), 16_000)[:, 50]
        assert float(bands.square().sum().sqrt()) == pytest.approx(0.5, rel=0.01)


def test_cepstra_agree_with_the_textbook_transform():
    spectra = torch.rand(2, 40, 7, generator=torch.Generator().manual_seed(0))
    expected = scipy.fft.dct(spectra.double().numpy(), type=2, norm="ortho", axis=-2)[:, :13]
    assert torch.allclose(cepstra(spectra, 13).double(), torch.from_numpy(expected), atol=1e-5)


def test_louder_moves_the_first_coefficient_only():
    generator = torch.Generator().manual_seed(0)
    wave = torch.rand(16_000, generator=generator) - 0.5
    difference = mfcc(wave, 16_000)[:, 20] - mfcc(wave / 2, 16_000)[:, 20]
    assert float(difference[0]) == pytest.approx(20 * math.log10(2) * math.sqrt(40), rel=1e-3)
    assert difference[1:].abs().max() < 1e-3


def test_gradients_reach_the_wave():
    wave = tone(440.0, seconds=0.1).requires_grad_()
    log_mel(wave, 16_000).sum().backward()
    assert wave.grad is not None
    assert torch.isfinite(wave.grad).all()
    assert wave.grad.abs().sum() > 0.0
