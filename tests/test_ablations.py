"""The ablations of `usvc` that its paper speaks of, each a switch of the command line: it builds and does its part."""

import pytest
import torch

from tests.material import Made, build, small_excerpts
from vocalise.config import override
from vocalise.recipes import recipe
from vocalise.training.learner import weigh

STEPS = 60  # of a run; backtranslation would begin at 40
SWITCHES = {
    "no confusion": ("adversaries=[]",),
    "confusion that only watches": ("weights.singer=0",),
    "no augmentation": ("protocols.0.augment=original",),
    "no backtranslation": ("protocols.1.start=1",),
    "backtranslation without mixing": ("protocols.1.mixing=false",),
    "mixtures nearer to the source": ("protocols.1.least=0.5",),
    "nothing but an autoencoder": ("adversaries=[]", "protocols.0.augment=original", "protocols.1.start=1"),
}
EVERY = [pytest.param(settings, id=name) for name, settings in SWITCHES.items()]


def ablated(*settings):
    chosen = small_excerpts(recipe("usvc", "tiny"))
    for setting in ("model.encoder.hop=80", *settings):
        chosen = override(chosen, setting)
    return chosen


def setting_out(chosen):
    model = build(chosen)
    protocols = [one.build(steps=STEPS, batch=2, singers=3) for one in chosen.protocols]
    adversaries = [one.build(model=model) for one in chosen.adversaries]
    torch.manual_seed(1)  # so that recordings do not depend on who else was made
    return model, protocols, adversaries


def lesson_of(protocol, model, step):
    made = Made(singers=3, samples=160, hop=80)
    return made, protocol.lesson(made, model, step, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("settings", EVERY)
def test_an_ablation_trains_a_step_of_every_protocol_that_is_left(settings):
    chosen = ablated(*settings)
    model, protocols, adversaries = setting_out(chosen)
    adam = torch.optim.Adam(model.parameters())
    for protocol in protocols:
        step = next((step for step in range(STEPS) if protocol.takes(step)), None)
        if step is None:
            continue
        _, lesson = lesson_of(protocol, model, step)
        outcome = model(lesson)
        terms = {"decoder": outcome.decoded.loss.mean()}
        if lesson.adversarial:
            terms |= {one.name: one.fool_loss(outcome) for one in adversaries}
        before = [weight.clone() for weight in model.parameters()]
        adam.zero_grad()
        weigh(terms, chosen.weights).backward()
        adam.step()
        assert all(torch.isfinite(weight).all() for weight in model.parameters())
        moved = [not torch.equal(weight, old) for weight, old in zip(model.parameters(), before, strict=True)]
        assert sum(moved) > 0.9 * len(moved)


def test_without_confusion_nothing_looks_at_the_latent():
    assert not ablated("adversaries=[]").adversaries
    watched = ablated("weights.singer=0")
    gradients = []
    for chosen in (watched, ablated("adversaries=[]")):
        model, protocols, adversaries = setting_out(chosen)
        outcome = model(lesson_of(protocols[0], model, 0)[1])
        terms = {"decoder": outcome.decoded.loss.mean(), **{one.name: one.fool_loss(outcome) for one in adversaries}}
        weigh(terms, chosen.weights).backward()
        gradients.append([weight.grad for weight in model.encoder.parameters()])
    assert all(torch.allclose(one, other, atol=1e-8) for one, other in zip(*gradients, strict=True))


def test_without_augmentation_recordings_are_heard_as_they_are():
    model, protocols, _ = setting_out(ablated("protocols.0.augment=original"))
    torch.manual_seed(1)
    made, lesson = lesson_of(protocols[0], model, 0)
    torch.manual_seed(1)
    assert torch.equal(lesson.heard, made(2).wave)


@pytest.mark.parametrize("steps", [1, 60, 300_000])
def test_without_backtranslation_there_is_one_phase(steps):
    burst = ablated("protocols.1.start=1").protocols[1].build(steps=steps, batch=2, singers=3)
    assert not any(burst.takes(step) for step in {*range(min(steps, 1000)), steps - 1})


@pytest.mark.parametrize(("settings", "least"), [(("protocols.1.least=0.5",), 0.5), ((), 0.0)])
def test_mixtures_can_be_kept_nearer_to_the_source(settings, least):
    class Ear:
        singers, rate, latent_channels = 3, 16_000, 4

        def convert(self, wave, controls, chance):
            self.identity = controls.identity[:, :, 0]
            return wave

    ear = Ear()
    burst = ablated(*settings).protocols[1].build(steps=6000, batch=2, singers=3)
    made = Made(singers=3, samples=160, hop=80)
    burst.lesson(made, ear, burst.first, torch.Generator().manual_seed(0))
    shares = ear.identity.gather(1, (torch.arange(len(ear.identity)) % 3)[:, None])
    assert len(shares) > 20 and shares.min() >= least and (shares.min() < 0.4) == (least == 0.0)
