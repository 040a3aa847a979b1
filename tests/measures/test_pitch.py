import math

import pytest
import torch

from vocalise.audio.pitch import Contour
from vocalise.measures.pitch import compare_contours, compare_pitch, correlation


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
    assert figures.gross == figures.voicing_error == figures.frame_error == 0.0


def test_a_quarter_tone_is_the_border_of_pitch_accuracy():
    near, far = (compare_contours(contour(vibrato()), contour(vibrato(cents=cents))) for cents in (49.0, 51.0))
    assert (near.rpa50, far.rpa50) == (1.0, 0.0)
    assert far.median_cents == pytest.approx(51.0, abs=0.01)
    assert far.log_f0_correlation == pytest.approx(1.0)


def test_an_octave_is_gross_but_the_same_chroma():
    figures = compare_contours(contour(vibrato()), contour(vibrato(cents=-1200.0)))
    assert figures.rpa50 == 0.0
    assert figures.chroma50 == 1.0
    assert figures.gross == figures.frame_error == 1.0
    assert figures.voicing_error == 0.0


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
    for name in ("log_f0_correlation", "rpa50", "chroma50", "median_cents", "gross", "offset"):
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


def test_a_vibrato_is_tracked_and_scored_from_its_wave():
    rate = 16_000
    time = torch.arange(3 * rate) / rate
    pitch = 220.0 * 2 ** (60.0 / 1200.0 * torch.sin(2 * math.pi * 5.5 * time))
    phase = 2 * math.pi * torch.cumsum(pitch.double(), 0) / rate
    wave = sum(torch.sin(k * phase) / k for k in range(1, 10)).float() * 0.2
    figures = compare_pitch(wave, wave.flip(0).flip(0) * 0.5, rate)
    assert figures.rpa50 > 0.99
    assert figures.log_f0_correlation > 0.999
    truth = contour(torch.cat([pitch[::80], pitch[-1:]]))
    assert compare_pitch(wave, wave, rate, tracker=lambda *_: truth).rpa50 == 1.0
