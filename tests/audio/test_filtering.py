"""Frames that overlap to what they were, curves through their bands, and the phase that belongs to a level."""

import pytest
import torch

from vocalise.audio.filtering import band_centres, curve_matrix, frames_of, overlapped, soonest_phase


@pytest.mark.parametrize("overlap", [2, 3, 4, 5])
def test_frames_add_up_to_the_wave_they_were_cut_from(overlap):
    columns = torch.randn(2, 20, 12)
    again = overlapped(frames_of(columns, overlap), overlap)
    assert again.shape == columns.shape
    inner = slice(overlap - 1, 20 - overlap + 1)
    assert torch.allclose(again[:, inner], columns[:, inner], atol=1e-5)


@pytest.mark.parametrize(("rate", "size"), [(16_000, 320), (24_000, 480), (44_100, 882), (48_000, 1920)])
@pytest.mark.parametrize("bands", [16, 128, 5000])
def test_bands_rise_from_nothing_to_half_the_rate(rate, size, bands):
    centres = band_centres(rate, size, bands)
    assert centres[0] == 0.0 and float(centres[-1]) == pytest.approx(rate / 2)
    assert (centres.diff() > 0.99 * rate / size).all()
    assert len(band_centres(rate, size, len(centres))) == len(centres)


def test_a_curve_goes_through_its_bands():
    centres = band_centres(16_000, 640, 30)
    line = (centres / 1000.0).float()
    curve = line @ curve_matrix(16_000, 640, 30)
    assert torch.allclose(curve, torch.linspace(0.0, 8.0, 321), atol=1e-4)


def test_moving_resonances_by_an_octave_moves_the_curve_by_an_octave():
    values = torch.randn(40)
    plain = values @ curve_matrix(16_000, 640, 40)
    moved = values @ curve_matrix(16_000, 640, 40, semitones=12.0)
    assert torch.allclose(moved[::2], plain[:161], atol=1e-4)
    lower = values @ curve_matrix(16_000, 640, 40, semitones=-12.0)
    assert torch.allclose(lower[:161], plain[::2], atol=1e-4)


def test_the_soonest_phase_is_that_of_a_resonance():
    pole = 0.9 * torch.exp(torch.tensor(0.7j))
    z = torch.exp(-1j * torch.linspace(0.0, torch.pi, 513))
    answer = 1.0 / ((1.0 - pole * z) * (1.0 - pole.conj() * z))
    phase = soonest_phase(answer.abs().log().double())
    assert (torch.polar(torch.ones(513).double(), phase) - answer / answer.abs()).abs().max() < 0.01
