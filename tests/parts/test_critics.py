import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from tests.material import build
from tests.parts.conftest import RATE, little_model
from vocalise.errors import ConfigError
from vocalise.parts import Consistency, Critic, SungBy
from vocalise.parts.adversaries.critics import _penalty
from vocalise.parts.adversaries.views import Spectrum
from vocalise.parts.contracts import Controls, Lesson
from vocalise.recipes import recipe

SMALL = {"width": 16, "layers": 2, "bands": 20, "practice": 1}
KINDS = [pytest.param(Critic.Config(kind=kind, **SMALL), id=kind) for kind in ("hinge", "wasserstein")]


def heard(outcome, target, estimate, **facts):
    """The same outcome with other sounds."""
    lesson = replace(outcome.lesson, **facts)
    return replace(outcome, lesson=lesson, target=target, decoded=replace(outcome.decoded, estimate=estimate))


def tone(frequency, batch=3, samples=5120, rate=RATE):
    return 0.3 * torch.sin(2 * math.pi * frequency * torch.arange(samples) / rate).expand(batch, 1, -1)


def teach(adversary, outcomes, rate=3e-3):
    adam = torch.optim.Adam(adversary.parameters(), lr=rate)
    losses = []
    for outcome in outcomes:
        loss = adversary.own_loss(outcome)
        adam.zero_grad()
        loss.backward()
        adam.step()
        adversary.after_turn()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("config", KINDS)
def test_a_critic_learns_what_is_real_and_its_slope_leads_there(config, model, sing):
    critic, outcome = config.build(model=model), sing()
    sounds = [(tone(300.0) + 0.01 * torch.randn(3, 1, 5120), 0.1 * torch.randn(3, 1, 5120)) for _ in range(40)]
    pairs = [heard(outcome, *sound) for sound in sounds]
    losses = teach(critic, pairs)
    assert losses[-1] < losses[0] - 0.3
    critic.config = replace(config, matching=0.0)
    noise = pairs[-1].decoded.estimate.clone().requires_grad_()
    fool = critic.fool_loss(heard(outcome, pairs[-1].target, noise))
    (slope,) = torch.autograd.grad(fool, noise)
    for better in (noise.detach() - 0.3 * slope / slope.norm(), tone(300.0)):
        assert critic.fool_loss(heard(outcome, pairs[-1].target, better)) < fool


@pytest.mark.parametrize("part", [Critic, SungBy])
def test_before_its_start_and_its_practice_nobody_hears_of_it(part, model, sing):
    adversary = part.Config(start=0.5, every=2, practice=2).build(model=model, steps=10)
    assert [adversary.turns(step) for step in range(10)] == [0, 0, 0, 0, 0, 1, 0, 1, 0, 1]
    outcome, spoken = sing(), []
    for _ in range(3):
        fool = adversary.fool_loss(outcome)
        spoken.append(fool.item() != 0.0)
        (slope,) = torch.autograd.grad(fool, outcome.decoded.estimate, retain_graph=True)
        assert bool(slope.any()) == spoken[-1]
        adversary.after_turn()
    assert spoken == [False, False, True]
    twin = part.Config(start=0.5, every=2, practice=2).build(model=model, steps=10)
    twin.load_state_dict(adversary.state_dict())
    assert twin.entry.taken == 3 and twin.fool_loss(outcome).item() != 0.0


@pytest.mark.parametrize("part", [Critic, SungBy])
def test_what_lies_above_a_files_bandwidth_is_not_heard(part, model, sing):
    quiet = {"dropout": 0.0, "colour": 0.0, "noise": 0.0} if part is SungBy else {}
    adversary = part.Config(practice=1, **quiet).build(model=model)
    adversary.after_turn()
    plain = heard(sing(), tone(300.0), tone(310.0))
    swell = torch.hann_window(5120)  # a sudden end would be heard at every frequency
    hissing = heard(plain, tone(300.0) + swell * tone(6000.0), tone(310.0) + 0.5 * swell * tone(7000.0))
    for loss in (adversary.own_loss, adversary.fool_loss):
        narrow = [
            loss(heard(one, one.target, one.decoded.estimate, bandwidth=torch.full((3,), 4000.0))).item()
            for one in (plain, hissing)
        ]
        assert narrow[0] == pytest.approx(narrow[1], rel=1e-3)
        assert abs(loss(hissing).item() - loss(plain).item()) > 10 * abs(narrow[0] - narrow[1])


def test_a_bandwidth_of_half_the_rate_hides_nothing(model, sing):
    critic, outcome = Critic.Config().build(model=model), sing()
    whole = heard(outcome, outcome.target, outcome.decoded.estimate, bandwidth=torch.full((3,), RATE / 2))
    assert critic.own_loss(whole).item() == critic.own_loss(replace(whole, lesson=outcome.lesson)).item()


