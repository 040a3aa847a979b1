"""`pitchnet` in a conversion: the melody that is told is the one that was asked for, on a clock that keeps vibrato."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.conversion.stand_ins import SHALLOW, Hold, Told, voice_of, with_parts
from tests.conversion.test_controls import RATE, song, tune
from vocalise.audio.pitch import pitch_contour
from vocalise.audio.writing import write_wave
from vocalise.conversion import Converter, read_pitch_csv
from vocalise.conversion.abilities import follows_pitch
from vocalise.parts.contracts import Controls

SMALL = (*SHALLOW, "model.encoder.layers=3")


@pytest.fixture(scope="module")
def voice():
    return voice_of("pitchnet", *SMALL)


def told_of(voice, **wishes):
    """The controls that the decoder would be told, without singing."""
    told = Told(voice.model.hop, times=voice.model.hop // voice.model.condition.hop)
    model = with_parts(voice.model, condition=told, decoder=Hold(told.hop))
    Converter(replace(voice, model=model)).convert(song(), RATE, **wishes)
    (controls,) = told.heard
    return controls, told.hop


def test_it_is_told_the_melody_160_times_a_second(voice):
    assert follows_pitch(voice.model) and voice.model.hop == 800 and voice.model.condition.hop == 100
    controls, hop = told_of(voice, to="ada")
    voiced = controls.voicing > 0.5
    swing = 1200 * torch.log2(controls.pitch[voiced] / 220.0)
    assert hop == 100 and voiced.float().mean() > 0.8
    assert swing.quantile(0.98) > 40 and swing.quantile(0.02) < -40  # of a vibrato of 50 cents, 5 Hz


@pytest.mark.parametrize(("wishes", "factor"), [({"transpose": 12}, 2.0), ({"transpose": -7}, 2 ** (-7 / 12))])
def test_a_transposed_melody_is_told(voice, wishes, factor):
    plain, moved = told_of(voice, to="ada")[0], told_of(voice, to="ada", **wishes)[0]
    voiced = plain.voicing > 0.5
    assert torch.allclose(moved.pitch[voiced], factor * plain.pitch[voiced], rtol=1e-4)


def test_a_melody_moves_to_the_range_of_who_sings_by_octaves(voice):
    plain, moved = told_of(voice, to="ada")[0], told_of(voice, to="Bob", transpose="auto")[0]
    voiced = plain.voicing > 0.5
    assert torch.allclose(moved.pitch[voiced], 0.5 * plain.pitch[voiced], rtol=1e-4)


def test_a_melody_that_is_given_takes_the_place_of_the_songs_own(voice):
    melody = tune(300.0)
    controls, hop = told_of(voice, to="ada", pitch=melody)
    seconds = (torch.arange(controls.pitch.shape[1]) + 0.5) * hop / RATE
    inside = seconds < 1.4
    wanted = 300.0 * 1.5 ** (seconds / 1.5)
    assert torch.allclose(controls.pitch[0][inside], wanted[inside].float(), rtol=3e-3)


def test_the_contour_that_is_written_can_be_sung_again(voice, tmp_path: Path):
    write_wave(tmp_path / "song.wav", song(seconds=0.15), RATE)
    csv, converter = tmp_path / "pitch.csv", Converter(voice)
    converter.convert_file(tmp_path / "song.wav", tmp_path / "one.wav", to="ada", pitch_out=csv)
    again = {"to": "ada", "pitch": read_pitch_csv(csv)}
    converter.convert_file(tmp_path / "song.wav", tmp_path / "two.wav", **again)
    converter.convert_file(tmp_path / "song.wav", tmp_path / "up.wav", transpose=12, **again)
    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()
    assert (tmp_path / "one.wav").read_bytes() != (tmp_path / "up.wav").read_bytes()
    assert len(read_pitch_csv(csv).pitch) == len(pitch_contour(song(seconds=0.15), RATE).pitch)


def test_what_is_sung_depends_on_the_tune_that_is_told_from_its_moment_on_and_not_before(voice):
    """Sensitivity by construction: the logits of a sample answer to its own column's pitch, none before it does."""
    model, hop = voice.model, voice.model.condition.hop
    target = model.signal.from_wave(song(seconds=0.2)[None])[0]
    columns = target.shape[2] // hop
    identity = torch.eye(3)[:1, :, None]
    pitch = torch.full((1, columns), 220.0, requires_grad=True)
    controls = Controls(identity, pitch, torch.ones(1, columns), torch.full((1, columns), -20.0))
    z = torch.zeros(1, model.latent_channels, columns * hop // model.hop)
    logits = model.decoder.logits(target, model.condition(z, controls))
    at = columns // 2
    logits[0, at * hop : (at + 1) * hop].square().sum().backward()
    felt = pitch.grad[0].abs()
    assert felt[at] > 0 and felt[at + 1 :].max() == 0
    assert felt[at] > felt[: at - 1].max()
