from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.material import build
from vocalise.errors import ConfigError
from vocalise.parts import PitchConfusion, SingerConfusion
from vocalise.parts.contracts import Controls, Decoded, Latent, Lesson, Outcome
from vocalise.recipes import recipe

KINDS = [
    pytest.param(SingerConfusion.Config(dropout=0.0), id="singer"),
    pytest.param(SingerConfusion.Config(dropout=0.0, uniform=True), id="singer-uniform"),
    pytest.param(PitchConfusion.Config(dropout=0.0), id="pitch"),
    pytest.param(PitchConfusion.Config(dropout=0.0, flat=True), id="pitch-flat"),
]


def rows(outcome: Outcome, span: slice) -> Outcome:
    lesson = outcome.lesson
    part = replace(lesson, paired=lesson.paired[span], controls=lesson.controls.rows(span))
    return replace(outcome, lesson=part, latent=replace(outcome.latent, z=outcome.latent.z[span]))


def with_paired(outcome: Outcome, *paired: float) -> Outcome:
    return replace(outcome, lesson=replace(outcome.lesson, paired=torch.tensor(paired)))


def said(z: torch.Tensor, pitch: torch.Tensor, voicing: torch.Tensor) -> Outcome:
    """An outcome of which only latent and controls mean something."""
    batch, nothing = len(z), torch.zeros(len(z), 1)
    identity = torch.eye(3)[torch.arange(batch) % 3].unsqueeze(2)
    controls = Controls(identity, pitch, voicing, torch.zeros_like(pitch))
    lesson = Lesson(nothing, nothing, torch.ones(batch), controls)
    return Outcome(lesson, nothing[:, None], Latent(z, {}, {}), Decoded(nothing[:, 0], nothing[:, None]))


class Guess(nn.Module):
    """Always says the same."""

    def __init__(self, octaves):
        super().__init__()
        self.octaves = octaves

    def forward(self, z):
        return self.octaves.expand(len(z), 1, z.shape[2]) + 0.0 * z[:, :1]


@pytest.mark.parametrize("config", KINDS)
def test_what_was_asked_of_nobody_in_the_recording_counts_for_nothing(config, model, sing):
    adversary, outcome = config.build(model=model), sing()
    mixed = with_paired(outcome, 1.0, 0.0, 1.0)
    for loss in (adversary.own_loss, adversary.fool_loss):
        alone = 0.5 * (loss(rows(outcome, slice(0, 1))) + loss(rows(outcome, slice(2, 3))))
        if config.part is SingerConfusion:
            assert loss(mixed).item() == pytest.approx(alone.item(), rel=1e-5)
        other = replace(mixed.latent, z=mixed.latent.z.clone())
        other.z[1] += 5.0
        assert loss(replace(mixed, latent=other)).item() == pytest.approx(loss(mixed).item(), rel=1e-5)


@pytest.mark.parametrize("config", KINDS)
def test_a_lesson_without_any_truth_gives_zero_and_a_way_for_gradients(config, model, sing):
    adversary, outcome = config.build(model=model), with_paired(sing(), 0.0, 0.0, 0.0)
    own, fool = adversary.own_loss(outcome), adversary.fool_loss(outcome)
    assert own.item() == 0.0 and fool.item() == 0.0
    own.backward()
    fool.backward()
    assert all(value.grad is not None and not value.grad.any() for value in adversary.parameters())


def test_the_pitch_is_found_in_a_latent_that_holds_it_and_fooling_takes_it_out(model):
    adversary = PitchConfusion.Config(width=16, dropout=0.0).build(model=model)
    adam = torch.optim.Adam(adversary.parameters(), lr=1e-2)
    for _ in range(60):
        octaves = 2.0 * torch.rand(8, 10) - 1.0
        z = torch.randn(8, 6, 10)
        z[:, 0] = octaves
        outcome = said(z.requires_grad_(), 220.0 * 2.0**octaves, torch.ones_like(octaves))
        loss = adversary.own_loss(outcome)
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert loss.item() < 1.0
    assert z.grad is None
    (slope,) = torch.autograd.grad(adversary.fool_loss(outcome), z)
    fooled = replace(outcome, latent=replace(outcome.latent, z=z.detach() - slope / slope.norm()))
    assert adversary.own_loss(fooled) > adversary.own_loss(outcome)
    assert slope[:, 0].norm() > 2.0 * slope[:, 1:].norm(dim=(0, 2)).amax()


def test_controls_come_to_the_latents_clock_by_the_mean_of_voiced_columns(model):
    adversary = PitchConfusion.Config().build(model=model)
    pitch = torch.tensor([[110.0, 440.0, 999.0, 440.0, 440.0, 999.0, 999.0, 999.0]])
    voicing = torch.tensor([[1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]])
    adversary.regressor = Guess(torch.tensor([[[1.0 / 3.0, 1.0]]]))
    outcome = said(torch.zeros(1, 6, 2), pitch, voicing)
    assert adversary.own_loss(outcome).item() == pytest.approx(0.0, abs=1e-5)
    adversary.regressor = Guess(torch.tensor([[[1.0 / 3.0, 1.5]]]))
    assert adversary.own_loss(outcome).item() == pytest.approx((6.0 - 1.5) * 0.25, rel=1e-4)  # weighed by voicing


def test_silence_has_no_pitch(model):
    adversary = PitchConfusion.Config(dropout=0.0).build(model=model)
    z, voicing = torch.randn(2, 6, 10), (torch.arange(10) < 5).float().expand(2, -1)
    low, high = (said(z, torch.where(voicing > 0, 200.0, elsewhere), voicing) for elsewhere in (0.0, 900.0))
    assert adversary.own_loss(low).item() == adversary.own_loss(high).item()
    assert torch.isfinite(adversary.own_loss(low))


def test_a_flat_fool_wants_a_guess_that_says_nothing(model):
    adversary = PitchConfusion.Config(flat=True).build(model=model)
    pitch = torch.tensor([[110.0, 440.0]])
    outcome = said(torch.randn(1, 6, 2), pitch, torch.ones(1, 2))
    adversary.regressor = Guess(torch.zeros(1, 1, 2))
    assert adversary.fool_loss(outcome).item() == pytest.approx(0.0, abs=1e-5)
    adversary.regressor = Guess(torch.tensor([[[-1.0, 1.0]]]))  # the right one
    assert adversary.fool_loss(outcome).item() > 6.0


def test_a_model_that_is_told_no_pitch_is_not_robbed_of_it():
    with pytest.raises(ConfigError, match=r"told no pitch.*model.condition.pitch=true"):
        PitchConfusion.Config().build(model=build(recipe("usvc", "tiny")))
