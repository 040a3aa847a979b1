import math

import numpy as np
import pytest
import pyworld
import scipy.signal
import torch
from scipy.interpolate import CubicSpline

from vocalise.audio.mulaw import from_classes, to_classes
from vocalise.audio.pitch import Contour
from vocalise.data.choir import compose, perform, singers
from vocalise.measures.cepstra import envelope_cepstra, frequency_transform, mcd_logmel, mcd_world, mel_cepstra
from vocalise.measures.spectra import mel_distance

RATE = 16_000
SECONDS = 3
DECIBELS = 10 * math.sqrt(2) / math.log(10)

Take = tuple[torch.Tensor, Contour]


@pytest.fixture(scope="module")
def takes() -> dict[tuple[str, int], Take]:
    """Three seconds of two songs by a woman, a man and another woman, with their true pitch."""
    cast = {singer.name: singer for singer in singers(3)}
    songs = compose(1.0, 0)
    sung = {(name, song): perform(songs[song], cast[name]) for name in cast for song in (0, 1)}
    frames = SECONDS * 200 + 1
    return {
        key: (take.wave[: SECONDS * RATE], Contour(take.pitch[:frames], take.voicing[:frames], 0.005))
        for key, take in sung.items()
    }


def envelope(take: Take) -> np.ndarray:
    wave, contour = take
    times = np.arange(len(contour.pitch)) * 0.005
    pitch = contour.pitch.double().numpy()
    return pyworld.cheaptrick(wave.double().numpy(), pitch, times, RATE, fft_size=1024)


def bent(frequency: np.ndarray, alpha: float) -> np.ndarray:
    """The phase of the all-pass, in radians: the warped axis."""
    return frequency + 2.0 * np.arctan(alpha * np.sin(frequency) / (1.0 - alpha * np.cos(frequency)))


@pytest.mark.parametrize("alpha", [0.0, 0.2, 0.42, -0.3])
def test_the_frequency_transform_is_a_cosine_transform_of_the_bent_spectrum(takes, alpha):
    power = np.maximum(envelope(takes["Ada", 0])[::40], 1e-9)
    axis = np.linspace(0.0, np.pi, 8193)
    amplitude = CubicSpline(np.linspace(0.0, np.pi, 513), 0.5 * np.log(power), axis=1)(bent(axis, -alpha))
    cosines = np.cos(np.arange(25)[:, None] * axis) / np.pi
    cosines[1:] *= 2.0
    numeric = np.trapezoid(amplitude[None] * cosines[:, None], axis, axis=-1)
    found = envelope_cepstra(power, alpha=alpha)
    assert np.abs(found).max() > 5.0
    np.testing.assert_allclose(found, numeric, atol=2e-6)


def test_without_a_bend_the_transform_changes_nothing():
    np.testing.assert_allclose(frequency_transform(40, 24, 0.0), np.eye(25, 40))


def test_a_known_change_of_the_envelope_is_read_back(takes):
    change = np.zeros(25)
    change[[0, 1, 4, 24]] = 0.5, -0.3, 0.2, 0.1
    axis = bent(np.linspace(0.0, np.pi, 513), 0.42)
    ratio = np.exp(2.0 * change @ np.cos(np.arange(25)[:, None] * axis))  # of powers
    power = np.maximum(envelope(takes["Ada", 0]), 1e-8)
    apart = envelope_cepstra(power * ratio) - envelope_cepstra(power)
    np.testing.assert_allclose(apart, np.broadcast_to(change[:, None], apart.shape), atol=1e-9)


