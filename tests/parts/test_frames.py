"""Systems of spectral frames: their parts against closed forms, principal components and known distances."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from tests.material import Made, build
from vocalise.config import override
from vocalise.errors import ConfigError
from vocalise.parts import Conditioner, Continuous, FrameCritic, Framewise, Gaussian, Spectral, World
from vocalise.parts.adversaries.frames import slope_penalty
from vocalise.parts.adversaries.games import told_apart, unconvinced
from vocalise.parts.bottlenecks.gaussian import divergence
from vocalise.parts.contracts import Controls, Decoded, Lesson, Outcome
from vocalise.recipes import recipe

LINEAR = Framewise.Config(convolutions=(), channels=4), Spectral.Config(convolutions=(), deviation=1.0)


def controls(batch: int, columns: int, singers: int = 2) -> Controls:
    identity = torch.eye(singers)[torch.arange(batch) % singers].unsqueeze(2)
    line = torch.full((batch, columns), 200.0)
    return Controls(identity, line, torch.ones_like(line), -0.1 * line)


def test_linear_parts_reach_the_error_of_principal_components():
    bins, frames = 24, 2000
    turn, _ = torch.linalg.qr(torch.randn(bins, bins, dtype=torch.float64))
    cloud = torch.randn(frames, bins, dtype=torch.float64) * torch.linspace(3.0, 0.3, bins) @ turn + 1.5
    centred = cloud - cloud.mean(dim=0)
    least = float(torch.linalg.eigvalsh(centred.T @ centred / frames)[: bins - 4].sum())
    encoder = LINEAR[0].build(channels=bins, rate=16_000).double()
    decoder = LINEAR[1].build(signal=bins, condition=4, hop=1, singers=2, rate=16_000).double()
    signal, told = cloud.T[None], controls(1, frames)
    optimiser = torch.optim.LBFGS(
        [*encoder.parameters(), *decoder.parameters()], max_iter=300, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        found = decoder(signal, encoder(signal), told).loss.mean()
        found.backward()
        return found.detach()

    optimiser.step(loss)
    error = 2.0 * loss().item()
    assert least * (1 - 1e-4) < error < 1.01 * least


@pytest.mark.parametrize("kind", ["squared", "absolute"])
def test_the_loss_of_a_frame_is_its_density_but_for_a_constant(kind):
    config = replace(LINEAR[1], loss=kind, deviation=0.5)
    decoder = config.build(signal=8, condition=4, hop=1, singers=2, rate=16_000)
    target, told = torch.randn(3, 8, 5), torch.randn(3, 4, 5)
    decoded = decoder(target, told, controls(3, 5))
    apart = decoded.estimate - target
    expected = 2.0 * apart.square() if kind == "squared" else 2.0 * apart.abs()
    assert torch.allclose(decoded.loss, expected.sum(1).mean(1), rtol=1e-5)
    assert torch.allclose(decoded.figure, 50.0 * apart.abs().mean((1, 2)), rtol=1e-5)
    if kind == "squared":
        density = -Normal(decoded.estimate, 0.5).log_prob(target) - math.log(0.5 * math.sqrt(2 * math.pi))
        assert torch.allclose(decoded.loss, density.sum(1).mean(1), rtol=1e-4)


@pytest.mark.parametrize(
    "config", [Framewise.Config(channels=6).scaled(0.1), Framewise.Config(layers=(8,)).scaled(0.5)]
)
def test_a_frame_is_heard_and_drawn_alone(config):
    encoder = config.build(channels=513, rate=16_000)
    decoder = Spectral.Config().scaled(0.1).build(signal=513, condition=6, hop=1, singers=2, rate=16_000)
    frames, told = torch.randn(2, 513, 4), torch.randn(2, 6, 4)
    content, drawn = encoder(frames), decoder.drawn(told)
    assert content.shape == (2, encoder.channels, 4) and drawn.shape == (2, 513, 4)
    frames[:, :, 2], told[:, :, 2] = 0.0, 0.0
    for before, after in ((content, encoder(frames)), (drawn, decoder.drawn(told))):
        changed = (before - after).abs().amax(dim=1) > 1e-4
        assert changed[:, 2].all() and changed.sum() == 2


def test_published_sizes_lead_from_513_bins_to_three_places_and_back():
    encoder = Framewise.Config().build(channels=513, rate=16_000)
    decoder = Spectral.Config().build(signal=513, condition=256, hop=1, singers=2, rate=16_000)
    assert encoder.channels == 3 * 256 and decoder.places == 19 and decoder.seed.out_features == 19 * 81


def test_frames_stay_within_their_bounds_where_they_are_bounded():
    decoder = Spectral.Config(convolutions=(), bounded=True).build(signal=8, condition=4, hop=2, singers=2, rate=16_000)
    drawn = decoder.drawn(100.0 * torch.randn(2, 4, 3))
    assert drawn.abs().max() <= 1.0 and torch.equal(drawn[:, :, ::2], drawn[:, :, 1::2])


@pytest.mark.parametrize(("fault", "cause"), [({"convolutions": (8,)}, "two and more"), ({"across": 8}, "no middle")])
def test_what_a_decoder_cannot_be_is_refused(fault, cause):
    with pytest.raises(ValueError, match=cause):
        Spectral.Config(**fault)


def test_kl_matches_its_closed_form():
    mean, log_variance = torch.randn(2, 5, 7), torch.randn(2, 5, 7)
    cloud = Normal(mean, (0.5 * log_variance).exp())
    assert torch.allclose(divergence(mean, log_variance), kl_divergence(cloud, Normal(0.0, 1.0)), atol=1e-5)
    assert divergence(torch.zeros(1), torch.zeros(1)) == 0.0
    bottleneck = Gaussian.Config(channels=5).build(channels=5)
    with torch.no_grad():
        bottleneck.cloud.weight.copy_(torch.cat([torch.eye(5), torch.zeros(5, 5)])[:, :, None])
        bottleneck.cloud.bias.zero_()
    latent = bottleneck(mean)
    assert latent.terms["kl"].item() == pytest.approx(0.5 * mean.square().sum(1).mean().item(), rel=1e-5)
    assert latent.facts["active_channels"] == 5


def test_a_latent_is_drawn_in_training_and_is_the_mean_afterwards():
    bottleneck = Gaussian.Config(channels=3).build(channels=4)
    content = torch.randn(1, 4, 1).expand(1, 4, 20_000)
    drawn = bottleneck(content).z
    mean, log_variance = bottleneck.cloud(content[:, :, :1]).chunk(2, dim=1)
    assert torch.allclose(drawn.mean(2), mean[:, :, 0], atol=0.05)
    assert torch.allclose(drawn.var(2).log(), log_variance[:, :, 0], atol=0.05)
    bottleneck.eval()
    assert torch.equal(bottleneck(content).z[:, :, :1], mean) and torch.equal(
        bottleneck(content).z, bottleneck(content).z
    )


def test_a_world_signal_is_bounded_and_sings_the_pitch_of_its_controls():
    signal = World.Config().build()
    made = Made(singers=2, samples=16_000, hop=80)(2)
    seen, residue = signal.from_wave(made.wave)
    assert seen.abs().max() <= 1.0
    told = replace(controls(2, 200), pitch=torch.full((2, 200), 330.0))
    sung = signal.to_wave(seen, residue, told)
    spectrum = torch.fft.rfft(sung[:, 4000:12_000] * torch.hann_window(8000)).abs()  # 2 Hz a bin
    comb = spectrum[:, 165::165][:, :12].sum(1)
    between = spectrum[:, 82::165][:, :12].sum(1)
    assert (comb > 5.0 * between).all()
    silent = signal.to_wave(seen, residue, replace(told, voicing=torch.zeros(2, 200)))
    noise = torch.fft.rfft(silent[:, 4000:12_000] * torch.hann_window(8000)).abs()
    assert (noise[:, 165::165][:, :12].sum(1) < 3.0 * noise[:, 82::165][:, :12].sum(1)).all()


# Critics of frames


def stand_in(bins: int, sing, singers: int = 1):
    """A model that sings whatever `sing` gives."""
    decoder = SimpleNamespace(autoregressive=False, forward=sing)
    condition = SimpleNamespace(forward=lambda z, told: z)
    signal = SimpleNamespace(channels=bins, hop=80)
    return SimpleNamespace(signal=signal, condition=condition, decoder=decoder, singers=singers, rate=16_000)


def outcome_of(target: torch.Tensor, singers: int = 1) -> Outcome:
    batch, _, frames = target.shape
    lesson = Lesson(target[:, 0], target[:, 0], torch.ones(batch), controls(batch, frames, singers))
    latent = SimpleNamespace(z=torch.zeros(batch, 1, frames))
    return Outcome(lesson, target, latent, Decoded(torch.zeros(batch), target))


def test_a_critic_of_two_gaussians_estimates_their_wasserstein_distance():
    shift = torch.tensor([1.2, -0.8, 0.5, 0.0, -1.0, 0.3, 0.0, 0.6])  # of the mean alone: so far must all mass go

    def clouds(frames: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(1, 8, frames), torch.randn(1, 8, frames) + shift[:, None]

    sung = [torch.zeros(1, 8, 1)]
    model = stand_in(8, lambda *_: Decoded(torch.zeros(1), sung[0]))
    config = FrameCritic.Config(kind="penalty", penalty=100.0, widths=(16, 32))
    critic = config.build(model=model)
    adam = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.9))
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 500)
    for _ in range(500):
        real, sung[0] = clouds(512)
        loss = critic.own_loss(outcome_of(real))
        adam.zero_grad()
        loss.backward()
        adam.step()
        decay.step()
    with torch.no_grad():
        real, fake = (cloud[0].T for cloud in clouds(50_000))
        who = torch.ones(50_000, 1)
        found = (critic.scorer(real, who).mean() - critic.scorer(fake, who).mean()).item()
    assert found == pytest.approx(shift.norm().item(), rel=0.05)


def test_the_penalty_of_a_linear_critic_is_its_closed_form():
    slope = torch.tensor([3.0, 0.0, 4.0], requires_grad=True)
    who = torch.ones(16, 1)
    loss = slope_penalty(lambda frames, _: frames @ slope, torch.randn(16, 3), torch.randn(16, 3), who)
    assert loss.item() == pytest.approx((5.0 - 1.0) ** 2, rel=1e-5)
    loss.backward()
    assert torch.allclose(slope.grad, 2 * (5.0 - 1.0) * slope.detach() / 5.0, rtol=1e-4)


def test_games_have_their_published_values():
    none, sure = torch.zeros(4), torch.full((4,), 30.0)
    assert told_apart("gan", none, none).item() == pytest.approx(math.log(4.0))
    assert told_apart("gan", sure, -sure).item() == pytest.approx(0.0, abs=1e-6)
    assert unconvinced("gan", none).item() == pytest.approx(math.log(2.0))
    assert told_apart("least_squares", torch.ones(4), none) == 0.0
    assert told_apart("least_squares", none, torch.ones(4)) == 1.0 and unconvinced("least_squares", none) == 0.5
    assert told_apart("hinge", none, none) == 2.0 and told_apart("hinge", torch.ones(4), -torch.ones(4)) == 0.0
    assert told_apart("wasserstein", sure, none) == -30.0 and unconvinced("wasserstein", sure) == -30.0


def test_each_singer_has_a_critic_and_frames_are_set_against_those_of_their_own_singer():
    asked, heard = [], []

    def sing(target, condition, told, bandwidth):
        asked.append(told)
        return Decoded(torch.zeros(3), -target)

    critic = FrameCritic.Config(widths=(4,)).build(model=stand_in(8, sing, singers=3))
    critic.scorer.forward = lambda frames, who: heard.append((frames, who)) or frames.sum(1) * 0.0
    outcome = outcome_of(torch.arange(3.0)[:, None, None].expand(3, 8, 5), singers=3)
    octave = torch.tensor([100.0, 200.0, 400.0])[:, None].expand(3, 5)
    told = replace(outcome.lesson.controls, pitch=octave)
    critic.own_loss(replace(outcome, lesson=replace(outcome.lesson, controls=told)))
    (real, whose), (sung, like_whom) = heard
    assert torch.equal(whose, like_whom)
    singers = whose.argmax(1)
    assert torch.equal(real[:, 0], singers.float())  # recordings are those of who is meant
    assert (-sung[:, 0] != singers.float()).all()  # and songs are never by their own singer
    assert torch.allclose(asked[0].pitch[:, 0], torch.tensor([400.0, 100.0, 200.0]), rtol=1e-4)


def test_weights_are_clipped_after_every_turn_and_turns_are_as_published():
    critic = FrameCritic.Config().build(model=stand_in(40, None), steps=4000)
    assert [critic.turns(step) for step in (0, 999, 1000, 1024, 1025, 1100, 1101)] == [0, 0, 100, 100, 5, 100, 5]
    assert max(weight.abs().max() for weight in critic.parameters()) > 0.01
    critic.after_turn()
    assert max(weight.abs().max().item() for weight in critic.parameters()) == pytest.approx(0.01)
    free = FrameCritic.Config(kind="penalty").build(model=stand_in(40, None))
    free.after_turn()
    assert max(weight.abs().max() for weight in free.parameters()) > 0.01


@pytest.mark.parametrize("kind", ["clipped", "penalty", "gan", "least_squares"])
def test_a_critic_learns_to_tell_frames_and_teaches_whom_it_should(kind):
    chosen = recipe("vawgan", "tiny")
    model, made = build(chosen), Made(singers=3, samples=1600, hop=80)
    config = replace(chosen.adversaries[0], kind=kind, widths=(8, 16))
    critic, lesson = config.build(model=model), made.lesson(3)
    analysis = torch.stack([model.signal.prepare(one) for one in lesson.wanted])
    outcome = model(replace(lesson, analysis=analysis))
    adam, losses = torch.optim.Adam(critic.parameters(), lr=1e-3), []
    for _ in range(12):
        losses.append(critic.own_loss(outcome))
        adam.zero_grad()
        losses[-1].backward()
        adam.step()
        critic.after_turn()
    assert losses[-1] < losses[1]  # the first clipping is no step of learning
    for teaches, reached in (("decoder", False), ("both", True)):
        critic.config = replace(config, teaches=teaches)
        model.zero_grad()
        critic.fool_loss(model(replace(lesson, analysis=analysis))).backward()
        assert any(weight.grad is not None and weight.grad.any() for weight in model.encoder.parameters()) == reached
        assert all(weight.grad is not None and weight.grad.any() for weight in model.decoder.parameters())


def test_a_critic_of_frames_is_refused_where_a_wavenet_sings():
    with pytest.raises(ConfigError, match=r"FrameCritic listens.*WaveNet sings sample after sample"):
        FrameCritic.Config().build(model=build(recipe("usvc", "tiny")))


def test_the_recipes_are_one_anothers_descendants():
    plain, vae, gan = (recipe(name) for name in ("autoencoder", "vaevc", "vawgan"))
    assert isinstance(plain.model.bottleneck, Continuous.Config) and isinstance(vae.model.bottleneck, Gaussian.Config)
    assert not plain.adversaries and not vae.adversaries and gan.weights["frame_critic"] == 5000.0
    assert isinstance(gan.model.condition, Conditioner.Config) and gan.model.condition.pitch
    assert vae.model.encoder == gan.model.encoder
    free = override(gan, "adversaries.0.kind=penalty")
    assert free.adversaries[0].kind == "penalty"
