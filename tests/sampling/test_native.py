"""The compiled sampler agrees with the module, however it is told to sing; what makes no sense is refused."""

import shutil
from dataclasses import replace

import pytest
import torch

from tests.material import build, dice
from vocalise.config import members
from vocalise.errors import ConfigError, Unsupported
from vocalise.parts import WaveNet
from vocalise.parts.contracts import Controls, Decoder
from vocalise.recipes import recipe
from vocalise.sampling.native import NativeWaveNet, available, why
from vocalise.sampling.native.library import VARIABLE, core

# A machine with a compiler must have the sampler after `make setup`: there these tests run, and fail, but never skip.
LIBRARY = core()
pytestmark = pytest.mark.skipif(LIBRARY is None and not shutil.which("c++"), reason=why())
VARIANTS = LIBRARY.variants() if LIBRARY else ["none"]
NOBODY = Controls(*(torch.zeros(0, 0) for _ in range(4)))
FORMS = {
    "published": {"blocks": 1, "layers": 6, "residual": 128, "skip": 128},
    "small": {"blocks": 2, "layers": 5, "residual": 32, "skip": 64},
    "kernel-3": {"blocks": 2, "layers": 4, "kernel": 3, "residual": 12, "skip": 20},
    "kernel-4": {"blocks": 1, "layers": 5, "kernel": 4, "residual": 48, "skip": 40, "levels": 100},
    "one-layer": {"blocks": 1, "layers": 1, "residual": 4, "skip": 300},
    "wide": {"blocks": 1, "layers": 2, "residual": 200, "skip": 512, "levels": 1000},
}


def wavenet(hop=20, **sizes):
    """A decoder whose layers matter and whose logits have a standard deviation of about 1.5."""
    decoder = WaveNet.Config(**sizes).build(signal=1, condition=5, hop=hop, singers=2, rate=16000)
    with torch.no_grad():
        for layer in decoder.stack.layers:
            layer.out.weight.mul_(2.0)
        decoder.out.weight.mul_(4.0)
    return decoder


def material(decoder, rows=2, frames=24):
    steps = frames * decoder.hop
    target = (torch.rand(rows, 1, steps) * (decoder.levels - 1)).round() / (decoder.levels - 1) - 0.5
    return target, torch.randn(rows, 5, frames)


def told(decoder, target, condition):
    with torch.no_grad():
        return decoder.logits(target, condition)


def divergence(truth, other):
    """Mean Kullback-Leibler divergence in nats."""
    known = truth.double().log_softmax(-1)
    return float((known.exp() * (known - other.double().log_softmax(-1))).sum(-1).mean())


def sung(native, condition, first=0, state=None, temperature=1.0):
    chance = dice(len(condition), seed=7 + first, temperature=temperature)
    return native.extend(state or native.begin(len(condition)), condition, NOBODY, chance)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("form", FORMS)
def test_float32_is_the_module(form, variant, monkeypatch):
    monkeypatch.setenv(VARIABLE, variant)
    decoder = wavenet(**FORMS[form])
    target, condition = material(decoder)
    truth = told(decoder, target, condition)
    assert 0.5 < truth.std() < 5.0
    found = NativeWaveNet(decoder).logits(target, condition)
    assert (found - truth).abs().max() < 2e-5 * max(1.0, float(truth.std()) / 1.5)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("precision", "bound"), [("bf16", 5e-5), ("int8", 5e-4)])
