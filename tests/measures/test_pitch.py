import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vocalise.audio.pitch import Contour, pitch_contour
from vocalise.measures.pitch import compare_contours, compare_pitch, correlation
from vocalise.measures.tracker import track_pitch


def contour(pitch, hop: float = 0.005) -> Contour:
    pitch = torch.as_tensor(pitch, dtype=torch.float32)
    return Contour(pitch, (pitch > 0).float(), hop)


def vibrato(frames: int = 1000, cents: float = 0.0, hop: float = 0.005) -> torch.Tensor:
    time = torch.arange(frames) * hop
    return 220.0 * 2 ** ((80.0 * torch.sin(2 * math.pi * 5.5 * time) + cents) / 1200.0)


def test_a_contour_agrees_with_itself():
    figures = compare_contours(contour(vibrato()), contour(vibrato()))
    assert figures.log_f0_correlation == pytest.approx(1.0)
    assert figures.rpa50 == figures.chroma50 == 1.0
    assert figures.median_cents == pytest.approx(0.0, abs=0.01)
    assert figures.gross == figures.octave == figures.voicing_error == figures.frame_error == 0.0
    assert figures.log_f0_rmse == pytest.approx(0.0, abs=0.01)
    assert figures.voiced_reference == figures.voiced_estimate == 1.0


@pytest.mark.parametrize("cents", [37.0, -37.0])
def test_a_contour_moved_by_37_cents_reads_37_cents(cents):
    figures = compare_contours(contour(vibrato()), contour(vibrato(cents=cents)))
    assert figures.offset == pytest.approx(cents, abs=0.01)
    assert figures.median_cents == pytest.approx(37.0, abs=0.01)
    assert figures.log_f0_rmse == pytest.approx(37.0, abs=0.01)
    assert figures.rpa50 == 1.0
    assert figures.octave == 0.0


def test_a_quarter_tone_is_the_border_of_pitch_accuracy():
    near, far = (compare_contours(contour(vibrato()), contour(vibrato(cents=cents))) for cents in (49.0, 51.0))
    assert (near.rpa50, far.rpa50) == (1.0, 0.0)
    assert far.median_cents == pytest.approx(51.0, abs=0.01)
    assert far.log_f0_correlation == pytest.approx(1.0)


@pytest.mark.parametrize("octaves", [-2, -1, 1, 2])
def test_an_octave_is_caught_as_such(octaves):
    figures = compare_contours(contour(vibrato()), contour(vibrato(cents=1200.0 * octaves)))
    assert figures.rpa50 == 0.0
    assert figures.chroma50 == figures.octave == 1.0
    assert figures.gross == figures.frame_error == 1.0
    assert figures.voicing_error == 0.0
    assert figures.log_f0_rmse == pytest.approx(1200.0 * abs(octaves), abs=0.1)


def test_another_note_is_no_octave():
    for cents in (0.0, 700.0, 1140.0, 1260.0):
        assert compare_contours(contour(vibrato()), contour(vibrato(cents=cents))).octave == 0.0
    part = torch.cat([vibrato()[:750], vibrato(cents=1230.0)[750:]])
    assert compare_contours(contour(vibrato()), contour(part)).octave == 0.25


def test_an_octave_that_was_meant_is_no_error():
    figures = compare_contours(contour(vibrato()), contour(vibrato(cents=1200.0)), transposition=1200.0)
    assert figures.octave == figures.gross == 0.0
    assert figures.rpa50 == 1.0


def test_the_rms_error_is_filled_by_a_few_octaves_and_the_median_is_not():
    estimate = vibrato(cents=10.0)
    estimate[:100] *= 2.0
    figures = compare_contours(contour(vibrato()), contour(estimate))
    assert figures.median_cents == pytest.approx(10.0, abs=0.01)
    assert figures.log_f0_rmse == pytest.approx(math.sqrt(0.1 * 1210.0**2 + 0.9 * 10.0**2), rel=1e-4)


