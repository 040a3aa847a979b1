import itertools
import math

import numpy as np
import pytest
import pyworld
import torch
from scipy import stats

from vocalise.data.choir import compose, perform, singers
from vocalise.measures import tracker
from vocalise.measures.pitch import compare_contours
from vocalise.measures.tracker import track_pitch

RATE = 16_000


def sung(pitch: torch.Tensor, rate: int = RATE, harmonics: int = 10) -> torch.Tensor:
    """Harmonics on a pitch in Hz for each sample, as far as the rate and a little margin allow."""
    phase = 2 * math.pi * torch.cumsum(pitch.double(), 0) / rate
    high = float(pitch.max()) * 1.05
    return (0.2 * sum(torch.sin(n * phase) / n for n in range(1, harmonics + 1) if n * high < rate / 2)).float()


def tone(hertz: float, seconds: float = 1.0, rate: int = RATE, harmonics: int = 10) -> torch.Tensor:
    return sung(torch.full((round(seconds * rate),), hertz, dtype=torch.float64), rate, harmonics)


def vibrato(hertz: float, extent: float, seconds: float = 1.5) -> torch.Tensor:
    """Pitch at each sample, 5.5 Hz round a note, `extent` in cents."""
    time = torch.arange(round(seconds * RATE), dtype=torch.float64) / RATE
    return hertz * 2 ** (extent / 1200.0 * torch.sin(2 * math.pi * 5.5 * time))


def noise(seconds: float, colour: float = 0.0, seed: int = 0) -> torch.Tensor:
    """White noise through 1 / (1 - colour / z), of unit level."""
    from scipy.signal import lfilter

    drawn = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    coloured = torch.from_numpy(lfilter([1.0], [1.0, -colour], drawn)).float()
    return coloured / coloured.std()


def cents(found: torch.Tensor, true: torch.Tensor | float) -> torch.Tensor:
    return 1200.0 * torch.log2(found.double() / true)


@pytest.fixture(scope="module")
def choir():
    """Ten seconds each of a soprano's, a tenor's and a bass's song, with the true contours on a clock of 10 ms."""
    cast, songs = {singer.name: singer for singer in singers(4)}, compose(1.0, 1)
    performances = [perform(songs[n % len(songs)], cast[name]) for n, name in enumerate(("Ada", "Bruno", "Dario"))]
    return [
        (performance.wave[: 10 * RATE], tracker.Contour(performance.pitch[:2000:2], performance.voicing[:2000:2], 0.01))
        for performance in performances
    ]


@pytest.mark.parametrize("harmonics", [1, 10])
@pytest.mark.parametrize(
    ("hertz", "rate"), [(70.0, 16_000), (110.0, 44_100), (220.0, 8000), (440.0, 48_000), (1000.0, 16_000)]
)
def test_a_tone_reads_its_frequency_within_two_cents(hertz, rate, harmonics):
    contour = track_pitch(tone(hertz, rate=rate, harmonics=harmonics), rate)
    assert contour.voicing.mean() > 0.98
    assert cents(contour.pitch[25:-25], hertz).abs().max() < 2.0


