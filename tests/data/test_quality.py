"""What one pass over a file finds, against sounds whose facts are known."""

import math

import numpy as np
import pytest
import soundfile
import torch

from vocalise.data.quality import listen
from vocalise.errors import AudioError

RATE = 44100


def heard(tmp_path, wave, rate=RATE, *, suffix=".wav", subtype="PCM_16", excerpts=1):
    path = tmp_path / f"sound{suffix}"
    soundfile.write(path, wave, rate, subtype=subtype)
    return listen(path, seconds=len(wave) / rate, excerpts=excerpts)


def tone(seconds=2.0, hz=220.0, peak=0.5, rate=RATE):
    return peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def noise(seconds=2.0, rms=0.1, rate=RATE):
    return rms * np.random.default_rng(0).standard_normal(round(seconds * rate))


def test_level_and_peak_are_those_of_the_sine(tmp_path):
    found = heard(tmp_path, tone(peak=0.25))
    assert found.peak == pytest.approx(20 * math.log10(0.25), abs=0.05)
    assert found.level == pytest.approx(20 * math.log10(0.25) - 3.01, abs=0.1)
    assert found.seconds == pytest.approx(2.0)


def test_the_noise_floor_is_that_of_the_pauses(tmp_path):
    floor = 10 ** (-55 / 20) * np.random.default_rng(1).standard_normal(4 * RATE)
    sung = floor.copy()
    sung[RATE : 3 * RATE] += tone(2.0)
    found = heard(tmp_path, sung)
    assert found.noise == pytest.approx(-55, abs=1.0)
    assert found.silence == pytest.approx(0.5, abs=0.03)


def test_digital_silence_is_no_noise_floor(tmp_path):
    sung = np.concatenate([np.zeros(RATE), tone(2.0) + noise(2.0, rms=1e-3), np.zeros(RATE)])
    found = heard(tmp_path, sung)
    assert found.noise > -12
    assert found.silence == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("rate", [16000, 44100, 96000])
@pytest.mark.parametrize("hz", [90.0, 450.0])
def test_an_honest_tone_at_full_scale_is_not_clipped(tmp_path, rate, hz):
    assert not heard(tmp_path, tone(hz=hz, peak=0.999, rate=rate), rate).is_clipped


def test_a_very_quiet_tone_is_not_clipped_by_its_few_levels(tmp_path):
    assert heard(tmp_path, tone(peak=0.001)).clipped == 0.0


@pytest.mark.parametrize("ceiling", [0.4, 1.0])
def test_flat_tops_are_clipped_wherever_the_ceiling_is(tmp_path, ceiling):
    clean = tone(peak=1.25 * ceiling)
    found = heard(tmp_path, clean.clip(-ceiling, ceiling))
    assert found.is_clipped
    assert found.clipped == pytest.approx(float(np.mean(np.abs(clean) >= ceiling)), rel=0.05)


@pytest.mark.parametrize("top", [3000, 7000, 15000])
def test_bandwidth_is_where_a_low_pass_cuts(tmp_path, top):
    spectrum = np.fft.rfft(noise(3.0))
    spectrum[np.fft.rfftfreq(3 * RATE, 1 / RATE) > top] = 0
    assert heard(tmp_path, np.fft.irfft(spectrum)).bandwidth == pytest.approx(top, abs=300)


def test_a_hiss_over_the_whole_band_is_not_bandwidth(tmp_path):
    steady = noise(3.0, rms=1e-3)
    sung = steady + sum(tone(3.0, hz=200.0 * n, peak=0.3 / n) for n in range(1, 16))
    assert heard(tmp_path, sung).bandwidth == pytest.approx(3000, abs=250)


def test_noise_of_even_strength_fills_the_band(tmp_path):
    assert heard(tmp_path, noise(3.0)).bandwidth == RATE / 2


def test_width_tells_mono_in_two_channels_from_stereo(tmp_path):
    one, other = noise(1.0), np.random.default_rng(9).standard_normal(RATE) * 0.1
    assert heard(tmp_path, one).width is None
    assert heard(tmp_path, np.stack([one, one], axis=1)).width < -60
    assert heard(tmp_path, np.stack([one, other], axis=1)).width == pytest.approx(0.0, abs=0.5)


def test_excerpts_are_the_loud_parts_in_the_order_of_time(tmp_path):
    sung = np.concatenate([tone(5.0, peak=peak, rate=16000) for peak in (0.01, 0.3, 0.02, 0.01, 0.02, 0.5)])
    found = heard(tmp_path, sung, 16000, excerpts=2)
    assert [round(float(wave.abs().max()), 1) for wave in found.excerpts] == [0.3, 0.5]
    assert all(len(wave) == 5 * 16000 for wave in found.excerpts)


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3"])
def test_every_format_is_heard_to_its_end(tmp_path, suffix):
    found = heard(tmp_path, tone(7.0), suffix=suffix, subtype=None)
    assert found.seconds == pytest.approx(7.0, abs=0.1)
    assert len(found.levels) == pytest.approx(140, abs=3)


def test_one_sample_is_heard(tmp_path):
    found = heard(tmp_path, np.array([0.5]))
    assert found.peak == pytest.approx(-6.02, abs=0.01)
    assert found.seconds == pytest.approx(1 / RATE)


def test_silence_has_no_level_and_uses_no_band(tmp_path):
    found = heard(tmp_path, np.zeros(RATE))
    assert (found.level, found.noise, found.loudest) == (-math.inf, -math.inf, -math.inf)
    assert found.bandwidth == 0.0 and found.silence == 1.0


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "sound.wav"
    soundfile.write(path, tone(), RATE)
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(AudioError, match="truncated"):
        listen(path, seconds=2.0)


def test_a_file_with_a_hole_in_its_numbers_is_refused(tmp_path):
    wave = tone()
    wave[1000] = np.nan
    path = tmp_path / "sound.wav"
    soundfile.write(path, wave, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="sample 1000"):
        listen(path, seconds=2.0)


def test_excerpts_are_at_sixteen_kilohertz_whatever_the_file(tmp_path):
    (excerpt,) = heard(tmp_path, tone(3.0), RATE).excerpts
    assert len(excerpt) == 48000 and excerpt.dtype == torch.float32