@pytest.mark.parametrize("form", ["published", "small", "kernel-3"])
def test_lower_precisions_stay_near(form, precision, bound, variant, monkeypatch):
    monkeypatch.setenv(VARIABLE, variant)
    decoder = wavenet(**FORMS[form])
    target, condition = material(decoder)
    native = NativeWaveNet(decoder, precision=precision)
    native.calibrate(condition, target)
    away = divergence(told(decoder, target, condition), native.logits(target, condition))
    assert 0.0 < away < bound


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_the_head_is_float32_in_every_precision(precision, variant, monkeypatch):
    monkeypatch.setenv(VARIABLE, variant)
    decoder = wavenet(**FORMS["small"])
    with torch.no_grad():
        for layer in decoder.stack.layers:
            layer.out.weight.zero_()  # the layers have nothing to say
    target, condition = material(decoder, frames=4)
    truth = told(decoder, target, condition)
    found = NativeWaveNet(decoder, precision=precision).logits(target, condition)
    assert truth.std() > 0.1 and (found - truth).abs().max() < 2e-5


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_the_first_layer_hears_float32_in_every_precision(precision, variant, monkeypatch):
    monkeypatch.setenv(VARIABLE, variant)
    decoder = wavenet(blocks=1, layers=1, residual=32, skip=64)
    with torch.no_grad():
        decoder.stem.linear.bias.fill_(1000.0)  # in 16 bits, steps of 4
        conv = decoder.stack.layers[0].conv.linear.weight.view(64, 2, 32)
        conv -= conv.mean(dim=2, keepdim=True)  # which does not hear the bias
    target, condition = material(decoder, frames=4)
    truth = told(decoder, target, condition)
    found = NativeWaveNet(decoder, precision=precision).logits(target, condition)
    assert truth.std() > 0.1 and (found - truth).abs().max() < 0.1


def test_given_the_same_luck_it_draws_the_same_levels():
    decoder = wavenet(**FORMS["small"])
    target, condition = material(decoder, rows=4, frames=50)
    truth, luck = told(decoder, target, condition), torch.rand(4, 1000)
    plain = torch.stack([decoder._draw(truth[:, t], luck[:, t], 1.0)[:, 0] for t in range(1000)], dim=1)
    native = NativeWaveNet(decoder)
    drawn = torch.zeros(4, 1000).numpy()
    layers, head = next(iter(native._told(condition)))[1]
    native.begin(4).streams.sing(
        layers, head, 20, 1.0, luck=luck.numpy(), sung=drawn, forced=target[:, 0].contiguous().numpy()
    )
    same = (torch.from_numpy(drawn) - decoder._signal(plain)).abs() < 1e-6
    assert same.float().mean() >= 0.999


@pytest.mark.parametrize("temperature", [1.0, 0.3, 0.0])
def test_a_song_is_the_plain_one(temperature):
    decoder = wavenet(**FORMS["small"])
    condition = torch.randn(2, 5, 10)
    plain = decoder.generate(condition, NOBODY, dice(2, 7, temperature))
    same = sung(NativeWaveNet(decoder), condition, temperature=temperature) == plain
    assert same[..., :100].all() and same.float().mean() > 0.5  # one draw on a border, and songs go apart for good


@pytest.mark.parametrize("precision", ["float32", "bf16", "int8"])
@pytest.mark.parametrize("form", ["published", "kernel-3"])
def test_a_stream_depends_on_no_other_and_on_no_thread(form, precision):
    decoder = wavenet(hop=10, **FORMS[form])
    condition = torch.randn(17, 5, 12)
    together = sung(NativeWaveNet(decoder, precision=precision, threads=1), condition)
    shared = NativeWaveNet(decoder, precision=precision, threads=2)
    assert torch.equal(sung(shared, condition), together)
    order = torch.randperm(17)
    dealt = replace(dice(1), generators=tuple(torch.Generator().manual_seed(7 + int(row)) for row in order))
    assert torch.equal(shared.extend(shared.begin(17), condition[order], NOBODY, dealt), together[order])
    for rows in (1, 2, 3):
        assert torch.equal(sung(shared, condition[3 : 3 + rows], first=3), together[3 : 3 + rows])


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("rows", [1, 3])
def test_in_pieces_it_is_the_same_song(rows, precision):
    decoder = wavenet(hop=7, **FORMS["kernel-3"])
    native = NativeWaveNet(decoder, precision=precision)
    condition, chance = torch.randn(rows, 5, 30), dice(rows, 7)
    state = native.begin(rows)
    pieces = [native.extend(state, part, NOBODY, chance) for part in condition.split([1, 3, 20, 6], dim=2)]
    assert torch.equal(torch.cat(pieces, dim=2), sung(native, condition))


