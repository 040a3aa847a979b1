"""Faster networks are the same networks: held against PyTorch, whole, in pieces, and inside a model."""

import pytest
import torch

from tests.material import dice
from vocalise.errors import ConfigError, Unsupported
from vocalise.parts.contracts import Controls
from vocalise.parts.decoders import Parallel, Spectral
from vocalise.parts.encoders import Mel
from vocalise.sampling import accelerated_decoder
from vocalise.sampling.accelerate import accelerated_encoder

CHANNELS, COLUMNS = 6, 40


def decoder(rate=16_000, **sizes):
    torch.manual_seed(0)
    config = Parallel.Config(**{"width": 24, "blocks": 2, "bands": 32, **sizes})
    hands = config.build(signal=1, condition=CHANNELS, hop=rate // 100, singers=2, rate=rate).eval()
    for name, value in hands.named_parameters():  # what starts as zeros or ones would hide a mistake
        if value.ndim == 1:
            value.data += 0.3 * torch.randn(value.shape, generator=torch.Generator().manual_seed(len(name)))
    return hands


def told(batch=2, columns=COLUMNS):
    luck = torch.Generator().manual_seed(1)
    condition = torch.randn(batch, CHANNELS, columns, generator=luck)
    pitch = 220.0 * torch.exp2(torch.linspace(-0.5, 0.5, columns)).expand(batch, -1)
    level = torch.full((batch, columns), -20.0)
    return condition, Controls(torch.full((batch, 2, 1), 0.5), pitch, torch.ones(batch, columns), level)


def rough(given, wanted):
    """Root mean square of the difference, as a share of the wanted."""
    return float((given - wanted).square().mean().sqrt() / wanted.square().mean().sqrt())


@pytest.mark.parametrize(("precision", "most"), [("float32", 1e-5), ("bf16", 0.02), ("int8", 0.05)])
def test_a_faster_network_draws_the_same_curves(precision, most):
    hands = decoder()
    condition, _ = told()
    with torch.no_grad():
        wanted, pasts = hands.network(condition, hands.begin(2).pasts)
    drawn, after = accelerated_decoder(hands, precision=precision, threads=1).network(condition, hands.begin(2).pasts)
    assert rough(drawn, wanted) < most
    assert (rough(drawn, wanted) > 1e-4) == (precision != "float32")  # it really is that precision
    assert [past.shape for past in after] == [past.shape for past in pasts]
    assert all(rough(a, b) < most for a, b in zip(after, pasts, strict=True))


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_faster_decoder_sings_the_same_wave_in_the_same_type(rate):
    hands = decoder(rate)
    quick = accelerated_decoder(hands, threads=1)
    wanted, sung = (x.generate(*told(), dice(2)) for x in (hands, quick))
    assert type(quick) is Parallel and quick.lookahead == hands.lookahead
    assert sung.shape == (2, 1, COLUMNS * rate // 100)
    assert (sung - wanted).abs().max() < 1e-4 * wanted.abs().max()


def test_a_faster_decoder_streams_as_it_sings_whole():
    quick = accelerated_decoder(decoder(), threads=1)
    condition, controls = told()
    whole = quick.generate(condition, controls, dice(2))
    state, luck, parts = quick.begin(2), dice(2), []
    for start, stop in ((0, 1), (1, 2), (2, 9), (9, COLUMNS)):
        span = slice(start, stop)
        parts.append(quick.extend(state, condition[:, :, span], controls.columns(span), luck))
    parts.append(quick.finish(state, luck))
    assert (torch.cat(parts, dim=2) - whole).abs().max() < 1e-4 * whole.abs().max()


def test_whole_numbers_cost_less_than_a_decibel_in_the_filters():
    hands = decoder(width=64)
    condition, _ = told()
    with torch.no_grad():
        wanted, _ = hands.network(condition, hands.begin(2).pasts)
    drawn, _ = accelerated_decoder(hands, precision="int8", threads=1).network(condition, hands.begin(2).pasts)
    nepers = (drawn - wanted).unflatten(2, (3, -1))[:, :, (0, 2)]
    assert 8.686 * nepers.square().mean().sqrt() < 1.0


@pytest.mark.parametrize("precision", ["float32", "bf16", "int8"])
def test_the_original_and_its_weights_stay_as_they_were(precision):
    hands = decoder()
    before = {name: value.clone() for name, value in hands.state_dict().items()}
    network = hands.network
    quick = accelerated_decoder(hands, precision=precision, threads=1)
    quick.generate(*told(), dice(2))
    assert hands.network is network and quick.network is not network
    assert quick.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in hands.state_dict().items())
    assert {id(x) for x in quick.parameters()} == {id(x) for x in hands.parameters()}


def test_a_faster_encoder_hears_the_same_whole_and_in_pieces():
    torch.manual_seed(0)
    ear = Mel.Config(width=24, blocks=2, channels=5).build(channels=1, rate=16_000).eval()
    quick = accelerated_encoder(ear, threads=1)
    wave = torch.randn(2, 1, 30 * ear.hop, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        wanted, heard = ear(wave), quick(wave)
        state = quick.begin(2)
        parts = [quick.extend(state, wave[:, :, : 7 * ear.hop]), quick.extend(state, wave[:, :, 7 * ear.hop :])]
    assert rough(heard, wanted) < 1e-5
    streamed = torch.cat(parts, dim=2)
    assert rough(streamed, wanted[:, :, : streamed.shape[2]]) < 1e-5 and streamed.shape[2] == 30 - ear.ahead


def test_what_cannot_be_faster_is_refused_by_name():
    frames = Spectral.Config().scaled(0.1).build(signal=3, condition=6, hop=1, singers=2, rate=16_000)
    with pytest.raises(Unsupported, match=r"Spectral has no faster form.*Parallel.*WaveNet"):
        accelerated_decoder(frames)
    with pytest.raises(ConfigError, match="no precision 'int4'; the choices are float32, bf16, int8"):
        accelerated_decoder(decoder(), precision="int4")
    with pytest.raises(ConfigError, match="on the processor only; this model is on meta"):
        accelerated_decoder(decoder().to("meta"))


def test_missing_packages_are_named_with_their_remedy(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"pip install 'vocalise\[onnx\]', or take the precision bf16"):
        accelerated_decoder(decoder())
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"needs the package onnx: pip install 'vocalise\[onnx\]'"):
        accelerated_decoder(decoder())
    accelerated_decoder(decoder(), precision="bf16")