def test_features_are_matched_where_the_truth_is_known(model, sing):
    critic, outcome = Critic.Config(**SMALL, matching=1.0).build(model=model), sing()
    critic.after_turn()

    def matched(*paired):
        lesson, losses = replace(outcome.lesson, paired=torch.tensor(paired)), []
        for weight in (1.0, 0.0):
            critic.config = replace(critic.config, matching=weight)
            losses.append(critic.fool_loss(replace(outcome, lesson=lesson)).item())
        return losses[0] - losses[1]

    assert matched(0.0, 0.0, 0.0) == 0.0
    first, third = matched(1.0, 0.0, 0.0), matched(0.0, 0.0, 1.0)
    assert first > 0.01
    assert matched(1.0, 0.0, 1.0) == pytest.approx((first + third) / 2, rel=1e-4)


@pytest.mark.parametrize("frames", [5, 500])
def test_the_penalty_wants_a_slope_of_one_at_any_length(frames):
    class Mean(nn.Module):
        def __init__(self, slope):
            super().__init__()
            self.slope = nn.Parameter(torch.tensor(slope))

        def forward(self, seen):
            return SimpleNamespace(scores=self.slope * seen.mean(dim=(1, 2))[:, None])

    real, sung = torch.randn(2, 3, 8, frames)
    for slope, expected in ((1.0, 0.0), (3.0, 4.0)):
        scorer = Mean(slope)
        loss = _penalty(scorer, real, sung)
        assert loss.item() == pytest.approx(expected, abs=1e-4)
    loss.backward()
    assert scorer.slope.grad.item() == pytest.approx(4.0, rel=1e-3)


@pytest.mark.parametrize("config", KINDS)
def test_a_critic_learns_from_a_glance_in_half_precision(config, model, tones):
    critic = config.build(model=model)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        outcome = model(tones.lesson(3))
    with torch.autocast("cpu", torch.bfloat16):
        loss = critic.own_loss(outcome)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(value.grad is not None and torch.isfinite(value.grad).all() for value in critic.parameters())


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("bands", [0, 80])
def test_a_view_hears_at_every_rate_and_silence_has_a_slope(rate, bands):
    view = Spectrum(rate, window=0.022, bands=bands)
    silence = torch.zeros(1, 1, rate // 10, requires_grad=True)
    seen = view(silence)
    assert seen.shape[1] == view.bands and seen.abs().max() < 1e-5
    seen.sum().backward()
    assert torch.isfinite(silence.grad).all()
    loud = view(tone(1000.0, 1, rate // 10, rate))[0].mean(dim=1)
    assert view.tops[loud.argmax()] == pytest.approx(1000.0, abs=200.0)


def test_a_signal_that_is_a_spectrum_is_looked_at_as_it_is(model, sing):
    spectral = SimpleNamespace(channels=20, hop=80)
    vocoder = SimpleNamespace(signal=spectral, decoder=model.decoder, rate=RATE)
    critic, outcome = Critic.Config(**SMALL).build(model=vocoder), sing()
    losses = teach(critic, [heard(outcome, torch.randn(3, 20, 50) + 1.0, torch.randn(3, 20, 50)) for _ in range(30)])
    assert losses[-1] < losses[0] - 0.3


@pytest.mark.parametrize("part", [Critic, SungBy, Consistency])
def test_a_decoder_that_sings_sample_after_sample_is_refused(part):
    with pytest.raises(ConfigError, match=rf"{part.__name__} listens.*WaveNet sings sample after sample.*Parallel"):
        part.Config().build(model=build(recipe("usvc", "tiny")))


def test_a_critic_needs_something_to_look_at():
    with pytest.raises(ValueError, match="at least one"):
        Critic.Config(windows=())


@pytest.mark.parametrize("rate", [24_000, 44_100])
def test_adversaries_hear_models_of_other_rates(rate):
    model = little_model(rate)
    tones = torch.rand(2, 20 * model.hop) - 0.5
    line = torch.full((2, 20), 200.0)
    controls = Controls(torch.eye(3)[:2, :, None], line, torch.ones_like(line), -0.1 * line)
    outcome = model(Lesson(tones, tones, torch.ones(2), controls))
    for part in (Critic, SungBy, Consistency):
        adversary = part.Config().build(model=model)
        for _ in range(300):
            adversary.after_turn()
        fool = adversary.fool_loss(outcome)
        (slope,) = torch.autograd.grad(fool, outcome.decoded.estimate, retain_graph=True)
        assert torch.isfinite(slope).all() and slope.any()
