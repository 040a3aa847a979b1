"""A voice that is to sing in 8 bits tries a tune over first, and its scales come from that."""

import pytest
import torch

from tests.material import build
from vocalise.recipes import recipe
from vocalise.sampling import native
from vocalise.sampling.choice import chosen
from vocalise.sampling.rehearsal import MOST, NOTES, chosen_few, rehearsal, tune

NATIVE = pytest.mark.skipif(native.available() is None, reason="no compiled sampler")


@pytest.mark.parametrize(("rate", "hop"), [(16_000, 800), (24_000, 240), (8_000, 7)])
def test_the_tune_is_whole_columns_of_loud_and_quiet_sound(rate, hop):
    wave, pitch = tune(rate, 0.5, hop)
    assert len(wave) == len(pitch) and len(wave) % hop == 0 and 0 <= len(wave) - 0.5 * rate < hop
    assert wave.abs().max() == pytest.approx(0.7) and torch.equal(wave, tune(rate, 0.5, hop)[0])
    assert pitch.min() >= min(NOTES) * 0.999 and pitch.max() <= max(NOTES) * 1.001
    levels = wave[: len(wave) // 80 * 80].view(80, -1).square().mean(dim=1).sqrt()
    assert levels.max() > 4 * levels.min()


@pytest.mark.parametrize(("singers", "wanted"), [(1, [0]), (3, [0, 1, 2]), (16, [0, 5, 10, 15])])
def test_a_few_of_the_singers_try_it(singers, wanted):
    assert chosen_few(singers) == wanted and len(wanted) <= MOST


@pytest.mark.parametrize("name", ["usvc", "pitchnet", "wavenet", "umt"])
def test_what_is_told_is_the_same_every_time_and_differs_by_singer(name):
    model = build(recipe(name, "tiny"), 6).eval()
    told = rehearsal(model)
    assert torch.equal(told, rehearsal(model)) and torch.isfinite(told).all()
    assert told.shape[:2] == (4, model.condition.channels) and told.shape[2] * model.condition.hop >= 0.5 * model.rate
    assert torch.equal(rehearsal(model, 5)[0], told[3])
    assert torch.equal(told[0], told[3]) == (name == "umt")  # whose condition does not tell who sings


@NATIVE
@pytest.mark.parametrize("name", ["usvc", "umt"])
def test_eight_bits_are_calibrated_by_it(name):
    model = build(recipe(name, "tiny"), 2).eval()
    for precision, wanted in (("int8", True), ("bf16", False)):
        twin = chosen(model, "native", precision)
        hands = twin.decoder.hands if name == "umt" else [twin.decoder]
        assert len(hands) == (2 if name == "umt" else 1)
        for one in hands:
            assert (one.scales is not None) == wanted
            if wanted:
                plain = type(one)(one.original[0], precision="int8")
                assert not torch.equal(one.scales.heard, plain.scales.heard)
