import math

import numpy as np
import pytest
import scipy.signal
import torch

from vocalise.audio.mulaw import from_classes, to_classes
from vocalise.data.choir import compose, perform, singers
from vocalise.measures import spectra
from vocalise.measures.spectra import (
    FLOOR,
    SIZE,
    active_frames,
    bin_distance,
    floors,
    hidden_power,
    log_mel_amplitude,
    mel_distance,
    stft_distance,
)

RATE = 16_000
SECONDS = 4
FAINTEST = FLOOR * SIZE / 4  # of a transform that is not scaled


@pytest.fixture(scope="module")
def sung() -> torch.Tensor:
    """Three seconds of harmonics that swell three times, over a little noise."""
    time = torch.arange(3 * RATE, dtype=torch.float64) / RATE
    tone = sum(torch.sin(2 * math.pi * 200 * k * time) / k for k in range(1, 30))
    noise = 1e-3 * torch.randn(len(time), generator=torch.Generator().manual_seed(0))
    return (0.2 * tone * (0.05 + torch.sin(math.pi * time).square()) + noise).float()


@pytest.fixture(scope="module")
def choir() -> dict[tuple[str, int], torch.Tensor]:
    """Four seconds of two songs by two women and a man."""
    songs = compose(1.0, 0)
    return {
        (singer.name, song): perform(songs[song], singer).wave[: SECONDS * RATE]
        for singer in singers(3)
        for song in (0, 1)
    }


def decibels_apart(a: np.ndarray, b: np.ndarray, active: np.ndarray) -> float:
    """Log-spectral distance of floored magnitudes (bins, frames), by definition."""
    return float(np.sqrt(np.mean((20 * np.log10(a / b)) ** 2, axis=0))[active].mean())


def test_the_distance_of_bins_is_that_of_librosas_and_of_scipys_spectra(choir):
    import librosa

    pair = [choir[name, 0].double().numpy() for name in ("Ada", "Clara")]
    active = active_frames(choir["Ada", 0]).numpy()
    expected = decibels_apart(
        *(np.maximum(np.abs(librosa.stft(x, n_fft=1024, hop_length=160, pad_mode="constant")), FAINTEST) for x in pair),
        active,
    )
    found = bin_distance(*(torch.from_numpy(x) for x in pair), RATE)
    assert found == pytest.approx(expected, rel=1e-9)
    transform = scipy.signal.ShortTimeFFT(scipy.signal.get_window("hann", 1024), 160, RATE)
    scipys = [np.abs(transform.stft(x, p0=0, p1=len(active), k_offset=0)) for x in pair]
    assert found == pytest.approx(decibels_apart(*(np.maximum(x, FAINTEST) for x in scipys), active), rel=1e-9)


def test_the_mel_distance_is_nearly_that_of_librosas_bands(choir):
    import librosa

    pair = [choir[name, 0] for name in ("Ada", "Clara")]
    filters = librosa.filters.mel(sr=RATE, n_fft=1024, n_mels=80, htk=True, norm=None)
    powers = [
        filters @ np.abs(librosa.stft(x.double().numpy(), n_fft=1024, hop_length=160, pad_mode="constant")) ** 2
        for x in pair
    ]
    bands = [np.maximum(np.sqrt(power / 1.5), FAINTEST) for power in powers]
    expected = decibels_apart(*bands, active_frames(pair[0]).numpy())
    # Ours are means over the width of a bin, librosa's are the triangle at its middle: alike but for the lowest bands.
    assert mel_distance(*pair, RATE) == pytest.approx(expected, rel=0.02)


def test_the_distance_at_several_resolutions_is_that_of_librosas_spectra(choir):
    import librosa

    pair = [choir[name, 0].double().numpy() for name in ("Ada", "Clara")]
    convergence, magnitude = [], []
    for size, hop, window in ((512, 50, 240), (1024, 120, 600), (2048, 240, 1200)):
        one, other = (
            np.abs(librosa.stft(x, n_fft=size, hop_length=hop, win_length=window, pad_mode="constant")) for x in pair
        )
        one, other = (np.sqrt(np.maximum(x**2, 1e-7)) for x in (one, other))
        convergence.append(np.linalg.norm(one - other) / np.linalg.norm(one))
        magnitude.append(np.abs(np.log(one) - np.log(other)).mean())
    found = stft_distance(*(torch.from_numpy(x) for x in pair), RATE)
    assert found.spectral_convergence == pytest.approx(np.mean(convergence), rel=1e-9)
    assert found.log_magnitude == pytest.approx(np.mean(magnitude), rel=1e-9)
    assert found.total == pytest.approx(found.spectral_convergence + found.log_magnitude)


