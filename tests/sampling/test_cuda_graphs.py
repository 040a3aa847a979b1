"""Steps without a host are the module's steps: in chunks, from recordings, over wraps of the rings."""

import pytest
import torch

from tests.material import dice
from tests.sampling.tape import Tape
from tests.sampling.wavenets import CHANNELS, in_breaths, told, wavenet
from vocalise.config import members
from vocalise.errors import ConfigError
from vocalise.parts.contracts import Decoder
from vocalise.sampling.cuda import GraphWaveNet, cards, fastest
from vocalise.sampling.cuda.cards import CLOSE, chosen, divergence, trial_of
from vocalise.sampling.cuda.steps import Network


def sung(decoder, *, temperature=0.8, breaths=(2, 1, 3), renewed=1, batch=3):
    luck = dice(batch, temperature=temperature)
    return in_breaths(decoder, *told(batch, sum(breaths)), luck, breaths=breaths, renewed=renewed)


@pytest.mark.parametrize("temperature", [0.0, 0.8])
@pytest.mark.parametrize("steps", [1, 3, 4, 7, 64])
@pytest.mark.parametrize("sizes", [{}, {"kernel": 3, "layers": 2}], ids=["two taps", "three taps"])
def test_chunks_of_any_size_sing_what_the_module_sings(steps, temperature, sizes):
    module = wavenet(**sizes)
    wanted = sung(module, temperature=temperature)
    assert wanted.unique().numel() > 5
    assert torch.equal(sung(GraphWaveNet(module, steps=steps), temperature=temperature), wanted)


@pytest.mark.parametrize("steps", [2, 5, 8])
def test_what_was_recorded_sings_on(steps):
    module, tape = wavenet(), Tape()
    given = sung(GraphWaveNet(module, steps=steps, recorder=tape), breaths=(5, 2, 6))
    assert torch.equal(given, sung(module, breaths=(5, 2, 6)))
    chunks = sum(4 * columns // steps for columns in (5, 2, 6))
    assert (tape.rehearsed, tape.recorded, tape.replayed) == (1, 1, chunks - 1)


def test_the_tape_repeats_numbers_that_the_host_gave(monkeypatch):
    """Else the test above could not fail: a clock that the host reads stands still in every replay."""

    def read_by_the_host(self, clock):
        times = torch.tensor(clock.tolist())
        return self.starts[:, None] + (times[:, None, None] + self.lags) % self.lengths[:, None]

    monkeypatch.setattr(Network, "slots", read_by_the_host)
    module = wavenet()
    assert torch.equal(sung(GraphWaveNet(module, steps=1)), sung(module))
    assert not torch.equal(sung(GraphWaveNet(module, steps=1, recorder=Tape())), sung(module))


def test_weights_that_learn_are_sung_from_the_same_recording():
    module, tape = wavenet(), Tape()
    twin = GraphWaveNet(module, steps=4, recorder=tape)
    before, state = sung(twin), twin.begin(3)
    condition, controls = told(3, 6)
    twin.extend(state, condition, controls, dice(3))
    with torch.no_grad():
        for value in module.parameters():
            value.add_(0.1 * torch.randn(value.shape, generator=torch.Generator().manual_seed(value.numel())))
    recorded = tape.recorded
    assert torch.equal(sung(twin), sung(module)) and not torch.equal(sung(twin), before)
    twin.extend(state, condition, controls, dice(3))
    assert tape.recorded == recorded + 2  # those of the two new states; the old one keeps its own


def test_weights_that_move_are_recorded_anew():
    module, tape = wavenet(), Tape()
    twin, other = GraphWaveNet(module, steps=4, recorder=tape), wavenet(seed=7)
    state, (condition, controls) = twin.begin(3), told(3, 6)
    twin.extend(state, condition, controls, dice(3))
    kept, address = module.mix.weight.detach().clone(), module.mix.weight.data
    for value, new in zip(module.parameters(), other.parameters(), strict=True):
        value.data = new.detach().clone()
    assert torch.equal(sung(twin), sung(other))
    assert torch.equal(address, kept)  # what was packed anew was not written over weights that somebody put aside


def test_a_different_temperature_is_recorded_anew_in_the_same_state():
    module, tape = wavenet(), Tape()
    twin, (condition, controls) = GraphWaveNet(module, steps=2, recorder=tape), told(2, 3)
    mine, theirs = twin.begin(2), module.begin(2)
    for temperature in (1.0, 0.0, 0.5, 0.0):
        luck = [dice(2, seed=3, temperature=temperature) for _ in range(2)]
        given, wanted = (
            one.extend(state, condition, controls, dies)
            for one, state, dies in zip((twin, module), (mine, theirs), luck, strict=True)
        )
        assert torch.equal(given, wanted)
    assert tape.recorded == 4


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_forced_steps_see_what_the_module_sees(precision):
    module = wavenet(residual=32, skip=32, hop=40)
    twin, (condition, _) = GraphWaveNet(module, precision=precision), told(2, 2)
    target = torch.rand(2, 1, 80, generator=torch.Generator().manual_seed(5)) - 0.5
    with torch.no_grad():
        wanted = module.logits(target, condition)
    given = twin.logits(target, condition)
    if precision == "float32":
        assert (given - wanted).abs().max() < 2e-5
    else:
        assert 1e-8 < divergence(wanted, given) < 2e-4
        assert twin.begin(1).memory.ring.dtype == torch.bfloat16


def test_bfloat16_sings_from_its_recording_what_it_sings_without():
    module = wavenet(residual=32, skip=32)
    twins = [GraphWaveNet(module, steps=4, precision="bf16", recorder=tape) for tape in (Tape(), None)]
    first, second = (sung(twin, breaths=(3, 3)) for twin in twins)
    assert torch.equal(first, second)


def test_a_twin_is_no_member_of_the_family_and_shares_its_weights():
    module = wavenet()
    twin = GraphWaveNet(module)
    assert "GraphWaveNet" not in members(Decoder) and "WaveNet" in members(Decoder)
    assert [id(value) for value in twin.parameters()] == [id(value) for value in module.parameters()]
    assert twin.state_dict().keys() == module.state_dict().keys()
    assert (twin.hop, twin.levels, twin.unit, twin.receptive_field) == (4, 250, module.unit, module.receptive_field)
    condition, controls = told(3, 6)
    target = torch.zeros(3, 1, 24)
    assert torch.equal(twin(target, condition, controls).loss, module(target, condition, controls).loss)


@pytest.mark.parametrize(
    ("batch", "channels", "luck", "words"),
    [(2, CHANNELS, 2, "this state sings"), (3, 4, 3, "this state sings"), (3, CHANNELS, 2, "2 generators for 3")],
)
def test_what_does_not_fit_the_state_is_refused(batch, channels, luck, words):
    twin = GraphWaveNet(wavenet())
    with pytest.raises(ConfigError, match=words):
        twin.extend(twin.begin(3), torch.zeros(batch, channels, 2), told(batch, 2)[1], dice(luck))


def test_a_stream_that_is_not_there_is_refused():
    twin = GraphWaveNet(wavenet())
    for row in (-1, 3):
        with pytest.raises(ConfigError, match=f"no stream {row}; there are 3"):
            twin.renew(twin.begin(3), row)


def test_choices_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError, match="0 steps"):
        GraphWaveNet(wavenet(), steps=0)
    with pytest.raises(ConfigError, match=r"int8.*float32, bf16"):
        GraphWaveNet(wavenet(), precision="int8")


