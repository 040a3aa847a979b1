"""Every member of every family keeps its contract; a new part is found by these tests by itself."""

import copy
from dataclasses import replace

import pytest
import torch

from tests.material import Made, build, dice, small_excerpts
from tests.parts.conftest import little_model
from vocalise.config import members
from vocalise.parts.contracts import Adversary, Bottleneck, Condition, Decoder, Encoder, Latent, Protocol, Signal
from vocalise.recipes import RECIPES, recipe


def parts(family, *but):
    return [pytest.param(part, id=name) for name, part in members(family).items() if name not in but]


@pytest.mark.parametrize("part", parts(Signal))
def test_a_signal_returns_the_wave_at_its_length(part):
    signal = part.Config().build()
    wave = 0.4 * torch.sin(torch.arange(2 * 801 * signal.hop).view(2, -1) / 20)
    seen, residue = signal.from_wave(wave)
    assert seen.shape == (2, signal.channels, wave.shape[1] // signal.hop)
    again = signal.to_wave(seen, residue)
    assert again.shape == wave.shape
    if not signal.sings_pitch:  # a vocoder's pulses lie where they like: see parts/test_world.py
        assert (again - wave).abs().max() < 0.02
    prepared = torch.stack([signal.prepare(one) for one in wave])
    assert prepared.shape[2] == seen.shape[2] and bool(prepared.shape[1]) == bool(signal.analysis)
    assert all(torch.equal(*pair) for pair in zip(signal.from_wave(wave, prepared), (seen, residue), strict=True))


@pytest.mark.parametrize("part", parts(Encoder))
@pytest.mark.parametrize("channels", [1, 3])
def test_an_encoder_gives_one_vector_each_hop(part, channels):
    encoder = part.Config().scaled(0.1).build(channels=channels, rate=16_000).eval()
    signal = torch.randn(2, channels, 3 * encoder.hop)
    content = encoder(signal)
    assert content.shape == (2, encoder.channels, 3)
    assert torch.equal(content, encoder(signal))


@pytest.mark.parametrize("part", parts(Encoder))
def test_an_encoder_hears_no_further_than_its_context(part):
    encoder = part.Config().scaled(0.1).build(channels=1, rate=16_000).eval()
    left, right = encoder.context
    frames = 2 * (-(-left // encoder.hop) + 1) + 1
    signal = torch.randn(1, 1, frames * encoder.hop)
    middle, hop = frames // 2, encoder.hop
    before = encoder(signal)[:, :, middle]
    far = signal.clone()
    if not encoder.lead:  # one that remembers what it heard says how far its network hears
        far[..., : middle * hop - left] = 9.0
    far[..., (middle + 1) * hop + right :] = 9.0
    assert torch.allclose(encoder(far)[:, :, middle], before, atol=1e-6)
    if encoder.channels:
        felt = signal.double().requires_grad_()
        encoder.double()(felt)[:, :, middle].square().sum().backward()
        assert felt.grad[..., middle * hop - left] != 0 and felt.grad[..., (middle + 1) * hop + right - 1] != 0


def test_blank_encoder_has_no_channels():
    assert members(Encoder)["Blank"].Config().build(channels=1, rate=16_000)(torch.randn(2, 1, 1600)).shape == (2, 0, 2)


@pytest.mark.parametrize("part", parts(Bottleneck))
def test_a_bottleneck_answers_with_a_latent(part):
    bottleneck = part.Config().build(channels=5)
    content = torch.randn(2, 5, 7, requires_grad=True)
    latent = bottleneck(content)
    assert isinstance(latent, Latent)
    assert latent.z.shape == (2, bottleneck.channels, 7)
    latent.z.sum().backward()
    assert content.grad is not None and content.grad.abs().sum() > 0


@pytest.mark.parametrize("part", parts(Condition))
def test_a_condition_speaks_on_its_own_clock(part):
    made = Made(singers=3, samples=3200, hop=800)
    condition = part.Config().build(content=5, hop=800, singers=3)
    z = torch.randn(2, 5, 4)
    told = condition(z, made.controls(2))
    assert told.shape == (2, condition.channels, 4 * 800 // condition.hop)


def test_a_mixed_identity_is_a_mixture_of_voices():
    condition = members(Condition)["Conditioner"].Config(voice=6).build(content=0, hop=800, singers=3)
    made = Made(singers=3, samples=1600, hop=800)
    z = torch.zeros(3, 0, 2)
    corners = condition(z, made.controls(3))[:, :, 0]
    mixed = made.controls(3)
    mixed.identity.copy_(torch.tensor([0.25, 0.75, 0.0])[None, :, None].expand(3, -1, 1))
    assert torch.allclose(condition(z, mixed)[0, :, 0], 0.25 * corners[0] + 0.75 * corners[1], atol=1e-6)


def decoder(part, hop=40):
    return part.Config().scaled(0.1).build(signal=1, condition=6, hop=hop, singers=3, rate=16_000)


@pytest.mark.parametrize("part", parts(Decoder))
def test_a_decoder_gives_a_loss_for_each_item_and_gradients_reach_every_parameter(part):
    hands, made = decoder(part), Made(singers=3, samples=3200, hop=40)
    condition = torch.randn(3, 6, 80, requires_grad=True)
    decoded = hands(torch.rand(3, 1, 3200) - 0.5, condition, made.controls(3))
    assert decoded.loss.shape == (3,) and decoded.estimate.shape == (3, 1, 3200)
    decoded.loss.sum().backward()
    assert condition.grad is not None and condition.grad.abs().sum() > 0
    unreached = [name for name, value in hands.named_parameters() if value.grad is None or not value.grad.any()]
    assert not unreached


@pytest.mark.parametrize("part", parts(Decoder))
def test_generating_in_two_breaths_is_generating_in_one(part):
    hands, made = decoder(part).eval(), Made(singers=3, samples=400, hop=40)
    condition = torch.randn(2, 6, 6)
    controls = made.controls(2).columns(slice(0, 6))
    whole = hands.generate(condition, controls, dice(2))
    assert whole.shape == (2, 1, 240)
    luck, state = dice(2), hands.begin(2)
    spans = (slice(0, 2), slice(2, 6))
    parts = [hands.extend(state, condition[:, :, span], controls.columns(span), luck) for span in spans]
    parts += [hands.finish(state, luck)] if hands.lookahead else []
    sung = torch.cat(parts, dim=2)
    assert torch.equal(sung, whole) if hands.autoregressive else torch.allclose(sung, whole, atol=1e-6)


@pytest.mark.parametrize("part", parts(Decoder))
def test_a_stream_sings_the_same_whoever_sings_beside_it(part):
    hands, made = decoder(part).eval(), Made(singers=3, samples=200, hop=40)
    condition = torch.randn(3, 6, 3)
    controls = made.controls(3).columns(slice(0, 3))
    together = hands.generate(condition, controls, dice(3))
    alone = hands.generate(condition[1:2], controls.rows(slice(1, 2)), dice(1, seed=1))
    assert ((together[1] - alone[0]).abs() < 1e-5).float().mean() > 0.99


@pytest.mark.parametrize("part", parts(Decoder))
@pytest.mark.parametrize("odd", [0, 1])
def test_a_decoder_that_skipped_the_beginning_sings_on_as_one_that_sang_it(part, odd):
    hands = decoder(part).eval()
    columns = 8 if hands.autoregressive else 240  # more than any of the others remembers
    made = Made(singers=3, samples=40 * columns, hop=40)
    told, controls = torch.randn(2, 6, columns), made.controls(2)
    whole, luck, state = hands.generate(told, controls, dice(2)), dice(2), hands.begin(2)
    for span in [slice(0, odd), slice(odd, columns - 3)][1 - odd :]:
        assert hands.skip(state, told[:, :, span], controls.columns(span), luck) is None
    rest = [hands.extend(state, told[:, :, -3:], controls.columns(slice(columns - 3, columns)), luck)]
    rest += [hands.finish(state, luck)] if hands.lookahead else []
    sung = torch.cat(rest, dim=2)
    assert sung.shape[2] == (3 + hands.lookahead) * 40
    assert torch.allclose(sung, whole[:, :, -sung.shape[2] :], atol=1e-4)


AUTOREGRESSIVE = [one for one in parts(Decoder) if decoder(one.values[0]).autoregressive]


@pytest.mark.parametrize("part", AUTOREGRESSIVE)
@pytest.mark.parametrize("columns", [1, 3])
def test_a_renewed_stream_is_a_fresh_one_and_nobody_beside_it_notices(part, columns):
    hands, made = decoder(part).eval(), Made(singers=3, samples=360, hop=40)
    told, controls = torch.randn(3, 6, 9), made.controls(3).columns(slice(0, 9))
    luck, state = dice(3), hands.begin(3)
    before = hands.extend(state, told[:, :, :columns], controls.columns(slice(columns)), luck)
    hands.renew(state, 1)
    other = torch.Generator().manual_seed(77)
    luck = replace(luck, generators=(luck.generators[0], other, luck.generators[2]))
    rest = slice(columns, 9)
    after = hands.extend(state, told[:, :, rest], controls.columns(rest), luck)
    whole = hands.generate(told, controls, dice(3))
    assert torch.equal(torch.cat([before, after], dim=2)[[0, 2]], whole[[0, 2]])
    fresh = dice(3, seed=9)
    fresh = replace(fresh, generators=(fresh.generators[0], torch.Generator().manual_seed(77), fresh.generators[2]))
    alone = hands.generate(told[:, :, rest], controls.columns(rest), fresh)
    assert torch.equal(after[1], alone[1])
    assert not torch.equal(whole[1, :, columns * 40 :], after[1])  # it had something to forget


def test_there_are_decoders_to_renew():
    assert {one.id for one in AUTOREGRESSIVE} >= {"WaveNet", "PerSinger"}


@pytest.mark.parametrize("part", parts(Adversary))
def test_an_adversarys_own_loss_leaves_the_model_alone(part):
    model, tones = little_model(), Made(singers=3, samples=5120, hop=160)
    adversary = part.Config().scaled(0.1).build(model=model, steps=100)
    own = adversary.own_loss(model(tones.lesson(3)))
    assert own.ndim == 0 and adversary.turns(0) >= 0 and adversary.turns(99) >= 0
    if any(True for _ in adversary.parameters()):
        own.backward()
        assert any(value.grad is not None and value.grad.any() for value in adversary.parameters())
    else:
        assert not own.requires_grad  # there is nothing to update
    assert all(value.grad is None for value in model.parameters())


@pytest.mark.parametrize("part", parts(Adversary))
def test_fooling_an_adversary_teaches_the_encoder(part):
    model, tones = little_model(), Made(singers=3, samples=5120, hop=160)
    adversary = part.Config().scaled(0.1).build(model=model, steps=100)
    for _ in range(1000):  # turns enough for the model to hear of it
        adversary.after_turn()
    adversary.fool_loss(model(tones.lesson(3))).backward()
    assert any(value.grad is not None and value.grad.any() for value in model.encoder.parameters())


@pytest.mark.parametrize("part", parts(Adversary))
def test_every_adversary_takes_a_lesson_of_which_nobody_knows_the_truth(part):
    model, tones = little_model(), Made(singers=3, samples=5120, hop=160)
    adversary = part.Config().scaled(0.1).build(model=model, steps=100)
    outcome = model(replace(tones.lesson(3), paired=torch.zeros(3)))
    for loss in (adversary.own_loss(outcome), adversary.fool_loss(outcome)):
        assert loss.ndim == 0 and torch.isfinite(loss)


def test_confusion_pulls_the_latent_away_from_the_singer(made):
    model = build(recipe("usvc", "tiny"))
    adversary = members(Adversary)["SingerConfusion"].Config(dropout=0.0).build(model=model)
    lesson = made.lesson(3)
    own, fool = adversary.own_loss(model(lesson)), adversary.fool_loss(model(lesson))
    assert own.item() == pytest.approx(-fool.item(), rel=1e-5)
    flat = members(Adversary)["SingerConfusion"].Config(dropout=0.0, uniform=True).build(model=model)
    assert flat.fool_loss(model(lesson)).item() >= torch.log(torch.tensor(3.0)).item() - 1e-5


@pytest.mark.parametrize("part", parts(Protocol))
def test_a_protocol_makes_lessons_and_can_be_put_away_in_the_middle(part, made):
    model = build(recipe("usvc", "tiny"))
    protocol = part.Config().build(steps=60, batch=2, singers=3)
    steps = [step for step in range(60) if protocol.takes(step)]
    assert steps
    generator = torch.Generator().manual_seed(1)
    lesson = protocol.lesson(made, model, steps[0], generator)
    assert lesson.heard.shape == lesson.wanted.shape == (2, 3200)
    assert lesson.paired.shape == (2,) and lesson.controls.identity.shape == (2, 3, 1)
    twin = part.Config().build(steps=60, batch=2, singers=3)
    twin.restore(copy.deepcopy(protocol.state()))
    luck = generator.get_state()
    torch.manual_seed(5)
    expected = protocol.lesson(made, model, steps[1], generator)
    generator.set_state(luck)
    torch.manual_seed(5)
    found = twin.lesson(made, model, steps[1], generator)
    assert torch.equal(expected.heard, found.heard) and torch.equal(expected.wanted, found.wanted)


@pytest.mark.parametrize("name", RECIPES)
def test_no_recipe_names_a_part_that_the_contract_tests_miss(name):
    model = small_excerpts(recipe(name, "tiny")).model
    for family, config in ((Encoder, model.encoder), (Decoder, model.decoder), (Bottleneck, model.bottleneck)):
        assert type(config).part.__name__ in members(family)