def test_what_is_told_seldom_is_told_whole(monkeypatch):
    """PyTorch, whose threads wait awake, is asked for whole blocks; the pieces that are sung are cut without it."""
    decoder = wavenet(**FORMS["small"])
    native, (_, condition) = NativeWaveNet(decoder, threads=1), material(decoder, rows=2, frames=24)
    sizes = []
    original = decoder._told
    monkeypatch.setattr(decoder, "_told", lambda some: sizes.append(some.shape[2]) or original(some))
    monkeypatch.setattr("vocalise.sampling.native.decoder.AT_ONCE", 3 * 2 * decoder.hop)
    whole = sung(native, condition)
    assert sizes == [24]
    monkeypatch.setattr("vocalise.sampling.native.decoder.TOLD_AT_ONCE", 7 * 2 * (10 * 64 + 64))
    assert torch.equal(sung(native, condition), whole)
    assert sizes == [24, 6, 6, 6, 6]


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("rows", [1, 4])
def test_a_renewed_stream_begins_from_silence_and_disturbs_nobody(rows, precision):
    decoder = wavenet(hop=7, **FORMS["small"])
    native = NativeWaveNet(decoder, precision=precision)
    condition = torch.randn(rows, 5, 30)
    fresh, state, undisturbed = sung(native, condition), native.begin(rows), native.begin(rows)
    sung(native, condition[:, :, :9], state=state), sung(native, condition[:, :, :9], state=undisturbed)
    native.renew(state, rows - 1)
    after, others = sung(native, condition, state=state), sung(native, condition, state=undisturbed)
    assert torch.equal(after[-1], fresh[-1]) and not torch.equal(others[-1], fresh[-1])
    assert torch.equal(after[:-1], others[:-1])
    with pytest.raises(ConfigError, match="no stream"):
        native.renew(state, rows)


def test_weights_that_move_are_packed_again():
    decoder = wavenet(**FORMS["small"])
    native = NativeWaveNet(decoder)
    target, condition = material(decoder)
    before, state = native.logits(target, condition), native.begin(2)
    with torch.no_grad():
        decoder.mix.weight.add_(0.1)
    after = native.logits(target, condition)
    assert (after - before).abs().max() > 0.01
    assert (after - told(decoder, target, condition)).abs().max() < 5e-5
    with pytest.raises(ConfigError, match="moved"):
        sung(native, condition, state=state)
    decoder.out.bias = torch.nn.Parameter(torch.zeros_like(decoder.out.bias))
    native._modules.update(decoder._modules)
    assert (native.logits(target, condition) - told(decoder, target, condition)).abs().max() < 5e-5


def test_it_is_a_decoder_that_shares_its_weights_and_no_member_of_the_family():
    decoder = wavenet(**FORMS["small"])
    native = NativeWaveNet(decoder)
    assert {id(one) for one in native.parameters()} == {id(one) for one in decoder.parameters()}
    assert list(native.state_dict()) == list(decoder.state_dict())
    target, condition = material(decoder)
    assert torch.equal(native(target, condition, NOBODY).loss, decoder(target, condition, NOBODY).loss)
    assert isinstance(native, Decoder) and "NativeWaveNet" not in members(Decoder)
    assert (native.hop, native.levels, native.receptive_field) == (20, 256, decoder.receptive_field)


