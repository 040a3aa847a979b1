"""Ears and hands by columns hear and sing what `Mel` and `Parallel` do, however the columns come in."""

import pytest
import torch

from tests.conversion.stand_ins import voice_of
from vocalise.config import override
from vocalise.parts.contracts import Chance, Controls
from vocalise.recipes import recipe
from vocalise.sampling.columns import by_columns


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


@pytest.mark.parametrize(("rate", "window"), [(16_000, 0.0), (16_000, 0.5), (44_100, 0.0)])
@pytest.mark.parametrize("sizes", [(1,), (3, 1, 8), (200,)])
def test_ears_hear_what_the_encoder_hears(rate, window, sizes):
    model = model_at(rate, encoder__window=window)
    wave = 0.2 * torch.randn(1, 1, 120 * model.hop, generator=torch.Generator().manual_seed(0))
    wave[:, :, 30 * model.hop : 40 * model.hop] = 0.0
    wave *= torch.linspace(0, 1, wave.shape[2])
    plain, quick = (heard(one.encoder, wave, sizes) for one in (model, by_columns(model)))
    assert plain.shape == quick.shape == (1, 8, 120 - model.encoder.ahead)
    assert (quick - plain).abs().max() < 1e-4 * plain.abs().max()


@pytest.mark.parametrize(
    ("rate", "settings"),
    [(16_000, {}), (44_100, {}), (24_000, {"decoder__overlap": 3}), (16_000, {"decoder__at_once": 1})],
)
@pytest.mark.parametrize("sizes", [(1,), (2, 7)])
def test_hands_sing_what_the_decoder_sings(rate, settings, sizes):
    model, controls = model_at(rate, **settings), controls_for(80)
    condition = torch.randn(1, model.condition.channels, 80, generator=torch.Generator().manual_seed(0))
    plain, quick = (sung(one.decoder, condition, controls, sizes) for one in (model, by_columns(model)))
    assert plain.shape == quick.shape == (1, 1, 80 * model.hop)
    assert plain.abs().max() > 0.01
    assert (quick - plain).abs().max() < 1e-4 * plain.abs().max()


def test_what_other_recipes_have_stays_as_it_is():
    model = voice_of("usvc").model
    twin = by_columns(model)
    assert twin.encoder is model.encoder and twin.decoder is model.decoder


def test_two_voices_are_refused():
    twin = by_columns(model_at(16_000))
    for part in (twin.encoder, twin.decoder):
        with pytest.raises(ValueError, match="one voice"):
            part.begin(2)