def test_a_copy_is_no_distance_away(choir):
    wave = choir["Bruno", 0]
    assert mel_distance(wave, wave, RATE) == mel_distance(wave, wave, RATE, warped=True) == 0.0
    assert bin_distance(wave, wave, RATE) == 0.0
    assert stft_distance(wave, wave, RATE).total == 0.0
    assert bin_distance(wave, wave, 44_100) == stft_distance(wave, wave, 44_100).total == 0.0


def test_half_the_amplitude_is_six_decibels(sung):
    six = 20 * math.log10(2)
    assert mel_distance(sung, 0.5 * sung, RATE) == pytest.approx(six, abs=0.01)
    assert bin_distance(sung, 0.5 * sung, RATE) == pytest.approx(six, abs=0.01)
    figures = stft_distance(sung, 0.5 * sung, RATE)
    assert figures.spectral_convergence == pytest.approx(0.5, abs=1e-4)
    assert figures.log_magnitude == pytest.approx(math.log(2), abs=0.05)  # the faintest bins are at the floor


def test_silence_and_noise_are_failures(choir):
    wave = choir["Ada", 0]
    silence = torch.zeros_like(wave)
    noise = 0.1 * torch.randn(len(wave), generator=torch.Generator().manual_seed(0))
    for wrong in (silence, noise):
        assert mel_distance(wave, wrong, RATE) > 25.0
        assert mel_distance(wave, wrong, RATE, warped=True) > 25.0
        assert bin_distance(wave, wrong, RATE) > 30.0
        assert stft_distance(wave, wrong, RATE).total > 4.0
    assert stft_distance(wave, silence, RATE).spectral_convergence == pytest.approx(1.0, abs=1e-3)


def test_the_louder_the_noise_the_farther(choir):
    wave = choir["Ada", 0]
    noise = float(wave.std()) * torch.randn(len(wave), generator=torch.Generator().manual_seed(0))
    noisy = [wave + 10 ** (-ratio / 20) * noise for ratio in (40, 20, 0)]
    for distances in (
        [mel_distance(wave, each, RATE) for each in noisy],
        [bin_distance(wave, each, RATE) for each in noisy],
        [stft_distance(wave, each, RATE).total for each in noisy],
    ):
        assert distances == sorted(distances)
        assert distances[-1] > 2.0 * distances[0] > 0.0


def test_two_singers_of_one_song_are_nearer_than_two_songs(choir):
    one, same, other = choir["Ada", 0], choir["Clara", 0], choir["Clara", 1]
    for distance in (
        lambda wave: mel_distance(one, wave, RATE),
        lambda wave: mel_distance(one, wave, RATE, warped=True),
        lambda wave: bin_distance(one, wave, RATE),
        lambda wave: stft_distance(one, wave, RATE).total,
    ):
        assert distance(same) < 0.8 * distance(other)


