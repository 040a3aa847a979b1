"""Every recipe, shrunk: it takes a step of each protocol and turn, and converts (or samples) as long as it should."""

from dataclasses import fields

import pytest
import torch

from tests.material import Made, build, dice, small_excerpts
from vocalise.config import override
from vocalise.parts.contracts import Chance
from vocalise.recipes import RECIPES, Optimiser, recipe

HOP = 80  # a tenth of the published hop: what is tested here does not depend on it


def tiny(name):
    """The smallest size, with frames as short as may be chosen: some encoders have a clock of their own."""
    chosen = small_excerpts(recipe(name, "tiny"))
    free = any(field.name == "hop" for field in fields(chosen.model.encoder))
    return override(chosen, f"model.encoder.hop={HOP}") if free else chosen


TINY = [pytest.param(tiny(name), id=name) for name in RECIPES]


@pytest.mark.parametrize("chosen", TINY)
def test_every_protocol_and_turn_of_a_recipe_runs(chosen):
    model = build(chosen)
    made = Made(singers=3, samples=2 * model.hop, hop=model.condition.hop)
    protocols = [protocol.build(steps=40, batch=3, singers=3) for protocol in chosen.protocols]
    adversaries = [adversary.build(model=model) for adversary in chosen.adversaries]
    for protocol in protocols:
        step = next(step for step in range(40) if protocol.takes(step))
        lesson = protocol.lesson(made, model, step, torch.Generator().manual_seed(0))
        outcome = model(lesson)
        terms = {"decoder": outcome.decoded.loss.mean(), **outcome.latent.terms}
        if lesson.adversarial:
            terms |= {adversary.name: adversary.fool_loss(outcome) for adversary in adversaries}
        assert set(terms) <= set(chosen.weights)
        total = sum(chosen.weights[name] * term for name, term in terms.items())
        total.backward()
        silent = [name for name, value in model.named_parameters() if value.grad is None]
        assert not silent


