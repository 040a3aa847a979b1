"""What is compiled for singing live computes what it stands in for, on every variant that this processor runs."""

import shutil

import numpy as np
import pytest
import torch
from torch import nn

from tests.sampling.test_columns import controls_for, model_at, sung
from vocalise.apps.live_setup import quicker
from vocalise.audio.live_pitch import LivePitch
from vocalise.errors import ConfigError
from vocalise.parts.layers import ConvNeXtStack
from vocalise.sampling.columns import by_columns
from vocalise.sampling.native import why
from vocalise.sampling.native.library import VARIABLE, core
from vocalise.sampling.native.steps import NativeSteps, exact_in_halves
from vocalise.sampling.native.sums import NativePitch, NativeShapes, NativeSums, pitch_tracker
from vocalise.sampling.steps import RuntimeSteps

# A machine with a compiler must have the module after `make setup`: there these tests run, and fail, but never skip.
LIBRARY = core()
pytestmark = pytest.mark.skipif(LIBRARY is None and not shutil.which("c++"), reason=why())
VARIANTS = LIBRARY.variants() if LIBRARY else ["none"]
SIZES = [(80, 192, 4, 2, 7, 64), (5, 7, 2, 3, 3, 9), (33, 70, 3, 1, 1, 130)]


def network_of(incoming, width, blocks, expansion, kernel, out):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        stack = ConvNeXtStack(incoming, width, blocks=blocks, expansion=expansion, kernel=kernel)
        for parameter in stack.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        return stack, nn.Linear(width, out), 3.0 * torch.randn(29, incoming)


def halved(*layers):
    """The same layers, their matrices rounded to what 16 bits hold."""
    for parameter in (parameter for layer in layers for parameter in layer.parameters()):
        if parameter.dim() == 2:
            parameter.data = parameter.data.half().float()
    return layers


@torch.no_grad()
def drawn(stack, head, told):
    return head(stack(told[None], stack.begin(1))[0])[0].numpy()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("sizes", SIZES)
def test_compiled_steps_draw_what_the_network_draws(variant, sizes, monkeypatch):
    monkeypatch.setenv(VARIABLE, variant)
    stack, head, told = network_of(*sizes)
    steps, plain = NativeSteps(stack, head), drawn(stack, head, told)
    assert not steps.half
    past, other = steps.begin(), steps.begin()
    pieces = [steps.extend(past, told[here].numpy()) for here in (slice(0, 1), slice(1, 18), slice(18, None))]
    assert np.abs(np.concatenate(pieces) - plain).max() < 1e-5 * np.abs(plain).max()
    assert np.array_equal(steps.extend(other, told.numpy()), np.concatenate(pieces))  # they share no memory


@pytest.mark.parametrize("variant", VARIANTS)
def test_numbers_whose_squares_overflow_are_bent_as_they_should_be(variant, monkeypatch):
    monkeypatch.setenv(VARIABLE, variant)
    stack, head, told = network_of(*SIZES[0])
    for block in stack.layers:
        block.widen.weight.data *= 1e20
        block.narrow.weight.data *= 1e-20
    steps, plain = NativeSteps(stack, head), drawn(stack, head, told)
    assert np.abs(steps.extend(steps.begin(), told.numpy()) - plain).max() < 1e-5 * np.abs(plain).max()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("sizes", SIZES)
def test_sixteen_bits_are_exactly_the_rounded_weights(variant, sizes, monkeypatch):
    monkeypatch.setenv(VARIABLE, variant)
    stack, head, told = network_of(*sizes)
    halves = NativeSteps(stack, head, half=True)
    whole = NativeSteps(*halved(stack, head), half=False)
    assert halves.half and not whole.half
    assert NativeSteps(stack, head).half is (variant != "portable")
    assert np.array_equal(*(one.extend(one.begin(), told.numpy()) for one in (halves, whole)))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_number_of_sixteen_bits_is_kept(variant, monkeypatch):
    monkeypatch.setenv(VARIABLE, variant)
    every = torch.arange(-(1 << 15), 1 << 15, dtype=torch.int32).to(torch.int16).view(torch.float16).float()
    every = every[every.isfinite()]  # down to the smallest that are not normal
    stack, head = halved(ConvNeXtStack(3, 1, blocks=1, expansion=1, kernel=1), nn.Linear(1, len(every)))
    stack.last.bias.data.fill_(1.0)  # a norm of one number gives what it adds: the head hears 1
    head.weight.data, head.bias.data = every[:, None].clone(), torch.zeros(len(every))
    assert exact_in_halves(stack, head)
    halves = NativeSteps(stack, head, half=True)
    assert np.array_equal(halves.extend(halves.begin(), np.ones((1, 3), np.float32))[0], every.numpy())


def test_sixteen_bits_take_half_the_memory():
    stack, head, _ = network_of(80, 256, 4, 3, 7, 64)
    halves, whole = (NativeSteps(stack, head, half=half).bytes for half in (True, False))
    assert halves == whole / 2


def test_what_is_filled_is_never_a_copy():
    stack, head, told = network_of(*SIZES[1])
    past, closed = NativeSteps(stack, head).begin(), np.empty((29, 9), np.float32)
    closed.flags.writeable = False
    wide = np.empty((58, 9), np.float32)
    for wrong in (np.empty((29, 9)), wide[::2], np.empty((9, 29), np.float32).T, closed):
        with pytest.raises(TypeError, match="incompatible"):
            past.extend(told.numpy(), wrong)
    past.extend(told.double().numpy(), wide[:29])  # what is read may be one


