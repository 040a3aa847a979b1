"""Ears and hands by columns hear and sing what `Mel` and `Parallel` do, however the columns come in."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.conversion.stand_ins import voice_of
from vocalise.audio.harmonics import between_columns, pulses
from vocalise.config import override
from vocalise.parts.contracts import Chance, Controls
from vocalise.recipes import recipe
from vocalise.sampling.columns import by_columns
from vocalise.sampling.hands import _logs
from vocalise.sampling.native import available, why
from vocalise.sampling.sums import pulses as twin_pulses

LACKING = available() is None and not shutil.which("c++")  # where there is a compiler, nothing may be lacking
WAYS = [False, pytest.param(True, marks=pytest.mark.skipif(LACKING, reason=why()))]


def model_at(rate, **settings):
    chosen = override(recipe("aria", "tiny"), f"model.signal.rate={rate}")
    for path, value in settings.items():
        chosen = override(chosen, f"model.{path.replace('__', '.')}={value}")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = chosen.model.build(singers=2).eval()
        for parameter in model.decoder.network.parameters():  # as if it had learnt something
            parameter.data += 0.05 * torch.randn_like(parameter)
    return model


def controls_for(columns):
    time = torch.arange(columns) / 100.0
    voicing = ((time * 3) % 1.0 < 0.7).float()
    pitch = 220.0 * 2.0 ** (0.3 * torch.sin(7 * time)) * voicing
    loudness = -20.0 + 10.0 * torch.sin(5 * time)
    identity = torch.tensor([0.3, 0.7])[None, :, None]
    return Controls(identity, pitch[None], voicing[None], loudness[None], formant=2.0, breath=3.0)


def luck():
    return Chance((torch.Generator().manual_seed(1),))


@torch.no_grad()
def heard(encoder, wave, sizes):
    state, parts, place, number = encoder.begin(1), [], 0, 0
    while place < wave.shape[2]:
        size = sizes[number % len(sizes)] * encoder.hop
        parts.append(encoder.extend(state, wave[:, :, place : place + size]))
        place, number = place + size, number + 1
    return torch.cat(parts, dim=2)


@torch.no_grad()
def sung(decoder, condition, controls, sizes):
    state, chance, parts, place, number = decoder.begin(1), luck(), [], 0, 0
    while place < condition.shape[2]:
        here = slice(place, place + sizes[number % len(sizes)])
        parts.append(decoder.extend(state, condition[:, :, here], controls.columns(here), chance))
        place, number = here.stop, number + 1
    return torch.cat([*parts, decoder.finish(state, chance)], dim=2)


@pytest.mark.parametrize(
    ("rate", "memory"), [(16_000, 0.0), (16_000, 0.5), (24_000, 2.0), (44_100, 30.0), (48_000, 0.0)]
)
@pytest.mark.parametrize("sizes", [(1,), (3, 1, 8), (200,)])
@pytest.mark.parametrize("compiled", WAYS)
def test_ears_hear_what_the_encoder_hears(rate, memory, sizes, compiled):
    model = model_at(rate, encoder__memory=memory)
    wave = 0.2 * torch.randn(1, 1, 120 * model.hop, generator=torch.Generator().manual_seed(0))
    wave[:, :, 30 * model.hop : 40 * model.hop] = 0.0
    wave *= torch.linspace(0, 1, wave.shape[2])
    plain, quick = (heard(one.encoder, wave, sizes) for one in (model, by_columns(model, compiled=compiled)))
    assert plain.shape == quick.shape == (1, 8, 120 - model.encoder.ahead)
    assert (quick - plain).abs().max() < 1e-4 * plain.abs().max()


@pytest.mark.parametrize(
    ("rate", "settings"),
    [
        (16_000, {}),
        (44_100, {}),
        (48_000, {}),
        (24_000, {"decoder__overlap": 3}),
        (44_100, {"decoder__overlap": 3}),  # frames of an odd length
        (16_000, {"decoder__at_once": 1}),
        (16_000, {"decoder__at_once": 3, "decoder__ahead": 2}),
    ],
)
@pytest.mark.parametrize("sizes", [(1,), (2, 7)])
@pytest.mark.parametrize("compiled", WAYS)
def test_hands_sing_what_the_decoder_sings(rate, settings, sizes, compiled):
    model, controls = model_at(rate, **settings), controls_for(80)
    condition = torch.randn(1, model.condition.channels, 80, generator=torch.Generator().manual_seed(0))
    both = (model, by_columns(model, compiled=compiled))
    plain, quick = (sung(one.decoder, condition, controls, sizes) for one in both)
    assert plain.shape == quick.shape == (1, 1, 80 * model.hop)
    assert plain.abs().max() > 0.01
    assert (quick - plain).abs().max() < 1e-4 * plain.abs().max()


@torch.no_grad()
@pytest.mark.parametrize("kernel", [7, 1])
def test_single_steps_of_the_runtime_hear_and_draw_what_the_networks_do(kernel):
    model = model_at(16_000, encoder__kernel=kernel, decoder__kernel=kernel)
    for parameter in model.encoder.parameters():
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(4))
    twin = by_columns(model, threads=1)
    wave = 0.2 * torch.randn(1, 1, 40 * model.hop, generator=torch.Generator().manual_seed(0))
    plain, quick = heard(model.encoder, wave, (40,)), heard(twin.encoder, wave, (1, 3))
    assert (quick - plain).abs().max() < 1e-4 * plain.abs().max()
    condition = torch.randn(1, model.condition.channels, 40, generator=torch.Generator().manual_seed(0))
    plain, quick = (sung(one.decoder, condition, controls_for(40), (1,)) for one in (model, twin))
    assert (quick - plain).abs().max() < 1e-4 * plain.abs().max()


def test_what_is_told_is_what_the_condition_tells_and_follows_who_sings():
    model = model_at(16_000)
    twin, controls = by_columns(model).condition, controls_for(50)
    z = torch.randn(1, model.bottleneck.channels, 50, generator=torch.Generator().manual_seed(0))
    moving = torch.linspace(0.0, 1.0, 50)
    others = (torch.tensor([1.0, 0.0])[None, :, None], torch.stack([moving, 1.0 - moving])[None])
    for identity in (controls.identity, controls.identity, *others):
        now = replace(controls, identity=identity)
        with torch.no_grad():
            assert torch.allclose(twin(z, now), model.condition(z, now), atol=1e-6)


def test_the_phase_does_not_drift_from_the_plain_one_in_ten_minutes():
    model = model_at(16_000)
    hands, hop, columns = by_columns(model).decoder, model.hop, 60_000
    time = torch.arange(columns + 2) / 100.0
    flags = ((time % 3.7) < 3.0).float()
    pitch = 220.0 * torch.exp2(0.8 * torch.sin(0.3 * time) + 0.03 * torch.sin(35.0 * time)) * flags
    phase, mine, piece = torch.zeros(1), 0.0, 200
    logs, voiced = _logs(pitch.numpy()), flags.tolist()
    for first in range(0, columns, piece):
        nodes = slice(first, first + piece + 2)
        way = between_columns(flags[None, nodes], hop, pitch=pitch[None, nodes])
        plain, phase = pulses(way.flatten(1), 16_000, phase)
        tone, mine = twin_pulses(hands._way(logs[nodes], voiced[nodes]).reshape(-1), 16_000, mine)
    assert abs(mine - float(phase)) < 1e-9
    assert np.abs(tone - plain[0].numpy()).max() < 1e-4 * plain.abs().max()


def test_what_other_recipes_have_stays_as_it_is():
    model = voice_of("usvc").model
    twin = by_columns(model)
    assert twin.encoder is model.encoder and twin.decoder is model.decoder


def test_two_voices_are_refused():
    twin = by_columns(model_at(16_000))
    for part in (twin.encoder, twin.decoder):
        with pytest.raises(ValueError, match="one voice"):
            part.begin(2)