def test_a_model_sings_with_it_as_without():
    model = build(recipe("usvc", "tiny"))
    twin = model.with_decoder(NativeWaveNet(model.decoder))
    wave = 0.3 * torch.sin(torch.arange(1600) / 20)[None]
    controls = Controls(torch.full((1, 3, 1), 1 / 3), torch.full((1, 2), 220.0), torch.ones(1, 2), torch.zeros(1, 2))
    plain, native = model.convert(wave, controls, dice(1)), twin.convert(wave, controls, dice(1))
    assert plain.shape == native.shape and torch.equal(plain[:, :200], native[:, :200])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(value):
    decoder = wavenet(**FORMS["small"])
    with torch.no_grad():
        decoder.stack.layers[3].out.weight[0, 0] = value
    with pytest.raises(ConfigError, match=r"stack\.blocks\.3\.out\.weight"):
        NativeWaveNet(decoder)


@pytest.mark.parametrize(
    ("sizes", "what"),
    [({"kernel": 1}, "taps"), ({"residual": 600}, "residual"), ({"levels": 1}, "levels"), ({"kernel": 9}, "taps")],
)
def test_sizes_without_a_compiled_form_are_refused_with_a_reason(sizes, what):
    with pytest.raises(Unsupported, match=what):
        NativeWaveNet(wavenet(**{"blocks": 1, "layers": 2, "residual": 8, "skip": 8, **sizes}))


def test_what_does_not_fit_is_refused():
    native = NativeWaveNet(wavenet(**FORMS["one-layer"]))
    for shape in ((1, 5, 3), (2, 4, 3), (2, 5, 0), (2, 5)):
        with pytest.raises(ConfigError, match="does not fit"):
            sung(native, torch.zeros(shape), state=native.begin(2))
    with pytest.raises(ConfigError, match="not numbers"):
        sung(native, torch.full((1, 5, 1), float("nan")))
    for wrong in ({"precision": "float16"}, {"threads": 0}):
        with pytest.raises(ConfigError, match=r"the choices|choose"):
            NativeWaveNet(wavenet(**FORMS["one-layer"]), **wrong)


def test_arrays_that_do_not_fit_reach_no_pointer():
    library, native = core(), NativeWaveNet(wavenet(**FORMS["one-layer"]))
    streams, sink = native.begin(2).streams, torch.zeros(2, 20).numpy()
    layers, head = next(iter(native._told(torch.zeros(2, 5, 1))))[1]
    with pytest.raises(ValueError, match="layers should be"):
        streams.sing(layers[:1], head, 20, 1.0, luck=sink, sung=sink.copy())
    with pytest.raises(ValueError, match="luck should be"):
        streams.sing(layers, head, 20, 1.0, luck=sink[:, :3].copy(), sung=sink.copy())
    with pytest.raises(ValueError, match="threads"):
        library.Streams(native._model(), 2, 0)
    with pytest.raises(ValueError, match="no array stem"):
        library.Model({}, [4, 4, 2, 4], [1], 0, VARIANTS[0])
    with pytest.raises(ValueError, match="power of two"):
        weights = {"stem": (4, 2), "stem_bias": (4,), "skip_stem": (4, 2), "skip_bias": (4,), "conv": (1, 8, 8)}
        weights |= {"through": (0, 4, 4), "through_bias": (0, 4), "aside": (1, 4, 4), "mix": (4, 4), "out": (4, 4)}
        arrays = {name: torch.zeros(shape).numpy() for name, shape in (weights | {"out_bias": (4,)}).items()}
        library.Model(arrays, [4, 4, 2, 4], [3], 0, VARIANTS[0])


def test_the_variant_can_be_forced_and_the_reason_is_told(monkeypatch):
    monkeypatch.setenv(VARIABLE, "portable")
    assert available() == "portable" and VARIABLE in why()
    monkeypatch.setenv(VARIABLE, "abacus")
    assert available() is None and "'abacus'" in why()
    with pytest.raises(ConfigError, match="abacus"):
        NativeWaveNet(wavenet(**FORMS["one-layer"]))
