"""Pauses: the room goes down, the singing stays as it is to the last bit, however soft."""

import math

import pytest
import torch

from vocalise.audio.pitch import Contour
from vocalise.conversion import pauses
from vocalise.conversion.pauses import LOWERED, lower_pauses

RATE = 16_000


def sung(*parts):
    """(seconds, level in dBFS or None) in a row over a steady noise at -45 dBFS, and its melody."""
    torch.manual_seed(0)
    waves, voiced = [], []
    for seconds, level in parts:
        time = torch.arange(round(seconds * RATE)) / RATE
        tone = torch.sin(2 * math.pi * 220.0 * time) * (0.0 if level is None else math.sqrt(2.0) * 10 ** (level / 20))
        waves.append(tone)
        voiced.append(torch.full((round(seconds * 200),), 0.0 if level is None else 1.0))
    wave, voicing = torch.cat(waves), torch.cat(voiced)
    wave = wave + 10 ** (-45.0 / 20) * torch.randn(len(wave))
    return wave, Contour(pitch=220.0 * voicing, voicing=voicing, hop=0.005)


def level(wave, start, stop):
    part = wave[round(start * RATE) : round(stop * RATE)]
    return 10.0 * math.log10(float(part.square().mean()))


def test_a_pause_goes_down_and_singing_stays_as_it_is():
    heard, melody = sung((1.0, -12.0), (1.0, None), (1.0, -36.0), (0.5, None), (1.0, -12.0))
    song = heard.clone()
    lower_pauses(song, heard, RATE, melody)
    for start, stop in ((0.0, 1.0), (2.0, 3.0), (3.5, 4.5)):  # one of them softer than many a room
        assert torch.equal(
            song[round(start * RATE) : round(stop * RATE)], heard[round(start * RATE) : round(stop * RATE)]
        )
    for start, stop in ((1.2, 1.8), (3.2, 3.3)):
        assert level(song, start, stop) == pytest.approx(level(heard, start, stop) - LOWERED, abs=0.1)
    steps = (song / heard)[heard.abs() > 1e-4].diff().abs()
    assert float(steps.max()) < 0.01  # no click where it begins or ends


@pytest.mark.parametrize("gap", [0.1, 0.2])
def test_the_gap_between_two_notes_is_no_pause(gap):
    heard, melody = sung((1.0, -12.0), (gap, None), (1.0, -12.0))
    song = heard.clone()
    lower_pauses(song, heard, RATE, melody)
    assert torch.equal(song, heard)


def test_a_breath_above_the_room_is_kept():
    heard, melody = sung((1.0, -12.0), (1.5, None), (1.0, -12.0))
    heard[round(1.5 * RATE) : round(2.0 * RATE)] *= 4.0  # 12 dB louder
    song = heard.clone()
    lower_pauses(song, heard, RATE, melody)
    assert level(song, 1.55, 1.95) == pytest.approx(level(heard, 1.55, 1.95), abs=0.01)
    assert level(song, 1.15, 1.35) < level(heard, 1.15, 1.35) - LOWERED + 1.0


def test_who_sings_without_a_pause_is_left_alone_and_so_is_who_has_no_melody():
    heard, melody = sung((2.0, -12.0), (2.0, -40.0))
    song = heard.clone()
    lower_pauses(song, heard, RATE, melody)
    assert torch.equal(song, heard)
    heard, _ = sung((1.0, -12.0), (1.0, None))
    song = heard.clone()
    lower_pauses(song, heard, RATE, None)
    lower_pauses(song, heard, RATE, Contour(torch.zeros(0), torch.zeros(0), 0.005))
    assert torch.equal(song, heard)


def test_noise_alone_is_no_song_with_pauses():
    heard, melody = sung((3.0, None))
    song = heard.clone()
    lower_pauses(song, heard, RATE, melody)
    assert torch.equal(song, heard)


@pytest.mark.parametrize("samples", [0, 1, 159, 3999, 4001, 16_123])
def test_any_length_will_do(samples):
    heard, melody = sung((1.0, -12.0), (1.0, None))
    heard = heard[RATE // 2 : RATE // 2 + samples]
    song = heard.clone()
    lower_pauses(song, heard, RATE, melody)
    assert torch.isfinite(song).all() and (song.abs() <= heard.abs()).all()


def test_a_long_song_is_worked_on_in_chunks_that_nobody_hears(monkeypatch):
    heard, melody = sung((1.0, -12.0), (1.0, None), (1.0, -12.0), (1.0, None))
    whole, parts = heard.clone(), heard.clone()
    lower_pauses(whole, heard, RATE, melody)
    monkeypatch.setattr(pauses, "_CHUNK", 7)
    lower_pauses(parts, heard, RATE, melody)
    assert not torch.equal(whole, heard) and torch.allclose(whole, parts, atol=1e-7)


@pytest.mark.parametrize(("seconds", "kept"), [(0.1, True), (0.03, False)])
def test_a_short_note_is_sung_and_what_a_tracker_finds_in_noise_is_not(seconds, kept):
    heard, melody = sung((1.0, -12.0), (0.5, None), (seconds, -40.0), (0.5, None), (1.0, -12.0))
    song = heard.clone()
    lower_pauses(song, heard, RATE, melody)
    assert (level(song, 1.5, 1.5 + seconds) > level(heard, 1.5, 1.5 + seconds) - 0.01) is kept
    assert level(song, 1.2, 1.4) < level(heard, 1.2, 1.4) - LOWERED + 0.5