def test_weights_that_are_no_numbers_and_sizes_without_a_form_are_refused():
    stack, head, told = network_of(*SIZES[1])
    steps = NativeSteps(stack, head)
    for wrong in (told[:, :-1], told[0], told[None]):
        with pytest.raises(ValueError, match="told should be"):
            steps.extend(steps.begin(), wrong.numpy())
    head.weight.data[0, 0] = float("nan")
    with pytest.raises(ConfigError, match="not numbers"):
        NativeSteps(stack, head)
    with pytest.raises(ConfigError, match="kernel"):
        NativeSteps(*network_of(5, 7, 2, 3, 66, 9)[:2])


def test_sums_refuse_what_does_not_fit():
    sums = core().Sums(2, 2, 1, 0, 3, 16_000, 20.0, 4000.0, 6.0, np.ones(4, np.float32))
    column, curves = np.ones((1, 2), np.float32), np.ones((1, 9), np.float32)
    told = (column, np.ones(3, np.float32), column, np.ones(1, np.float32), curves, 0.0, np.empty((1, 2), np.float32))
    with pytest.raises(ValueError, match="shapes"):
        sums.extend(*told)
    with pytest.raises(ValueError, match="to_bins"):
        sums.reshape(np.ones((2, 3), np.float32), np.ones((3, 3), np.float32))
    sums.reshape(np.ones((3, 3), np.float32), np.ones((3, 3), np.float32))
    sums.extend(*told)
    with pytest.raises(ValueError, match="curves"):
        sums.extend(*told[:4], np.ones((9, 9), np.float32), *told[5:])
    with pytest.raises(ValueError, match="overlap"):
        core().Sums(2, 1, 1, 0, 3, 16_000, 20.0, 4000.0, 6.0, np.ones(2, np.float32))


@pytest.mark.parametrize(
    ("place", "value"),
    [(1, 120 - (1 << 31)), (1, 121), (0, 7), (2, 1), (3, 7), (4, 400), (5, 0)],  # every, step, half, first, last, hop
)
def test_sizes_that_would_leave_a_frame_are_refused_by_the_tracker(place, value):
    sizes, rate, marks, taps = LivePitch(24_000, hop=240).choices
    core().Tracker(sizes, rate, marks, taps)
    sizes[place] = value
    with pytest.raises(ValueError, match="should"):
        core().Tracker(sizes, rate, marks, taps)


def test_a_product_of_sizes_that_overflows_and_marks_that_are_no_lengths_are_refused():
    sizes, rate, marks, taps = LivePitch(24_000, hop=240).choices
    for step in (65_537, -65_535):  # times 65,536: the hop, but for the bits that do not fit
        with pytest.raises(ValueError, match="fill a hop"):
            core().Tracker([65_536, step, 40_000, 8, 100, 65_536], rate, marks, [1.0])
    for value in (float("nan"), float("inf"), 1e300):
        with pytest.raises(ValueError, match="mark"):
            core().Tracker(sizes, rate, [*marks[:10], value, *marks[11:]], taps)


def test_a_minute_of_compiled_pulses_is_in_phase_with_the_plain_ones():
    model, columns = model_at(16_000), 6000
    controls, condition = controls_for(columns), torch.zeros(1, model.condition.channels, columns)
    both = (model, by_columns(model, compiled=True))
    plain, quick = (sung(one.decoder, condition, controls, (100,)) for one in both)
    assert (quick - plain).abs().max() < 1e-4 * plain.abs().max()


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
def test_the_compiled_tracker_hears_the_same_pitch(rate):
    hop, dice, time = rate // 100, np.random.default_rng(1), np.arange(6 * rate) / rate
    phase = 2.0 * np.pi * np.cumsum(70.0 * 2.0 ** (3.5 * time / 6.0)) / rate
    tone = sum(np.sin(n * phase) / n for n in range(1, 8)) * 0.2 * (np.sin(8.0 * time) > -0.5)
    wave = np.concatenate([tone + 0.01 * dice.standard_normal(len(time)), 0.1 * dice.standard_normal(rate), 0.0 * time])
    wave = wave.astype(np.float32)[: len(wave) // hop * hop]
    plain, quick = LivePitch(rate, hop=hop), pitch_tracker(rate, hop)
    assert isinstance(quick, NativePitch)
    found = []
    for sizes, tracker in (((1, 4), plain), ((3, 1, 7), quick)):
        lines, place, number = [], 0, 0
        while place < len(wave):
            size = sizes[number % len(sizes)] * hop
            lines.append(tracker.push(wave[place : place + size]))
            place, number = place + size, number + 1
        found.append([np.concatenate(parts) for parts in zip(*lines, tracker.finish(), strict=True)])
    (pitch, voicing), (twin, flags) = found
    assert len(pitch) == len(wave) // hop and 0.3 < voicing.mean() < 0.6
    assert np.array_equal(voicing, flags)
    assert np.abs(pitch - twin).max() <= 1e-6 * pitch.max()
    with pytest.raises(ValueError, match="blocks"):
        quick.push(wave[:7])


def test_live_takes_what_is_compiled_and_the_next_best_where_nothing_is(monkeypatch):
    model = model_at(16_000)
    quick = quicker(model, 1)
    assert isinstance(quick.decoder._steps, NativeSteps) and isinstance(quick.decoder._sums, NativeSums)
    assert isinstance(quick.encoder._steps, NativeSteps) and isinstance(quick.encoder._shapes, NativeShapes)
    monkeypatch.setenv(VARIABLE, "abacus")
    assert isinstance(quicker(model, 1).decoder._steps, RuntimeSteps)
    assert isinstance(pitch_tracker(16_000, 160), LivePitch)
