from dataclasses import replace

import pytest
import torch

from tests.parts.conftest import little_model
from vocalise.errors import ConfigError
from vocalise.parts import Dilated, Invariance, Mel
from vocalise.training.learner import Pupil


@pytest.mark.parametrize("ear", [Dilated.Config().scaled(0.1), Mel.Config(width=16, blocks=1, warp=0.0, colour=0.0)])
def test_an_ear_without_disguises_is_refused_by_name(ear):
    class Same:
        encoder = ear.build(channels=1, rate=16_000)

    name = type(Same.encoder).__name__
    with pytest.raises(ConfigError, match=rf"{name} hears the same each time.*leave Invariance out"):
        Invariance.Config().build(model=Same())


@pytest.mark.parametrize("only", [{"warp": 0.0}, {"colour": 0.0}, {"warp": 0.0, "colour": 0.0, "hiss": -40.0}])
def test_one_disguise_is_enough(only):
    class Other:
        encoder = Mel.Config(width=16, blocks=1, **only).build(channels=1, rate=16_000)
        encode = None

    assert Invariance.Config().build(model=Other()).turns(0) == 0


def test_two_equal_hearings_cost_nothing_and_two_strangers_cost_one(model, sing):
    adversary, outcome = Invariance.Config().build(model=model), sing()
    adversary.encode = lambda wave, analysis, before: outcome.latent
    assert adversary.fool_loss(outcome).item() == 0.0
    many = replace(outcome, latent=replace(outcome.latent, z=torch.randn(3, 6, 5000)))
    adversary.encode = lambda wave, analysis, before: replace(outcome.latent, z=torch.randn(3, 6, 5000))
    assert adversary.fool_loss(many).item() == pytest.approx(1.0, abs=0.05)


def test_making_the_latent_small_brings_nothing(model, sing):
    outcome, adversary = sing(), Invariance.Config().build(model=model)
    again = model.encode(outcome.lesson.heard, None, outcome.lesson.before)
    found = []
    for size in (1.0, 0.01):
        adversary.encode = lambda *_, size=size: replace(again, z=size * again.z)
        found.append(adversary.fool_loss(replace(outcome, latent=replace(outcome.latent, z=size * outcome.latent.z))))
    assert found[0].item() == pytest.approx(found[1].item(), rel=1e-3) and found[0].item() > 0.0


def test_it_hears_what_went_before_as_the_first_hearing_did(model, tones):
    adversary, heard = Invariance.Config().build(model=model), []
    model.eval()  # ears without disguises: the same again, if everything is told
    lesson = replace(tones.lesson(3), before=0.1 * torch.randn(3, model.lead))
    encode = adversary.encode
    adversary.encode = lambda wave, analysis, before: heard.append(before) or encode(wave, analysis, before)
    assert adversary.fool_loss(model(lesson)).item() == pytest.approx(0.0, abs=1e-9)
    assert heard[0] is lesson.before


def test_it_teaches_the_encoder_to_write_the_same_in_any_disguise(tones):
    """A few steps bring two hearings nearer to each other, while the latent still tells excerpts apart."""
    model = little_model()
    adversary = Invariance.Config().build(model=model)
    pupil, lesson, costs = Pupil(model.encoder, rate=3e-3, betas=(0.9, 0.99)), tones.lesson(3), []
    for _ in range(40):
        cost = adversary.fool_loss(model(lesson))
        costs.append(cost.item())
        pupil.update(cost)
    assert sum(costs[-10:]) < 0.5 * sum(costs[:10])
    z = model.eval()(lesson).latent.z
    assert (z[0] - z[1]).square().mean() > 0.1 * z.var()