@pytest.mark.parametrize("change", [{1: 0.5}, {2: -0.4}, {1: 0.3, 2: -0.2, 3: 0.25, 5: 0.15}])
def test_a_filter_of_known_cepstrum_is_as_far_as_the_definition_says(takes, change):
    wave, contour = takes["Bruno", 0]
    axis = bent(np.linspace(0.0, np.pi, 513), 0.42)
    response = np.exp(sum(value * np.cos(order * axis) for order, value in change.items()))
    taps = np.roll(np.fft.irfft(response), 512)[256:769]
    filtered = torch.from_numpy(scipy.signal.fftconvolve(wave.double().numpy(), taps, mode="same"))
    expected = DECIBELS * math.sqrt(sum(value**2 for value in change.values()))
    # CheapTrick smooths over two thirds of the pitch, which blurs what is narrow.
    assert mcd_world(wave, filtered, RATE, contours=(contour, contour)) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("warped", [False, True])
def test_a_copy_and_a_softer_copy_are_no_distance_away(takes, warped):
    wave, contour = takes["Ada", 0]
    for copy in (wave, 0.25 * wave):
        assert mcd_world(wave, copy, RATE, contours=(contour, contour), warped=warped) < 0.01
        assert mcd_logmel(wave, copy, RATE, warped=warped) < 0.05


@pytest.mark.parametrize("warped", [False, True])
def test_silence_and_noise_are_failures(takes, warped):
    wave, contour = takes["Ada", 0]
    unvoiced = Contour(torch.zeros(SECONDS * 200 + 1), torch.zeros(SECONDS * 200 + 1), 0.005)
    noise = 0.1 * torch.randn(len(wave), generator=torch.Generator().manual_seed(0))
    for wrong in (torch.zeros_like(wave), noise):
        assert mcd_world(wave, wrong, RATE, contours=(contour, unvoiced), warped=warped) > 15.0
        assert mcd_logmel(wave, wrong, RATE, warped=warped) > 12.0


def test_the_louder_the_noise_the_farther(takes):
    wave, contour = takes["Ada", 0]
    noise = float(wave.std()) * torch.randn(len(wave), generator=torch.Generator().manual_seed(0))
    noisy = [wave + 10 ** (-ratio / 20) * noise for ratio in (40, 20, 0)]
    for measure in (
        [mcd_world(wave, each, RATE, contours=(contour, contour)) for each in noisy],
        [mcd_logmel(wave, each, RATE) for each in noisy],
    ):
        assert measure == sorted(measure)
        assert measure[-1] > 2.0 * measure[0] > 4.0


@pytest.mark.parametrize("warped", [False, True])
def test_two_singers_of_one_song_are_nearer_than_two_songs(takes, warped):
    one, same, other = takes["Ada", 0], takes["Clara", 0], takes["Clara", 1]

    def world(take: Take) -> float:
        return mcd_world(one[0], take[0], RATE, contours=(one[1], take[1]), warped=warped)

    def logmel(take: Take) -> float:
        return mcd_logmel(one[0], take[0], RATE, warped=warped)

    for measure in (world, logmel):
        assert 3.0 < measure(same) < 0.7 * measure(other)


def test_warping_follows_a_singer_who_comes_late(takes):
    wave, contour = takes["Ada", 0]
    at, more = RATE, RATE // 4  # a quarter of a second is sung twice
    late = torch.cat([wave[:at], wave[at - more :]])
    heard = Contour(*(torch.cat([x[:200], x[150:]]) for x in (contour.pitch, contour.voicing)), 0.005)
    for measure in (
        lambda warped: mcd_world(wave, late, RATE, contours=(contour, heard), warped=warped),
        lambda warped: mcd_logmel(wave, late, RATE, warped=warped),
    ):
        assert measure(True) < 0.6
        assert measure(False) > 4.0


def test_the_two_kinds_are_not_the_same_figure(takes):
    (wave, contour), (other, heard) = takes["Ada", 0], takes["Bruno", 0]
    assert abs(mcd_world(wave, other, RATE, contours=(contour, heard)) - mcd_logmel(wave, other, RATE)) > 1.0


