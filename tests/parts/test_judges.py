from dataclasses import replace

import pytest
import torch

from tests.parts.test_critics import heard, teach
from vocalise.parts import Consistency, SungBy
from vocalise.parts.contracts import Controls

STILL = {"dropout": 0.0, "colour": 0.0, "noise": 0.0, "practice": 1}


def timbre(slopes, samples=5120):
    """Noise whose spectrum falls or rises: (batch, 1, samples)."""
    spectrum = torch.fft.rfft(torch.randn(len(slopes), samples))
    place = torch.linspace(-1.0, 1.0, spectrum.shape[1])
    wave = torch.fft.irfft(spectrum * 10.0 ** (torch.tensor(slopes)[:, None] * place), n=samples)
    return (0.1 * wave / wave.std(dim=1, keepdim=True)).unsqueeze(1)


def asked(outcome, identity):
    controls = replace(outcome.lesson.controls, identity=torch.tensor(identity).unsqueeze(2))
    return replace(outcome, lesson=replace(outcome.lesson, controls=controls))


def test_a_judge_learns_singers_from_recordings_and_hears_them_in_the_song(model, sing):
    judge, outcome = SungBy.Config(width=16).build(model=model), sing()
    slopes = (-0.8, 0.0, 0.8)
    losses = teach(judge, [heard(outcome, timbre(slopes), torch.zeros(3, 1, 5120)) for _ in range(60)])
    assert losses[-1] < 0.5 * losses[0]
    judge.eval()
    judge.entry.taken = 1000
    song = heard(outcome, torch.zeros(3, 1, 5120), timbre(slopes))
    own, others = judge.fool_loss(song), judge.fool_loss(asked(song, torch.eye(3).roll(1, 0).tolist()))
    mixture = judge.fool_loss(asked(song, [[0.5, 0.0, 0.5], [0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]))
    assert own + 2.0 < others and mixture.item() == pytest.approx(0.5 * (own + others).item(), rel=1e-3)


def test_a_judge_hears_neither_level_nor_pauses(model):
    judge = SungBy.Config(**STILL).build(model=model)
    wave = timbre((0.5, 0.0, -0.5))
    wave[:, :, 2560:] = 0.0
    loud, soft = (judge._heard(level * wave, None) for level in (1.0, 0.1))
    assert (loud - soft)[:, :, :10].abs().mean() < 0.02
    assert not loud[:, :, -10:].any()
    assert loud[:, :, 2:10].abs().mean() > 0.1
    hiss = wave + 1e-4 * torch.randn_like(wave)
    assert not judge._heard(hiss, None)[:, :, -10:].any()


def test_nobody_is_known_by_the_file_format(model):
    judge = SungBy.Config(**STILL).build(model=model)
    wide = timbre((0.0, 0.0, 0.0))
    spectrum = torch.fft.rfft(wide)
    spectrum[..., spectrum.shape[-1] // 2 :] = 0.0  # nothing above 4 kHz
    narrow = torch.fft.irfft(spectrum, n=wide.shape[-1])
    mixed = torch.cat([wide[:1], narrow[1:]])
    both = [judge._heard(one, torch.tensor([8000.0, 4000.0, 4000.0])) for one in (wide, mixed)]
    assert (both[0] - both[1]).abs().mean() < 0.005
    assert (judge._heard(wide, None) - judge._heard(mixed, None)).abs().mean() > 0.2


def test_a_judge_learns_nothing_where_nobody_knows_who_sang(model, sing):
    judge, outcome = SungBy.Config(**STILL).build(model=model), sing()
    unpaired = replace(outcome, lesson=replace(outcome.lesson, paired=torch.zeros(3)))
    loss = judge.own_loss(unpaired)
    loss.backward()
    assert loss.item() == 0.0 and not any(value.grad.any() for value in judge.parameters())
    judge.after_turn()
    assert judge.fool_loss(unpaired).item() > 0.1  # but asks for whom was asked


def test_the_same_sound_heard_again_says_the_same(model, sing):
    model.eval()  # ears without luck
    adversary, outcome = Consistency.Config().build(model=model), sing()
    adversary.after_turn()
    same = heard(outcome, outcome.target, outcome.lesson.heard.unsqueeze(1))
    other = heard(outcome, outcome.target, 0.1 * torch.randn(3, 1, 5120))
    assert adversary.fool_loss(same).item() == pytest.approx(0.0, abs=1e-9)
    assert adversary.fool_loss(other).item() > 0.1


def test_consistency_is_measured_in_the_latents_own_size(model, sing):
    model.eval()  # ears without luck
    adversary = Consistency.Config().build(model=model)
    adversary.after_turn()
    outcome = sing()
    small = replace(outcome, latent=replace(outcome.latent, z=0.01 * outcome.latent.z))
    encode = adversary.encode
    expected = adversary.fool_loss(outcome).item()
    adversary.encode = lambda wave: replace(encode(wave), z=0.01 * encode(wave).z)
    assert adversary.fool_loss(small).item() == pytest.approx(expected, rel=1e-4)


def test_consistency_may_teach_the_decoder_alone(model, sing):
    model.eval()  # ears without luck
    outcome, found = sing(), []
    for teaches in ("both", "decoder"):
        adversary = Consistency.Config(teaches=teaches).build(model=model)
        adversary.after_turn()
        loss = adversary.fool_loss(outcome)
        estimate, stem = outcome.decoded.estimate, model.encoder.stack.stem.weight
        again = replace(outcome, decoded=replace(outcome.decoded, estimate=estimate.detach().requires_grad_()))
        weights = torch.autograd.grad(adversary.fool_loss(again), stem, allow_unused=True)[0]
        (slope,) = torch.autograd.grad(loss, estimate, retain_graph=True)
        found.append((loss.item(), slope, weights))
    assert found[0][0] == pytest.approx(found[1][0])
    assert torch.allclose(found[0][1], found[1][1], atol=1e-7) and found[0][1].any()
    assert found[0][2].any() and found[1][2] is None


def test_consistency_holds_no_weights_and_takes_one_turn_only(model, sing):
    adversary = Consistency.Config(start=0.5).build(model=model, steps=10)
    outcome = sing()
    assert not list(adversary.parameters()) and set(adversary.state_dict()) == {"entry._extra_state"}
    assert adversary.own_loss(outcome).item() == 0.0
    assert [adversary.turns(step) for step in (0, 4, 5)] == [0, 0, 1]
    assert adversary.fool_loss(outcome).item() == 0.0
    adversary.after_turn()
    assert adversary.turns(6) == 0 and adversary.fool_loss(outcome).item() > 0.0


def test_identity_that_moves_is_asked_for_by_its_mean(model, sing):
    judge, outcome = SungBy.Config(**STILL).build(model=model), sing()
    judge.after_turn()
    moving = torch.zeros(3, 3, 32)
    moving[:, 0, :16] = moving[:, 1, 16:] = 1.0
    controls = outcome.lesson.controls
    curve = Controls(moving, controls.pitch, controls.voicing, controls.loudness)
    over_time = replace(outcome, lesson=replace(outcome.lesson, controls=curve))
    assert judge.fool_loss(over_time).item() == pytest.approx(
        judge.fool_loss(asked(outcome, [[0.5, 0.5, 0.0]] * 3)).item(), rel=1e-5
    )
