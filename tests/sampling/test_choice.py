"""Which sampler sings: the fastest that serves, the one that was asked for, or a line that says why not."""

import copy

import pytest
import torch

from tests.conversion.stand_ins import voice_of
from tests.material import Made, build, dice
from vocalise.conversion import Converter
from vocalise.errors import ConfigError, Unsupported
from vocalise.parts import PerSinger, WaveNet
from vocalise.recipes import recipe
from vocalise.sampling import choice, native
from vocalise.sampling.choice import VARIABLE, announce, choice_for, chosen

CPU = torch.device("cpu")
CUDA = torch.device("cuda")


class Quick(torch.nn.Module):
    """Stands for the compiled sampler: the same WaveNet, and a note of what it was asked for."""

    autoregressive, per_singer = True, False

    def __init__(self, decoder: WaveNet, *, precision: str = "float32", threads: int | None = None) -> None:
        super().__init__()
        self._modules.update(decoder._modules)
        self.original, self.precision = (decoder,), precision
        self.hop, self.lookahead = decoder.hop, decoder.lookahead

    def begin(self, batch):
        return self.original[0].begin(batch)

    def extend(self, *told):
        return self.original[0].extend(*told)

    def renew(self, *told):
        self.original[0].renew(*told)


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a compiled sampler, and nobody's wish."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(native, "available", lambda: "avx512")
    monkeypatch.setattr(native, "why", lambda: "The compiled sampler uses avx512: it is the fastest.")
    monkeypatch.setattr(native, "NativeWaveNet", Quick)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without one."""
    monkeypatch.setattr(native, "available", lambda: None)
    monkeypatch.setattr(native, "why", lambda: "It was built without a compiler; install one.")


def test_the_fastest_sings_and_shares_all_weights() -> None:
    model = build(recipe("usvc", "tiny"))
    twin = chosen(model)
    assert isinstance(twin.decoder, Quick) and isinstance(model.decoder, WaveNet)
    assert twin.decoder.precision == choice.PRECISION
    assert twin.encoder is model.encoder and list(twin.state_dict()) == list(model.state_dict())
    assert {id(one) for one in twin.parameters()} == {id(one) for one in model.parameters()}
    assert chosen(twin) is twin


def test_every_singers_own_wavenet_is_replaced() -> None:
    model = build(recipe("umt", "tiny"))
    twin = chosen(model, precision="bf16")
    assert isinstance(twin.decoder, PerSinger) and isinstance(model.decoder.hands[0], WaveNet)
    assert [type(one) for one in twin.decoder.hands] == [Quick] * 3
    assert [one.precision for one in twin.decoder.hands] == ["bf16"] * 3
    assert list(twin.state_dict()) == list(model.state_dict())
    made = Made(singers=3, samples=800, hop=800)
    one, other = (m.convert(made(2).wave * 0 + 0.1, made.controls(2), dice(2)) for m in (model, twin))
    assert torch.equal(one, other)


def test_others_sing_as_they_did() -> None:
    model = build(recipe("aria", "tiny"))
    assert all(chosen(model, sampler) is model for sampler in (None, *choice.SAMPLERS))


def test_torch_is_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(recipe("usvc", "tiny"))
    assert chosen(model, "torch") is model
    monkeypatch.setenv(VARIABLE, "torch")
    assert chosen(model) is model
    assert isinstance(chosen(model, "auto").decoder, Quick)  # the option has the last word
    monkeypatch.setenv(VARIABLE, "")
    assert isinstance(chosen(model).decoder, Quick)


@pytest.mark.parametrize("sampler", ["natve", "", "Native", "cpu"])
def test_an_unknown_sampler_is_refused_with_the_choices(sampler: str) -> None:
    with pytest.raises(ConfigError, match=r"--sampler .* is no sampler; the choices are auto, native, cuda, torch"):
        chosen(build(recipe("usvc", "tiny")), sampler)


def test_the_variable_is_named_where_it_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "fast")
    with pytest.raises(ConfigError, match=r"VOCALISE_SAMPLER 'fast' is no sampler"):
        Converter(voice_of("usvc"))


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"precision 'half'; the choices are float32, bf16, int8"):
        chosen(build(recipe("usvc", "tiny")), precision="half")


def test_asked_for_by_name_and_not_there(bare: None) -> None:
    with pytest.raises(ConfigError, match=r"--sampler native cannot sing here: It was built.*--sampler torch.*auto"):
        chosen(build(recipe("usvc", "tiny")), "native")


def test_asked_for_on_the_wrong_device() -> None:
    with pytest.raises(ConfigError, match=r"--sampler cuda sings on cuda, and the model is on cpu: take --device cuda"):
        choice_for(CPU, "cuda")
    with pytest.raises(ConfigError, match=r"--sampler native sings on cpu, and the model is on cuda"):
        choice_for(CUDA, "native")


def test_what_serves_on_which_device(monkeypatch: pytest.MonkeyPatch) -> None:
    from vocalise.sampling import cuda

    assert [choice_for(CPU, one).kind for one in ("auto", "native", "torch")] == ["native", "native", "torch"]
    mps = choice_for(torch.device("mps"))
    assert mps.kind == "torch" and not mps.fallback
    monkeypatch.setattr(cuda, "available", lambda: "graph")
    assert choice_for(CUDA).kind == choice_for(CUDA, "cuda").kind == "cuda"
    monkeypatch.setattr(cuda, "available", lambda: None)
    assert choice_for(CUDA).kind == "torch" and choice_for(CUDA).fallback
    with pytest.raises(ConfigError, match="--sampler cuda cannot sing here"):
        choice_for(CUDA, "cuda")


def test_a_fallback_is_said_once_and_only_where_somebody_waits_for_it(bare: None) -> None:
    said: list[tuple[str, str]] = []
    progress = lambda what, done, total, note="": said.append((what, note))  # noqa: E731
    model = build(recipe("usvc", "tiny"))
    assert chosen(model) is model
    announce(model, progress)
    assert said == [
        ("notice", "The PyTorch stepper sings, many times slower: It was built without a compiler; install one.")
    ]
    announce(model, progress, "torch")
    announce(build(recipe("aria", "tiny")), progress)
    assert len(said) == 1


def test_nothing_is_said_where_nothing_is_lacking() -> None:
    announce(build(recipe("usvc", "tiny")), lambda *_: pytest.fail("somebody spoke"))


def test_sizes_without_a_compiled_form_are_sung_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Unsupported("There is no compiled form of a kernel of 9.")

    monkeypatch.setattr(native, "NativeWaveNet", refuse)
    model = build(recipe("usvc", "tiny"))
    assert chosen(model) is model
    with pytest.raises(Unsupported, match="kernel of 9"):
        chosen(model, "native")


def test_a_converter_sings_with_what_was_chosen_and_its_voice_stays_as_it_was() -> None:
    voice = voice_of("usvc", "model.decoder.blocks=1", "model.decoder.layers=3")
    converter = Converter(voice)
    assert isinstance(converter.model.decoder, Quick) and converter.voice is voice
    assert isinstance(voice.model.decoder, WaveNet)
    wave = torch.rand(1700, generator=torch.Generator().manual_seed(0)) - 0.5
    plain = Converter(voice, sampler="torch")
    assert plain.model is voice.model
    assert torch.equal(converter.convert(wave, 16_000, to="ada"), plain.convert(wave, 16_000, to="ada"))


def test_weights_that_are_loaded_later_are_those_of_the_twin() -> None:
    model = build(recipe("usvc", "tiny"))
    twin = chosen(model)
    other = copy.deepcopy(model.state_dict())
    other["decoder.out.bias"] += 1.0
    model.load_state_dict(other)
    assert torch.equal(twin.state_dict()["decoder.out.bias"], other["decoder.out.bias"])