@pytest.mark.parametrize(("factor", "gross"), [(1.19, 0.0), (1.21, 1.0), (0.81, 0.0), (0.79, 1.0)])
def test_gross_is_more_than_a_fifth_either_way(factor, gross):
    assert compare_contours(contour(vibrato()), contour(vibrato() * factor)).gross == gross


def test_a_transposition_is_found_reported_and_taken_away():
    figures = compare_contours(contour(vibrato()), contour(vibrato(cents=702.0)), transposition=None)
    assert figures.offset == figures.transposition == pytest.approx(702.0, abs=0.01)
    assert figures.rpa50 == 1.0
    assert figures.gross == 0.0
    meant = compare_contours(contour(vibrato()), contour(vibrato(cents=702.0)), transposition=700.0)
    assert meant.median_cents == pytest.approx(2.0, abs=0.01)
    assert (meant.offset, meant.transposition) == (pytest.approx(702.0, abs=0.01), 700.0)


def test_errors_of_voicing_are_counted_on_all_frames():
    reference, estimate = torch.full((100,), 200.0), torch.full((100,), 200.0)
    reference[:30], estimate[20:40], estimate[90:] = 0.0, 0.0, 400.0
    figures = compare_contours(contour(reference), contour(estimate))
    # 0-19 only the estimate is voiced, 30-39 only the reference; 90-99 are an octave off.
    assert figures.voicing_error == pytest.approx(0.30)
    assert figures.voiced_reference == pytest.approx(0.70)
    assert figures.voiced_estimate == pytest.approx(0.80)
    assert figures.octave == pytest.approx(10 / 60)
    assert figures.frame_error == pytest.approx(0.40)
    assert figures.gross == pytest.approx(10 / 60)
    assert figures.rpa50 == pytest.approx(50 / 70)
    assert figures.chroma50 == pytest.approx(60 / 70)


def test_clocks_may_differ():
    figures = compare_contours(contour(vibrato()), contour(vibrato(500, hop=0.010), hop=0.010))
    assert figures.rpa50 == 1.0
    assert figures.median_cents < 2.0


def test_what_is_missing_at_the_end_is_unvoiced():
    figures = compare_contours(contour(vibrato(1000)), contour(vibrato(600)))
    assert figures.rpa50 == pytest.approx(0.6)
    assert figures.voicing_error == pytest.approx(0.4)
    assert compare_contours(contour(vibrato(600)), contour(vibrato(1000))).voicing_error == pytest.approx(0.4)


@pytest.mark.parametrize("frames", [0, 1, 200])
def test_silence_defines_nothing_and_raises_nothing(frames):
    silence = contour(torch.zeros(frames))
    both = compare_contours(silence, silence)
    for name in ("log_f0_correlation", "rpa50", "chroma50", "median_cents", "log_f0_rmse", "gross", "octave", "offset"):
        assert math.isnan(getattr(both, name)), name
    assert both.voicing_error == 0.0 or (frames == 0 and math.isnan(both.voicing_error))
    answered = compare_contours(contour(vibrato(200)), silence, transposition=None)
    assert answered.rpa50 == 0.0
    assert answered.voicing_error == 1.0
    assert answered.transposition == 0.0


def test_a_note_held_without_any_change_correlates_with_nothing():
    assert math.isnan(compare_contours(contour([220.0] * 50), contour([220.0] * 50)).log_f0_correlation)


def test_correlation_is_that_of_pearson():
    a, b = torch.randn(2, 1000, generator=torch.Generator().manual_seed(0))
    assert correlation(a, a + b) == pytest.approx(float(torch.corrcoef(torch.stack([a, a + b]))[0, 1]), abs=1e-6)
    assert correlation(a, -3 * a + 5) == pytest.approx(-1.0)


