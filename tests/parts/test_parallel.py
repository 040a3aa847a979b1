"""The parallel decoder: exact pitch, no seams, resonances that can be moved, and streams that equal the whole."""

import math

import pytest
import torch

from tests.material import dice
from vocalise.measures.joins import clicks
from vocalise.measures.tracker import track_pitch
from vocalise.parts import Parallel
from vocalise.parts.contracts import Controls

PIECES = (1, 2, 1, 7, 1, 1, 30, 1, 16)


def hands(rate=16_000, seed=0, **choices):
    torch.manual_seed(seed)
    config = Parallel.Config(**{"width": 24, "blocks": 2, "bands": 48, **choices})
    made = config.build(signal=1, condition=6, hop=rate // 100, singers=3, rate=rate)
    with torch.no_grad():
        made.network.head.weight.normal_(std=0.2)
    return made.eval()


def told(columns, pitch=200.0, voicing=None, loudness=-20.0, batch=1, **bends):
    line = torch.as_tensor(pitch).float().expand(batch, columns)
    sung = torch.ones(batch, columns) if voicing is None else voicing.expand(batch, columns)
    identity = torch.eye(3)[:1, :, None].expand(batch, -1, -1)
    return Controls(identity, line * sung, sung, torch.full((batch, columns), loudness), **bends)


def silent_breath(made):
    """The same decoder with a smooth tone and hardly any noise."""
    with torch.no_grad():
        made.network.head.weight.zero_()
        made.network.head.bias.view(-1, 3, made.bands)[:, 2] = -8.0
    return made


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"at_once": 1},
        {"at_once": 1, "ahead": 1},
        {"at_once": 3, "overlap": 4},
        {"overlap": 3, "ahead": 4},
    ],
)
def test_a_stream_in_pieces_is_the_whole(choices):
    made, columns = hands(**choices), sum(PIECES)
    condition, voicing = torch.randn(2, 6, columns), (torch.rand(2, columns) > 0.3).float()
    controls = told(columns, 100 + 300 * torch.rand(2, columns), voicing, batch=2)
    whole = made.generate(condition, controls, dice(2))
    assert whole.shape == (2, 1, columns * 160)
    state, luck, sung, place = made.begin(2), dice(2), [], 0
    for count in PIECES:
        here = slice(place, place + count)
        sung.append(made.extend(state, condition[:, :, here], controls.columns(here), luck))
        place += count
        assert sum(piece.shape[2] for piece in sung) == max(0, place - made.lookahead) * 160
    sung.append(made.finish(state, luck))
    assert torch.allclose(torch.cat(sung, dim=2), whole, atol=1e-5)


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_a_column_sounds_no_later_than_its_lookahead_allows(at_once):
    made = hands(at_once=at_once)
    condition, controls = torch.randn(1, 6, 40), told(40)
    before = made.generate(condition, controls, dice(1))
    changed = condition.clone()
    changed[:, :, 25:] = 5.0
    after = made.generate(changed, controls, dice(1))
    final = (25 - made.lookahead) * 160
    assert torch.equal(after[..., :final], before[..., :final])
    assert not torch.allclose(after[..., 25 * 160 :], before[..., 25 * 160 :], atol=1e-3)


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("pitch", [62.0, 110.0, 440.0, 1050.0])
def test_it_sings_the_pitch_that_it_is_told(rate, pitch):
    made = silent_breath(hands(rate))
    sung = made.generate(torch.zeros(1, 6, 120), told(120, pitch), dice(1))[0, 0]
    tone = torch.fft.rfft(sung[rate // 5 :].double() * torch.hann_window(len(sung) - rate // 5).double()).abs()
    place = pitch * (len(sung) - rate // 5) / rate
    near = slice(round(0.9 * place), round(1.1 * place) + 1)
    peak = int(tone[near].argmax()) + near.start
    below, at, above = (math.log(float(tone[peak + n]) + 1e-12) for n in (-1, 0, 1))
    exact = peak + 0.5 * (below - above) / (below - 2 * at + above)
    assert abs(1200 * math.log2(exact / place)) < 3.0


def test_vibrato_comes_out_as_it_went_in():
    made, columns = silent_breath(hands()), 300
    time = (torch.arange(columns) + 0.5) / 100.0
    pitch = 220.0 * 2.0 ** (torch.sin(2 * math.pi * 5.5 * time) * 80 / 1200)
    sung = made.generate(torch.zeros(1, 6, columns), told(columns, pitch), dice(1))[0, 0]
    found = track_pitch(sung, 16_000)
    wanted = 220.0 * 2.0 ** (torch.sin(2 * math.pi * 5.5 * torch.arange(len(found.pitch)) / 100.0) * 80 / 1200)
    inner = slice(20, 280)
    cents = 1200 * torch.log2(found.pitch[inner].clamp(min=1) / wanted[inner])
    assert (found.voicing[inner] > 0).all() and float(cents.abs().median()) < 10.0


def test_nothing_clicks_or_buzzes_where_voicing_changes():
    made = silent_breath(hands())
    voicing = torch.ones(1, 200)
    voicing[:, 60:90] = 0.0
    sung = made.generate(torch.zeros(1, 6, 200), told(200, 150.0, voicing), dice(1))[0, 0]
    assert not len(clicks(sung, 16_000))
    quiet = sung[66 * 160 : 84 * 160]
    assert quiet.square().mean().sqrt() < 0.01 * sung[: 50 * 160].square().mean().sqrt()


def test_a_lone_voiced_column_has_its_own_pitch_and_ends():
    voicing = torch.zeros(1, 50)
    voicing[:, 25] = 1.0
    sung = silent_breath(hands()).generate(torch.zeros(1, 6, 50), told(50, 300.0, voicing), dice(1))
    assert torch.isfinite(sung).all()
    assert sung[..., : 22 * 160].abs().max() < 1e-2 and sung[..., 25 * 160 : 26 * 160].abs().max() > 0.05


def test_it_is_as_loud_as_it_is_told():
    made = silent_breath(hands())
    loud, soft = (made.generate(torch.zeros(1, 6, 60), told(60, loudness=level), dice(1)) for level in (-10.0, -40.0))
    assert 20 * math.log10(float(loud.std() / soft.std())) == pytest.approx(30.0, abs=0.5)


def test_formants_move_and_pitch_stays():
    made = silent_breath(hands())
    with torch.no_grad():
        made.network.head.bias.view(-1, 3, made.bands)[:, 2] = -20.0
        made.network.head.bias.view(-1, 3, made.bands)[:, 0] = -((torch.arange(made.bands) - 20.0) ** 2) / 20.0
    plain, high = (made.generate(torch.zeros(1, 6, 100), told(100, 100.0, formant=by), dice(1)) for by in (0.0, 12.0))
    spectra = [torch.fft.rfft(sung[0, 0, 1600:]).abs() for sung in (plain, high)]
    hertz = 16_000 / (2 * (len(spectra[0]) - 1))
    tops = [float(spectrum.argmax()) * hertz for spectrum in spectra]
    assert tops[1] / tops[0] == pytest.approx(2.0, rel=0.12)
    lines = [spectrum[: round(2000 / hertz)] for spectrum in spectra]
    for line in lines:
        comb = [float(line[round(n * 100 / hertz)]) for n in (2, 3, 5, 8)]
        gaps = [float(line[round((n + 0.5) * 100 / hertz)]) for n in (2, 3, 5, 8)]
        assert sum(comb) > 10 * sum(gaps), (comb, gaps)


def test_breath_is_noise_and_only_noise():
    made, voicing = hands(), torch.zeros(1, 100)
    plain = made.generate(torch.zeros(1, 6, 100), told(100, voicing=voicing), dice(1))
    airy = made.generate(torch.zeros(1, 6, 100), told(100, voicing=voicing, breath=6.0), dice(1))
    assert torch.allclose(airy, plain * 10 ** (6 / 20), rtol=1e-3, atol=1e-5)


def test_a_decoder_for_waves_refuses_another_signal():
    with pytest.raises(ValueError, match="take Wave"):
        Parallel.Config().build(signal=3, condition=6, hop=160, singers=1, rate=16_000)


def test_evaluation_has_the_same_noise_every_time_and_leaves_luck_alone():
    made, target = hands(), 0.1 * torch.randn(2, 1, 3200)
    condition, controls = torch.randn(2, 6, 20), told(20, batch=2)
    before = torch.get_rng_state()
    losses = [made(target, condition, controls).loss for _ in range(2)]
    assert torch.equal(*losses) and torch.equal(before, torch.get_rng_state())
    made.train()
    assert not torch.equal(made(target, condition, controls).loss, losses[0])