def test_warping_follows_a_singer_who_comes_late(choir):
    wave = choir["Ada", 0]
    late = torch.cat([wave[: 2 * RATE], wave[2 * RATE - RATE // 4 :]])  # a quarter of a second is sung twice
    assert mel_distance(wave, late, RATE, warped=True) < 1.0
    assert mel_distance(wave, late, RATE) > 5.0


def test_the_microphones_colour_does_not_move_the_path(choir):
    wave = choir["Ada", 0]
    dull = torch.from_numpy(scipy.signal.lfilter([0.3], [1.0, -0.7], wave.double().numpy()))
    assert mel_distance(wave, dull, RATE, warped=True) == pytest.approx(mel_distance(wave, dull, RATE), rel=0.02)


def test_what_a_noise_at_the_depth_would_hide_does_not_count(choir):
    wave, other = choir["Ada", 0], choir["Clara", 0]
    eight_bits = from_classes(to_classes(wave))
    assert mel_distance(wave, eight_bits, RATE) > 0.7 * mel_distance(wave, other, RATE)  # nearly another singer
    assert mel_distance(wave, eight_bits, RATE, depth=35.0) < 0.25 * mel_distance(wave, other, RATE, depth=35.0)
    noise = torch.randn(len(wave), generator=torch.Generator().manual_seed(0))
    loud = float(wave.square().mean().sqrt())
    assert mel_distance(wave, wave + 10 ** (-55 / 20) * loud * noise, RATE, depth=35.0) < 0.3
    assert mel_distance(wave, wave + 10 ** (-15 / 20) * loud * noise, RATE, depth=35.0) > 8.0
    assert mel_distance(wave, 0.1 * wave, RATE, depth=35.0) == pytest.approx(20.0, abs=1e-3)


def test_the_hidden_noise_is_as_strong_in_every_band_as_a_real_one():
    wave = 0.1 * torch.randn(5 * RATE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    hidden = hidden_power(wave, 20.0)
    assert hidden == pytest.approx(1e-4, rel=0.01)
    floor = 2.0 * log_mel_amplitude(torch.zeros(RATE), RATE, 80, hidden=hidden)[:, 10].double()
    power = (2.0 * log_mel_amplitude(0.1 * wave, RATE, 80)).exp().mean(dim=1).log()
    torch.testing.assert_close(power, floor, atol=0.15, rtol=0.0)


def test_two_draws_of_one_noise_are_the_floor():
    found = floors(RATE)
    assert found == floors(RATE)
    assert found != floors(RATE, seed=1)
    # The difference of two logarithms of exponential variables has the variance π² / 3.
    assert found.bin == pytest.approx(10 / math.log(10) * math.pi / math.sqrt(3), abs=0.15)
    assert found.mel == pytest.approx(3.4, abs=0.15)


def test_long_waves_are_worked_through_in_blocks_without_a_seam(choir, monkeypatch):
    pair = choir["Ada", 0], choir["Clara", 1]
    whole = [measure(*pair, RATE) for measure in (mel_distance, bin_distance, stft_distance)]
    monkeypatch.setattr(spectra, "_BLOCK", 37)
    parts = [measure(*pair, RATE) for measure in (mel_distance, bin_distance, stft_distance)]
    assert parts[:2] == pytest.approx(whole[:2], rel=1e-9)
    assert parts[2].total == pytest.approx(whole[2].total, rel=1e-9)


def test_only_active_frames_of_the_reference_count(sung):
    pause = torch.zeros(RATE)
    heard = torch.cat([sung, pause])
    noisy = torch.cat([sung, 1e-3 * torch.randn(RATE, generator=torch.Generator().manual_seed(1))])
    # The frames that look into the pause within a window of the border may differ.
    for distance in (mel_distance, bin_distance):
        assert distance(heard, noisy, RATE) < 0.5
        assert distance(noisy, heard, RATE) < 0.5
        assert distance(heard, torch.cat([0.5 * sung, pause]), RATE) == pytest.approx(6.02, abs=0.05)


@pytest.mark.parametrize("samples", [0, 1, 100, RATE])
def test_silence_defines_nothing_and_raises_nothing(samples):
    silence = torch.zeros(samples)
    assert math.isnan(mel_distance(silence, silence, RATE))
    assert math.isnan(mel_distance(silence, silence, RATE, warped=True))
    assert math.isnan(bin_distance(silence, silence, RATE))
    assert math.isnan(stft_distance(silence, silence, RATE).total)


@pytest.mark.parametrize("samples", [1, 60, 700])
def test_the_shortest_sounds_are_measured(samples):
    wave = 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(0))
    for distance in (mel_distance(wave, wave, RATE), bin_distance(wave, wave, RATE)):
        assert distance == 0.0
    assert stft_distance(wave, wave, RATE).total == 0.0
    assert mel_distance(wave, torch.zeros(0), RATE, warped=True) > 10.0


def test_the_longer_wave_is_cut_to_the_shorter(sung):
    assert mel_distance(sung, sung[: 2 * RATE], RATE) == 0.0
    assert bin_distance(sung[: 2 * RATE], sung, RATE) == 0.0
    assert stft_distance(sung, sung[: 2 * RATE], RATE).total == 0.0