@pytest.mark.parametrize(("hertz", "extent"), [(90.0, 50.0), (220.0, 60.0), (440.0, 80.0), (900.0, 60.0)])
def test_a_vibrato_is_followed(hertz, extent):
    true = vibrato(hertz, extent)
    contour = track_pitch(sung(true), RATE)
    error = cents(contour.pitch[5:-5], true[:: RATE // 100][5:-4]).abs()
    assert contour.voicing.mean() > 0.98
    assert error.median() < 4.0
    assert error.max() < 15.0


def test_a_glide_of_an_octave_in_a_quarter_of_a_second_is_followed():
    true = torch.cat([torch.full((RATE // 2,), 220.0), torch.logspace(math.log2(220), math.log2(440), RATE // 4, 2.0)])
    true = torch.cat([true, torch.full((RATE // 2,), 440.0)])
    contour = track_pitch(sung(true), RATE)
    assert contour.voicing[2:-2].all()
    assert cents(contour.pitch[3:-3], true[::160][3:-2]).abs().max() < 50.0


@pytest.mark.parametrize("samples", [0, 1, 2, 159, 160, 161, 1000, 44_100])
@pytest.mark.parametrize("rate", [1000, 16_000, 44_100])
def test_silence_is_unvoiced_and_has_as_many_frames_as_its_clock_says(samples, rate):
    contour = track_pitch(torch.zeros(samples), rate)
    assert contour.pitch.shape == contour.voicing.shape == (math.floor(samples / rate / 0.010 + 1e-9) + 1,)
    assert contour.hop == 0.010
    assert not contour.pitch.any()
    assert not contour.voicing.any()


@pytest.mark.parametrize("wave", [torch.ones(1), torch.ones(RATE), tone(200.0, 0.004), torch.eye(1, RATE)[0]])
def test_a_sample_an_offset_a_click_and_less_than_a_period_are_unvoiced(wave):
    assert not track_pitch(wave, RATE).voicing.any()


def test_what_is_60_decibels_below_the_loudest_moment_is_unvoiced():
    contour = track_pitch(torch.cat([tone(330.0), 1e-4 * tone(110.0)]), RATE)
    assert contour.voicing[5:95].all()
    assert not contour.voicing[110:].any()
    contour = track_pitch(torch.cat([tone(330.0), 1e-2 * tone(110.0)]), RATE)
    assert contour.voicing[110:].all()


def test_what_lies_above_the_voice_alone_is_unvoiced():
    assert not track_pitch(tone(6000.0, harmonics=1), RATE).voicing.any()


def test_loudness_does_not_matter():
    wave = torch.cat([tone(330.0), 0.03 * noise(0.5), tone(110.0)])
    loud, soft = track_pitch(wave, RATE), track_pitch(wave * 1e-6, RATE)
    assert torch.equal(loud.voicing, soft.voicing)
    assert torch.allclose(loud.pitch, soft.pitch, rtol=1e-4)


@pytest.mark.parametrize("colour", [0.0, 0.9, 0.97, 0.99, 0.999])
def test_noise_of_any_colour_is_unvoiced(colour):
    assert track_pitch(noise(6.0, colour), RATE).voicing.mean() < 0.02


def test_a_whisper_is_unvoiced(choir):
    for wave, truth in choir:
        samples, pitch = wave.double().numpy(), truth.pitch.double().numpy()
        envelope = pyworld.cheaptrick(samples, pitch, np.arange(len(pitch)) * 0.010, RATE)
        whisper = pyworld.synthesize(np.zeros_like(pitch), envelope, np.ones_like(envelope), RATE, 10.0)
        assert compare_contours(truth, track_pitch(torch.from_numpy(whisper), RATE)).voiced_estimate < 0.05


def test_hum_and_rumble_do_not_hide_a_voice():
    true = vibrato(200.0, 60.0)
    time = torch.arange(len(true)) / RATE
    beneath = 0.5 * torch.sin(2 * math.pi * 30.0 * time) + 0.5 * torch.sin(2 * math.pi * 48.0 * time) + 0.3
    alone, within = track_pitch(sung(true), RATE), track_pitch(sung(true) + beneath, RATE)
    assert within.voicing.mean() > 0.98
    assert cents(within.pitch[20:-20], alone.pitch[20:-20]).abs().max() < 10.0


@pytest.mark.parametrize(("hiss", "accuracy", "heard"), [(0.0, 0.95, 0.98), (0.1, 0.94, 0.97)])
def test_the_choir_is_heard_as_it_sang(choir, hiss, accuracy, heard):
    for wave, truth in choir:
        contour = track_pitch(wave + hiss * wave.std() * noise(len(wave) / RATE), RATE)
        figures = compare_contours(truth, contour)
        voiced, found = truth.voicing > 0, contour.voicing[: len(truth.voicing)] > 0
        assert figures.rpa50 > accuracy
        assert figures.chroma50 - figures.rpa50 < 0.01
        assert figures.median_cents < 3.0
        assert found[voiced].double().mean() > heard
        assert found[~voiced].double().mean() < 0.10


def test_it_agrees_with_another_implementation_of_its_method(choir):
    import librosa

    wave, _ = choir[0]
    excerpt = wave[2 * RATE : 6 * RATE]
    theirs, voiced, _ = librosa.pyin(
        excerpt.numpy(), fmin=60.0, fmax=1100.0, sr=RATE, frame_length=1024, hop_length=160
    )
    ours = track_pitch(excerpt, RATE)
    both = torch.from_numpy(voiced) & (ours.voicing > 0)
    assert len(ours.pitch) == len(theirs)
    assert both.double().mean() > 0.7
    apart = cents(ours.pitch[both], torch.from_numpy(theirs)[both]).abs()
    assert (apart < 50.0).double().mean() > 0.95


def test_a_reversed_wave_has_the_mirrored_contour():
    wave = sung(vibrato(220.0, 60.0))[: 160 * 140 + 1]  # frames fall on the same samples both ways
    forwards, backwards = track_pitch(wave, RATE).pitch, track_pitch(wave.flip(0), RATE).pitch.flip(0)
    assert cents(forwards[5:-5], backwards[5:-5]).abs().max() < 3.0


def test_a_hop_that_is_no_whole_number_of_samples_keeps_its_clock():
    true = vibrato(220.0, 60.0, 2.0)
    contour = track_pitch(sung(true), RATE, hop=0.0058)
    assert len(contour.pitch) == math.floor(2.0 / 0.0058) + 1
    inner = torch.arange(10, len(contour.pitch) - 10)
    assert cents(contour.pitch[inner], true[(inner * 0.0058 * RATE).long()]).abs().max() < 15.0


def test_stretches_are_tracked_as_the_whole_would_be(choir, monkeypatch):
    wave, _ = choir[2]
    whole = track_pitch(wave, RATE)
    monkeypatch.setattr(tracker, "_STRETCH", 130)
    parts = track_pitch(wave, RATE)
    assert (whole.voicing == parts.voicing).double().mean() > 0.998
    both = (whole.pitch > 0) & (parts.pitch > 0)
    assert (cents(whole.pitch[both], parts.pitch[both]).abs() < 0.01).double().mean() > 0.998


def test_bounds_are_kept():
    voice = tone(300.0)
    assert track_pitch(voice, RATE, low=40.0, high=1300.0).voicing.all()
    below = track_pitch(voice, RATE, high=250.0)
    assert not ((below.pitch > 250.0) | ((below.pitch > 0) & (below.pitch < 60.0))).any()


def test_bad_requests_are_refused():
    for bounds in ({"high": 2000.0}, {"low": 30.0}, {"low": 300.0, "high": 200.0}, {"hop": 0.0}):
        with pytest.raises(ValueError, match="40 to 1333 Hz"):
            track_pitch(torch.zeros(100), RATE, **bounds)
    with pytest.raises(ValueError, match="not finite"):
        track_pitch(torch.tensor([0.0, math.nan]), RATE)


def test_thresholds_are_weighed_by_a_beta_distribution():
    s = np.linspace(0.0, 1.0, 101)
    assert tracker._weight(s) == pytest.approx(stats.beta.cdf(s, 2, tracker._THRESHOLDS), abs=1e-12)


def test_dips_get_the_probability_that_trying_every_threshold_gives():
    curve = np.random.default_rng(3).uniform(0.0, 1.0, (5, 60))
    frames, lags, shares = tracker._dips(curve, 2, 57)
    tried = (np.arange(20_000) + 0.5) / 20_000
    weights = stats.beta.pdf(tried, 2, tracker._THRESHOLDS) / 20_000
    for frame, row in enumerate(curve):
        places = [n for n in range(2, 58) if row[n] < row[n - 1] and row[n] <= row[n + 1]]
        peaks = [np.polyfit([-1, 0, 1], row[n - 1 : n + 2], 2) for n in places]
        depths = np.array([max(0.0, c - b * b / (4 * a)) for a, b, c in peaks])
        taken = np.zeros(len(places))
        for threshold, weight in zip(tried, weights, strict=True):
            under = np.flatnonzero(depths < threshold)
            if len(under):
                taken[under[0]] += weight
        taken[depths.argmin()] += tracker._RESORT * stats.beta.cdf(depths.min(), 2, tracker._THRESHOLDS)
        expected = {
            n - b / (2 * a): share
            for n, (a, b, _), share in zip(places, peaks, taken / taken.sum(), strict=True)
            if share > 1e-3
        }
        found = {
            lag: share
            for at, lag, share in zip(frames.tolist(), lags.tolist(), shares.tolist(), strict=True)
            if at == frame and share > 1e-3
        }
        assert sorted(found) == pytest.approx(sorted(expected), abs=1e-6)
        assert [found[lag] for lag in sorted(found)] == pytest.approx(
            [expected[lag] for lag in sorted(expected)], abs=2e-3
        )


def test_the_path_is_the_best_of_all_paths():
    generator = np.random.default_rng(1)
    reach, switch, bins, frames = 1, 0.1, 3, 5
    for _ in range(5):
        voiced = generator.dirichlet([0.5] * (bins + 1), frames)[:, :bins]

        def likelihood(path, voiced=voiced):
            total = 1.0
            for n, (state, place) in enumerate(path):
                seen = voiced[n, place] if state == 0 else 1.0 - voiced[n].sum()
                total *= max(seen, tracker._NEVER)
                if n:
                    before, came = path[n - 1]
                    total *= max(0.0, 1.0 - abs(place - came) / (reach + 1.0))
                    total *= switch if before != state else 1.0 - switch
            return total

        states = list(itertools.product((0, 1), range(bins)))
        best = max(itertools.product(states, repeat=frames), key=likelihood)
        found = tracker._path(voiced, reach=reach, switch=switch)
        assert found.tolist() == [place if state == 0 else -1 for state, place in best]
