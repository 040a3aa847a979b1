"""What the decoder is told, and when: the clock of melody, one-hot voices, and what each column depends on."""

from dataclasses import replace

import pytest
import torch

from tests.material import Made
from vocalise.config import from_json, to_json
from vocalise.errors import ConfigError
from vocalise.parts import Conditioner
from vocalise.parts.contracts import Condition

HOP, COLUMNS = 800, 8


def told(**choices):
    """A condition of frames of 800 samples, its latent of three frames, and controls on its own clock."""
    condition = Conditioner.Config(**{"voice": 4, "pitch": True, "columns": COLUMNS, **choices}).build(
        content=5, hop=HOP, singers=3
    )
    controls = Made(singers=3, samples=3 * HOP, hop=condition.hop).controls(2)
    return condition, torch.randn(2, 5, 3), controls


def test_frames_are_held_for_all_their_columns():
    condition, z, controls = told()
    columns = condition(z, controls)
    assert condition.hop == HOP // COLUMNS and columns.shape == (2, condition.channels, 3 * COLUMNS)
    for column in range(3 * COLUMNS):
        assert torch.equal(columns[:, :5, column], z[:, :, column // COLUMNS])


def test_vibrato_reaches_the_decoder_where_a_frame_would_lose_it():
    """6 Hz and 50 cents deep, at 20 frames a second and at 160 columns: its depth is kept by one and not the other."""
    rate, swing = 16_000, 0.5 / 12
    condition, _, _ = told(voice=0)
    seconds = (torch.arange(20 * COLUMNS) + 0.5) * condition.hop / rate
    melody = 220.0 * torch.exp2(swing * torch.sin(2 * torch.pi * 6.0 * seconds))[None]
    made = Made(singers=3, samples=20 * HOP, hop=condition.hop).controls(1)
    octaves = condition(torch.zeros(1, 5, 20), replace(made, pitch=melody))[0, 5]
    assert octaves.max() == pytest.approx(swing, rel=0.02)
    held = octaves.view(20, COLUMNS).mean(1).repeat_interleave(COLUMNS)  # what a frame for all eight could say
    assert (octaves - held).abs().max() > 0.4 * swing


def test_the_tune_that_is_told_moves_only_its_own_columns():
    condition, z, controls = told()
    pitch = controls.pitch.clone().requires_grad_()
    condition(z, replace(controls, pitch=pitch))[:, :, 11].sum().backward()
    assert pitch.grad[:, 11].abs().min() > 0
    assert pitch.grad[:, :11].abs().max() == 0 and pitch.grad[:, 12:].abs().max() == 0


def test_an_octave_up_is_one_and_unvoiced_is_nothing():
    condition, z, controls = told(voice=0)
    low = condition(z, replace(controls, pitch=torch.full_like(controls.pitch, 220.0)))[:, 5:]
    high = condition(z, replace(controls, pitch=torch.full_like(controls.pitch, 440.0)))[:, 5:]
    assert torch.equal(low[:, 0], torch.zeros_like(low[:, 0])) and torch.equal(high[:, 0], torch.ones_like(low[:, 0]))
    silent = condition(z, replace(controls, voicing=torch.zeros_like(controls.voicing)))[:, 5:]
    assert silent.abs().max() == 0


def test_a_one_hot_voice_is_the_identity_itself_and_learns_nothing():
    condition, z, controls = told(voice="one-hot", pitch=False)
    assert condition.channels == 5 + 3 and condition.uses_voice
    assert not list(condition.parameters()) and not condition.state_dict()
    mixed = torch.tensor([0.25, 0.75, 0.0])[None, :, None].expand(2, -1, 1)
    columns = condition(z, replace(controls, identity=mixed))
    assert torch.equal(columns[:, 5:], mixed.expand(-1, -1, 3 * COLUMNS))


@pytest.mark.parametrize("voice", [0, 64, "one-hot"])
def test_kinds_of_voices_go_to_json_and_back(voice):
    config = Conditioner.Config(voice=voice)
    assert from_json(Condition.Config, to_json(config)) == config


@pytest.mark.parametrize("voice", ["two-hot", -1, 1e9, None])
def test_other_voices_are_refused(voice):
    with pytest.raises(ConfigError, match="voice"):
        from_json(Condition.Config, {"part": "Conditioner", "voice": voice})


def test_columns_that_do_not_divide_a_frame_are_refused_with_those_that_do():
    with pytest.raises(ConfigError, match="columns=7 do not divide a frame of 800 samples: choose 1, 2, 4, 5, 8"):
        told(columns=7)
