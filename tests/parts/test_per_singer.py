"""A decoder for each singer: who is chosen, who learns, and what cannot be sung."""

from dataclasses import replace

import pytest
import torch

from tests.material import Made, build, dice
from vocalise.config import from_json, to_json
from vocalise.errors import ConfigError, Unsupported
from vocalise.parts import Parallel, PerSinger, Reconstruction, WaveNet
from vocalise.recipes import recipe

SMALL = WaveNet.Config(blocks=1, layers=3, residual=4, skip=8)


def hands(singers: int = 3, decoder=SMALL) -> PerSinger:
    return PerSinger.Config(decoder=decoder).build(signal=1, condition=6, hop=40, singers=singers, rate=16_000)


def controls(count: int, columns: int = 10):
    return Made(singers=3, samples=40 * columns, hop=40).controls(count)


def test_each_row_is_sung_by_its_singers_decoder_alone():
    decoder, told = hands().eval(), torch.randn(5, 6, 10)
    target, who = torch.rand(5, 1, 400) - 0.5, controls(5)
    decoded = decoder(target, told, who)
    sung = decoder.generate(told, who, dice(5))
    for row, singer in enumerate([0, 1, 2, 0, 1]):
        span = slice(row, row + 1)
        alone = decoder.hands[singer]
        assert torch.allclose(alone(target[span], told[span], who.rows(span)).loss, decoded.loss[span])
        again = alone.generate(told[span], who.rows(span), dice(1, seed=row))
        assert ((again - sung[span]).abs() < 1e-5).float().mean() > 0.99
        other = decoder.hands[(singer + 1) % 3].generate(told[span], who.rows(span), dice(1, seed=row))
        assert ((other - sung[span]).abs() < 1e-5).float().mean() < 0.5


def test_decoders_do_not_share_a_gradient():
    decoder, who = hands(), controls(3).rows(slice(1, 2))  # the second singer alone
    decoder(torch.rand(1, 1, 400) - 0.5, torch.randn(1, 6, 10), who).loss.sum().backward()
    reached = [any(w.grad is not None and bool(w.grad.any()) for w in one.parameters()) for one in decoder.hands]
    assert reached == [False, True, False]
    shared = [set(map(id, one.parameters())) for one in decoder.hands]
    assert not (shared[0] & shared[1] | shared[1] & shared[2] | shared[0] & shared[2])


def test_a_step_moves_only_the_decoders_of_those_who_sang():
    model = build(recipe("umt", "tiny"))
    made = Made(singers=3, samples=2 * model.hop, hop=model.hop)
    before = [{k: v.clone() for k, v in one.state_dict().items()} for one in model.decoder.hands]
    adam = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(2):
        adam.zero_grad()
        model(made.lesson(1)).decoded.loss.sum().backward()  # the first singer
        adam.step()
    moved = [
        any(not torch.equal(was[name], now) for name, now in one.state_dict().items())
        for was, one in zip(before, model.decoder.hands, strict=True)
    ]
    assert moved == [True, False, False]


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.0), (0.9, 0.1, 0.0)])
def test_a_mixture_is_refused_with_what_can_mix(shares):
    decoder, who = hands(), controls(1)
    mixed = replace(who, identity=torch.tensor(shares)[None, :, None])
    told = torch.randn(1, 6, 10)
    with pytest.raises(Unsupported, match=r"knows no mixtures.*usvc"):
        decoder(torch.zeros(1, 1, 400), told, mixed)
    with pytest.raises(Unsupported, match=r"knows no mixtures.*usvc"):
        decoder.generate(told, mixed, dice(1))