def test_a_twin_that_disagrees_or_fails_is_passed_over(monkeypatch):
    module = wavenet()
    good, wrong = GraphWaveNet(module), GraphWaveNet(wavenet(seed=9))
    wrong.original = (module,)
    wrong.fingerprint = lambda: 0
    wrong._packed = (0, Network.of(wavenet(seed=9), torch.float32))
    assert trial_of(good) < 1e-6 < CLOSE < trial_of(wrong)

    def fails():
        raise RuntimeError("out of shared memory")

    assert chosen(module, [fails, lambda: wrong, lambda: good]) is good
    assert chosen(module, [fails, lambda: wrong]) is module


def test_without_a_card_the_samplers_say_so(monkeypatch):
    monkeypatch.setattr(cards.torch.cuda, "is_available", lambda: False)
    assert cards.available() is None and "no CUDA card" in cards.why()
    with pytest.raises(ConfigError, match="on cpu"):
        fastest(wavenet())
    monkeypatch.setattr(cards.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cards.torch.cuda, "get_device_name", lambda: "a card")
    monkeypatch.setattr(cards, "missing", lambda: "the package triton is not installed")
    assert cards.available() == "graph" and "CUDA graphs on a card: the package triton" in cards.why()
    monkeypatch.setattr(cards, "missing", lambda: "")
    assert cards.available() == "triton" and "Triton kernel on a card" in cards.why()


def test_a_wavenet_of_three_taps_gets_the_graph(monkeypatch):
    monkeypatch.setattr(cards, "missing", lambda: "")
    kinds = [[make.func.__name__ for make in cards.candidates(wavenet(kernel=k), "bf16")] for k in (2, 3)]
    assert kinds == [["TritonWaveNet", "GraphWaveNet"], ["GraphWaveNet"]]