@pytest.mark.parametrize("chosen", TINY)
@pytest.mark.parametrize("samples", [1, HOP - 1, 2 * HOP + 1])
def test_a_conversion_is_as_long_as_its_source(chosen, samples):
    model = build(chosen).eval()
    frames = -(-samples // model.hop)
    controls = Made(singers=3, samples=frames * model.hop, hop=model.condition.hop).controls(2)
    sung = model.convert(0.1 * torch.randn(2, samples), controls, dice(2))
    assert sung.shape == (2, samples)
    assert torch.isfinite(sung).all()
    assert sung.abs().max() <= (1.0 if model.decoder.autoregressive else 4.0)  # a level that nothing has taught yet


@pytest.mark.parametrize("chosen", TINY)
def test_a_few_steps_lower_the_loss(chosen):
    model = build(chosen)
    made = Made(singers=3, samples=1600, hop=model.condition.hop)
    lesson = made.lesson(2)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(12):
        loss = model(lesson).decoded.loss.mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.2


def test_usvc_bursts_keep_the_published_cadence_at_published_length():
    chosen = recipe("usvc")
    burst = chosen.protocols[1].build(steps=300_000, batch=8, singers=4)
    assert (burst.first, burst.every, burst.burst) == (200_000, 2_000, 12)
    assert not burst.takes(199_999) and burst.takes(200_000) and burst.takes(200_011) and not burst.takes(200_012)


@pytest.mark.parametrize("steps", [12, 100, 1000, 5000, 40_000])
def test_short_runs_have_a_second_phase_with_several_bursts(steps):
    burst = recipe("usvc").protocols[1].build(steps=steps, batch=8, singers=4)
    taken = [step for step in range(steps) if burst.takes(step)]
    starts = [step for step in taken if step - 1 not in taken]
    assert min(taken) == round(steps * 2 / 3)
    assert len(starts) >= 4 or steps < 20
    assert len(taken) <= max(4, steps / 6)


def test_one_singer_alone_has_nobody_to_mix_with():
    burst = recipe("usvc").protocols[1].build(steps=100, batch=2, singers=1)
    assert not any(burst.takes(step) for step in range(100))


def test_backtranslation_mixes_two_singers_and_hears_its_own_voice(made):
    class Ear:
        singers, rate, latent_channels = 3, 16_000, 4

        def convert(self, wave, controls, chance: Chance):
            self.identity = controls.identity
            self.streams = len(chance.generators)
            return wave * 0.5

    ear = Ear()
    protocol = recipe("usvc").protocols[1].build(steps=60, batch=2, singers=3)
    lesson = protocol.lesson(made, ear, 40, torch.Generator().manual_seed(0))
    assert ear.streams == protocol.burst * 2
    mixed = ear.identity[:, :, 0]
    assert torch.allclose(mixed.sum(1), torch.ones(len(mixed))) and (mixed >= 0).all()
    assert ((mixed > 0).sum(1) == 2).all()
    assert torch.allclose(lesson.heard, lesson.wanted * 0.5)
    assert lesson.controls.identity.max(1).values.eq(1).all()
    assert not lesson.adversarial


def test_without_mixing_the_conversion_is_a_whole_one(made):
    class Ear:
        singers, rate, latent_channels = 3, 16_000, 4

        def convert(self, wave, controls, chance):
            self.identity = controls.identity
            return wave

    ear = Ear()
    config = recipe("usvc").protocols[1]
    protocol = type(config)(mixing=False).build(steps=60, batch=3, singers=3)
    lesson = protocol.lesson(made, ear, 40, torch.Generator().manual_seed(0))
    assert ear.identity.max(1).values.eq(1).all()
    assert (ear.identity[:3] * lesson.controls.identity).sum() == 0


def test_four_versions_of_a_take_are_equally_likely_and_move_the_contour(made):
    protocol = recipe("usvc").protocols[0].build(steps=10, batch=400, singers=3)
    excerpts = made(400)
    excerpts.pitch[:, 0] = 99.0
    lesson = protocol.lesson(lambda count: excerpts, None, 0, torch.Generator().manual_seed(0))
    same = (lesson.heard == excerpts.wave).all(1)
    upside = (lesson.heard == -excerpts.wave).all(1)
    backwards = (lesson.heard == excerpts.wave.flip(1)).all(1)
    both = (lesson.heard == -excerpts.wave.flip(1)).all(1)
    shares = torch.stack([same, upside, backwards, both]).float().mean(1)
    assert torch.allclose(shares, torch.full((4,), 0.25), atol=0.08)
    assert shares.sum() == 1
    assert (lesson.controls.pitch[backwards | both][:, -1] == 99.0).all()
    assert (lesson.controls.pitch[same | upside][:, 0] == 99.0).all()


def test_the_published_schedule_is_stretched_over_any_run():
    optimiser = recipe("usvc").optimiser
    assert optimiser.rate_at(0.0) == 1e-3
    assert optimiser.rate_at(1001 / 300_000) == pytest.approx(0.98e-3)
    assert optimiser.rate_at(1.0) == pytest.approx(1e-3 * 0.98**300)
    nsynth = recipe("nsynth").optimiser
    assert [nsynth.rate_at(share) for share in (0, 0.44, 0.46, 0.61, 0.8, 0.95)] == pytest.approx(
        [2e-4, 2e-4, 4e-4 / 3, 6e-5, 4e-5, 2e-5]
    )
    assert Optimiser(decay=1.0).rate_at(0.7) == 1e-3


def test_other_hands_share_the_rest_of_the_model():
    model = build(recipe("usvc", "tiny"))
    twin = model.with_decoder(model.decoder)
    assert twin is not model and twin.encoder is model.encoder
    other = build(recipe("usvc", "tiny"), seed=1).decoder
    assert model.with_decoder(other).decoder is other and model.decoder is not other