@given(seed=st.integers(0, 2**32 - 1), sung=st.floats(0.05, 1.0), heard=st.floats(0.05, 1.0), spread=st.floats(1, 1500))
@settings(max_examples=40, deadline=None)
def test_accuracies_are_those_of_mir_eval(seed, sung, heard, spread):
    import mir_eval

    draw = np.random.default_rng(seed)
    frames = 300
    reference = 100.0 * 2 ** draw.uniform(0.0, 2.0, frames)
    estimate = reference * 2 ** (draw.normal(0.0, spread, frames) / 1200.0)
    voiced, answered = draw.random(frames) < sung, draw.random(frames) < heard
    voiced[:2], answered[:2] = (True, False), (True, False)
    reference, estimate = (np.float32(np.where(on, hz, 0.0)) for on, hz in ((voiced, reference), (answered, estimate)))
    figures = compare_contours(contour(reference), contour(estimate))
    melody = mir_eval.melody
    theirs = (voiced.astype(float), melody.hz2cents(reference), answered.astype(float), melody.hz2cents(estimate))
    assert figures.rpa50 == pytest.approx(melody.raw_pitch_accuracy(*theirs), abs=1e-9)
    assert figures.chroma50 == pytest.approx(melody.raw_chroma_accuracy(*theirs), abs=1e-9)
    recall, false_alarm = melody.voicing_measures(theirs[0], theirs[2])
    share = figures.voiced_reference
    assert figures.voicing_error == pytest.approx((1.0 - recall) * share + false_alarm * (1.0 - share), abs=1e-9)
    assert figures.voiced_estimate == pytest.approx(recall * share + false_alarm * (1.0 - share), abs=1e-9)


def harmonic(pitch: torch.Tensor, rate: int = 16_000) -> torch.Tensor:
    phase = 2 * math.pi * torch.cumsum(pitch.double(), 0) / rate
    return 0.2 * sum(torch.sin(k * phase) / k for k in range(1, 10)).float()


def song(rate: int = 16_000, cents: float = 0.0) -> torch.Tensor:
    """Three notes with vibrato, 3 s; the pitch at every sample."""
    time = torch.arange(3 * rate) / rate
    notes = torch.tensor([220.0, 330.0, 247.0])[(time).long()]
    return notes * 2 ** ((60.0 * torch.sin(2 * math.pi * 5.5 * time) + cents) / 1200.0)


def test_a_song_moved_by_37_cents_reads_37_cents_from_its_wave():
    figures = compare_pitch(harmonic(song()), harmonic(song(cents=37.0)), 16_000)
    assert figures.median_cents == pytest.approx(37.0, abs=1.0)
    assert figures.offset == pytest.approx(37.0, abs=1.0)
    assert figures.rpa50 > 0.97


def test_an_octave_is_caught_from_the_wave():
    figures = compare_pitch(harmonic(song()), harmonic(song(cents=1200.0)), 16_000)
    assert figures.rpa50 < 0.02
    assert figures.chroma50 > 0.96
    assert figures.octave > 0.97


def test_silence_and_noise_fail_against_a_song():
    wave = harmonic(song())
    noise = 0.2 * torch.randn(len(wave), generator=torch.Generator().manual_seed(0))
    for failure in (torch.zeros(len(wave)), noise, wave[:0]):
        figures = compare_pitch(wave, failure, 16_000)
        assert figures.rpa50 < 0.02
        assert figures.frame_error > 0.95
        assert figures.voiced_reference > 0.95
        assert figures.voiced_estimate < 0.02


def test_the_tracker_that_scores_is_not_the_one_that_conditions():
    default = inspect.signature(compare_pitch).parameters["tracker"].default
    assert default is track_pitch
    assert default is not pitch_contour


def test_a_copy_agrees_with_itself_at_another_loudness():
    wave = harmonic(song())
    figures = compare_pitch(wave, wave * 0.5, 16_000)
    assert figures.rpa50 > 0.999
    assert figures.log_f0_correlation > 0.999
    truth = contour(torch.cat([song()[::80], song()[-1:]]))
    assert compare_pitch(wave, wave, 16_000, tracker=lambda *_: truth).rpa50 == 1.0