def test_nobody_takes_over_in_the_middle_of_a_song():
    decoder, told = hands(), torch.randn(1, 6, 10)
    turns = torch.eye(3)[torch.arange(10) // 5].T[None]
    with pytest.raises(Unsupported, match="no changes"):
        decoder.generate(told, replace(controls(1), identity=turns), dice(1))
    state, who = decoder.begin(1), controls(2)
    decoder.extend(state, told, who.rows(slice(0, 1)), dice(1))
    with pytest.raises(Unsupported, match="no changes"):
        decoder.extend(state, told, who.rows(slice(1, 2)), dice(1))


def test_a_renewed_stream_may_have_another_singer_and_others_sing_on():
    decoder, told, luck = hands().eval(), torch.randn(4, 6, 10), dice(4)
    first, then = controls(4).rows([0, 1, 2, 0]), controls(4).rows([0, 1, 1, 2])
    state, early, late = decoder.begin(4), slice(0, 4), slice(4, 10)
    sung = [decoder.extend(state, told[:, :, early], first.columns(early), luck)]
    decoder.renew(state, 2)
    decoder.renew(state, 3)
    sung += [decoder.extend(state, told[:, :, late], then.columns(late), luck)]
    whole = decoder.generate(told, first, dice(4))
    assert ((torch.cat(sung, dim=2) - whole)[:2].abs() < 1e-5).float().mean() > 0.99
    for row, singer in ((2, 1), (3, 2)):
        used = torch.Generator().manual_seed(row)
        torch.rand(4 * 40, generator=used)
        alone = decoder.hands[singer].generate(
            told[row : row + 1, :, late],
            then.rows(slice(row, row + 1)).columns(late),
            replace(luck, generators=(used,)),
        )
        assert ((alone[0] - sung[1][row]).abs() < 1e-5).float().mean() > 0.99
    decoder.renew(state, 2)
    back = decoder.extend(state, told[:, :, late], controls(4).rows([0, 1, 2, 2]).columns(late), luck)
    assert back.shape == (4, 1, 240) and sum(len(choir.rows) for choir in state.choirs) <= 5


def test_a_decoder_that_sings_late_is_held_as_well():
    decoder = hands(decoder=Parallel.Config().scaled(0.05)).eval()
    assert decoder.lookahead and not decoder.autoregressive
    told, who = torch.randn(3, 6, 12), controls(3, 12)
    sung = decoder.generate(told, who, dice(3))
    alone = decoder.hands[2].generate(told[2:], who.rows(slice(2, 3)), dice(1, seed=2))
    assert sung.shape == (3, 1, 480) and torch.allclose(sung[2:], alone, atol=1e-5)


def test_what_cannot_be_held_is_refused_when_it_is_built():
    with pytest.raises(ValueError, match="cannot hold a decoder for each singer"):
        PerSinger.Config(decoder=PerSinger.Config())
    with pytest.raises(ValueError, match="each of 257 singers is too much"):
        hands(singers=257)
    chosen = recipe("umt", "tiny")
    with pytest.raises(ValueError, match="Backtranslation has mixtures of singers sing"):
        replace(chosen, protocols=recipe("usvc", "tiny").protocols)
    whole = to_json(chosen)
    whole["protocols"].append({"part": "Backtranslation"})
    with pytest.raises(ConfigError, match="PerSinger can sing none"):
        from_json(type(chosen), whole)
    whole["protocols"][-1]["mixing"] = False
    assert len(from_json(type(chosen), whole).protocols) == 2


def test_umt_hears_a_stretch_out_of_tune_and_should_sing_it_in_tune(made):
    chosen = recipe("umt")
    assert chosen.protocols == (Reconstruction.Config(perturb=0.5),)
    model = build(recipe("umt", "tiny"))
    lesson = (
        chosen.protocols[0].build(steps=1, batch=3, singers=3).lesson(made, model, 0, torch.Generator().manual_seed(0))
    )
    apart = (lesson.heard - lesson.wanted).abs() > 0
    shares = apart.float().mean(1)
    assert ((shares > 0.15) & (shares < 0.52)).all()
    assert lesson.controls.pitch.eq(made(3).pitch).all()


def test_umts_confusion_learns_from_the_clean_take_and_is_fooled_by_what_was_heard(made):
    chosen = recipe("umt", "tiny")
    model = build(chosen).eval()
    adversary = chosen.adversaries[0].build(model=model).eval()
    lesson = made.lesson(3)
    bent = model(replace(lesson, heard=0.3 * torch.randn_like(lesson.heard)))
    clean = model(lesson)
    assert torch.allclose(adversary.own_loss(bent), adversary.own_loss(clean))
    assert not torch.allclose(adversary.fool_loss(bent), adversary.fool_loss(clean), atol=1e-5)
    adversary.own_loss(bent).backward()
    assert all(weight.grad is None for weight in model.parameters())
    assert not any(name.startswith("encode") for name, _ in adversary.named_parameters())