def test_the_log_mel_kind_is_a_part_of_the_mel_distance(takes):
    wave = takes["Ada", 0][0]
    for other in (takes["Clara", 0][0], takes["Bruno", 1][0], 0.5 * wave):
        assert mcd_logmel(wave, other, RATE) < mel_distance(wave, other, RATE)
    # With all cosines, what is left out is the mean level alone: y[n] = x[n] - 0.9 x[n-1] tilts, and softens.
    tilted = wave - 0.9 * torch.cat([wave.new_zeros(1), wave[:-1]])
    nearly = mcd_logmel(wave, tilted, RATE, coefficients=24)
    assert 4.0 < nearly <= mcd_logmel(wave, tilted, RATE, coefficients=79) < mel_distance(wave, tilted, RATE)


def test_what_a_noise_at_the_depth_would_hide_does_not_count(takes):
    (wave, contour), (other, heard) = takes["Ada", 0], takes["Clara", 0]
    eight_bits = from_classes(to_classes(wave))

    def world(estimate: torch.Tensor, pitch: Contour, depth: float | None) -> float:
        return mcd_world(wave, estimate, RATE, contours=(contour, pitch), depth=depth)

    def logmel(estimate: torch.Tensor, pitch: Contour, depth: float | None) -> float:
        return mcd_logmel(wave, estimate, RATE, depth=depth)

    for measure in (world, logmel):
        assert measure(eight_bits, contour, None) > 0.7 * measure(other, heard, None)  # nearly another singer
        assert measure(eight_bits, contour, 35.0) < 0.25 * measure(other, heard, 35.0)
        assert measure(0.1 * wave, contour, 35.0) < 0.01


def test_without_contours_the_scoring_tracker_is_asked(takes):
    (wave, contour), (other, heard) = takes["Ada", 0], takes["Bruno", 0]
    known = mcd_world(wave, other, RATE, contours=(contour, heard))
    assert mcd_world(wave, other, RATE) == pytest.approx(known, rel=0.05)


def test_another_rate_is_brought_to_sixteen_kilohertz(takes):
    singer = next(singer for singer in singers(3) if singer.name == "Ada")
    wave = perform(compose(1.0, 0)[0], singer, 44_100).wave[: SECONDS * 44_100]
    contour = takes["Ada", 0][1]
    assert mcd_world(wave, 0.5 * wave, 44_100, contours=(contour, contour)) < 0.2
    assert mel_cepstra(takes["Ada", 0][0], contour).shape == (25, SECONDS * 200 + 1)


def test_the_reference_decides_which_frames_count(takes):
    wave, contour = takes["Ada", 0]
    pause = torch.zeros(RATE)
    noise = 1e-2 * torch.randn(RATE, generator=torch.Generator().manual_seed(1))
    alone, noisy = (torch.cat([part, wave]) for part in (pause, noise))
    both = Contour(*(torch.cat([x.new_zeros(200), x]) for x in (contour.pitch, contour.voicing)), 0.005)
    assert mcd_world(alone, noisy, RATE, contours=(both, both)) < 0.5
    assert mcd_logmel(alone, noisy, RATE) < 0.5


@pytest.mark.parametrize("warped", [False, True])
@pytest.mark.parametrize("samples", [0, 1, 100, RATE])
def test_silence_defines_nothing_and_raises_nothing(samples, warped):
    silence = torch.zeros(samples)
    contour = Contour(torch.zeros(0), torch.zeros(0), 0.005)
    assert math.isnan(mcd_world(silence, silence, RATE, contours=(contour, contour), warped=warped))
    assert math.isnan(mcd_logmel(silence, silence, RATE, warped=warped))


@pytest.mark.parametrize("samples", [1, 60, 700])
def test_the_shortest_sounds_are_measured(samples):
    wave = 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(0))
    contour = Contour(torch.zeros(0), torch.zeros(0), 0.005)
    for warped in (False, True):
        assert mcd_world(wave, wave, RATE, contours=(contour, contour), warped=warped) == 0.0
        assert mcd_world(wave, torch.zeros(0), RATE, contours=(contour, contour), warped=True) > 0.0
        assert mcd_logmel(wave, wave, RATE, warped=warped) == 0.0
