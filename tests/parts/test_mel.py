"""The encoder's ear: deaf to gain and to long-term colour, hearing as the sound comes in what it hears of the whole."""

import pytest
import torch
from torch.nn import functional as F

from vocalise.audio.filtering import curve_matrix
from vocalise.parts import Mel
from vocalise.parts.encoders import mel

RATE, HOP = 16_000, 160


def ear(seed=0, **choices):
    torch.manual_seed(seed)
    return Mel.Config(**{"width": 24, "blocks": 2, "channels": 6, "memory": 0.6, "doubt": 0.2, **choices}).build(
        channels=1, rate=RATE
    )


def singing(columns, batch=1):
    """Pulses whose colour changes every tenth of a second."""
    torch.manual_seed(1)
    time = torch.arange(columns * HOP) / RATE
    notes = torch.randint(2, 12, (batch, columns // 10 + 1)).repeat_interleave(10 * HOP, dim=1)[:, : len(time)]
    return (0.2 * torch.sin(6.28 * 200 * time) + 0.2 * torch.sin(6.28 * 200 * notes * time)).unsqueeze(1)


@pytest.mark.parametrize("memory", [0.0, 0.6])
@pytest.mark.parametrize("ahead", [0, 1, 5])
def test_hearing_as_it_comes_is_hearing_the_whole(ahead, memory):
    listener, wave = ear(ahead=ahead, memory=memory).eval(), singing(90, batch=2)
    whole = listener(wave)
    state, heard, place = listener.begin(2), [], 0
    for count in (1, 1, 5, 1, 40, 42):
        heard.append(listener.extend(state, wave[:, :, place * HOP : (place + count) * HOP]))
        place += count
        assert sum(part.shape[2] for part in heard) == max(0, place - ahead)
    heard.append(listener.extend(state, torch.zeros(2, 1, ahead * HOP)))
    assert torch.allclose(torch.cat(heard, dim=2), whole, atol=1e-4)


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_gain_does_not_matter(memory):
    listener, wave = ear(memory=memory).eval(), singing(80)
    assert torch.allclose(listener(wave), listener(0.05 * wave), atol=2e-2)


def test_a_microphone_matters_little_once_it_has_been_heard_for_a_while():
    listener, wave = ear(memory=20.0).eval(), singing(400)
    wave = wave + 0.05 * torch.randn(wave.shape)
    slope = torch.linspace(0.0, -5.0, 40) @ curve_matrix(RATE, 400 * HOP, 40)
    coloured = torch.fft.irfft(torch.fft.rfft(wave) * slope.exp(), n=wave.shape[2])
    late = slice(250, None)
    heard = [listener._heard(listener.begin(1), sound[:, 0]) for sound in (wave, coloured)]
    shapes = [shape for shape, _ in heard]
    without = (shapes[0] - shapes[1])[:, :, late].abs().mean() / shapes[0][:, :, late].std()
    normal = [listener._normalised(listener.begin(1), *one) for one in heard]
    left = (normal[0] - normal[1])[:, :, late].abs().mean() / normal[0][:, :, late].std()
    assert without > 0.3 and left < 0.3 * without


@pytest.mark.parametrize("choices", [{"warp": 0.0}, {"colour": 0.0}])
def test_training_stretches_and_colours_and_evaluation_does_not(choices):
    listener, wave = ear(**choices), singing(40)
    assert not torch.equal(listener(wave), listener(wave))
    assert torch.equal(listener.eval()(wave), listener(wave))
    still = ear(warp=0.0, colour=0.0)
    assert torch.equal(still(wave), still(wave))


def test_the_colour_that_training_adds_is_smooth_and_of_the_size_that_is_asked():
    torch.manual_seed(0)
    added = mel._colours(torch.rand(4, 500, 1, 1), 80, 4.0)
    assert added.shape == (500, 80, 1)  # one microphone throughout
    assert 6.0 < added.abs().max() <= 8.0 and added[:, :, 0].diff(dim=1).abs().max() < 1.0
    assert added.mean(dim=0).abs().max() < 0.6


def test_the_hiss_that_training_adds_is_as_loud_as_is_asked_and_leans_either_way():
    torch.manual_seed(0)
    disguise = ear(hiss=-30.0)._disguise(500)
    added = mel._hissing(torch.zeros(500, 4000), disguise)
    level = 20.0 * torch.log10(added.std(dim=1))
    assert -30.5 < level.max() < -29.5 and level.min() < -85.0
    assert level.quantile(0.5) == pytest.approx(-60.0, abs=4.0)
    spectrum = torch.fft.rfft(added).abs().square()
    leaning = torch.log(spectrum[:, :500].mean(dim=1) / spectrum[:, -500:].mean(dim=1))
    assert leaning.min() < -2.5 and leaning.max() > 2.5 and leaning.mean().abs() < 0.5


def test_hiss_is_for_training_alone_and_reaches_what_is_recalled_too():
    listener, wave = ear(warp=0.0, colour=0.0, hiss=-20.0), singing(40)
    assert not torch.equal(listener(wave), listener(wave))
    assert torch.equal(listener.eval()(wave), listener(wave))
    sums = []
    for _ in range(2):
        state = listener.train().begin(1)
        torch.manual_seed(0)
        listener.recall(state, wave)
        sums.append(state.sums)
    assert sums[0].any() and not torch.equal(*sums)


def test_without_a_memory_a_frame_depends_on_nothing_older_than_its_network():
    listener, wave = ear(memory=0.0).eval(), singing(90)
    other = wave.clone()
    other[:, :, : 20 * HOP] = 0.3 * torch.randn(1, 1, 20 * HOP)
    reach = listener.context[0] // HOP
    assert reach < 60
    assert torch.equal(listener(wave)[:, :, 20 + reach :], listener(other)[:, :, 20 + reach :])


def test_it_hears_the_same_at_every_rate_below_the_bandwidth():
    from vocalise.audio.resampling import resample

    low, wave = ear().eval(), singing(100)
    torch.manual_seed(0)
    high = Mel.Config(width=24, blocks=2, channels=6, memory=0.6, doubt=0.2).build(channels=1, rate=48_000).eval()
    again = high(resample(wave[0, 0], RATE, 48_000)[None, None, : 100 * 480])
    assert (low(wave) - again)[:, :, 5:-5].abs().mean() < 0.15 * again.std()


def test_what_is_recalled_counts_as_if_it_had_been_heard():
    listener, wave = ear(memory=5.0, warp=0.0, colour=0.0).eval(), singing(600)
    wave = wave + 0.02 * torch.randn(wave.shape)
    whole, cold = listener(wave)[:, :, 450:], listener(wave[:, :, 450 * HOP :])
    state = listener.begin(1)
    listener.recall(state, wave[:, :, : 450 * HOP])
    recalled = listener.extend(state, F.pad(wave[:, :, 450 * HOP :], (0, listener.context[1])))
    late = slice(12, None)  # past the network's own memory
    near, far = ((one - whole)[:, :, late].abs().mean() for one in (recalled, cold))
    assert near < 0.1 * whole.std() and near < 0.3 * far


@pytest.mark.parametrize("samples", [0, 100, 320, 479, 480, 5000])
def test_a_lead_of_any_length_is_recalled(samples):
    listener, wave = ear().eval(), singing(30)
    state = listener.begin(1)
    listener.recall(state, 0.1 * torch.randn(1, 1, samples))
    assert listener.extend(state, F.pad(wave, (0, listener.context[1]))).shape == (1, 6, 30)


def test_silence_before_a_song_is_as_if_it_had_not_been():
    listener, wave = ear(memory=5.0).eval(), singing(60)
    quiet = torch.cat([torch.zeros(1, 1, 200 * HOP), wave], dim=2)
    assert torch.allclose(listener(quiet)[:, :, 215:], listener(wave)[:, :, 15:], atol=1e-3)


def test_what_was_heard_long_ago_fades():
    listener, late = ear(memory=0.2).eval(), singing(300)
    slope = torch.linspace(2.0, -4.0, 40) @ curve_matrix(RATE, 100 * HOP, 40)
    early = torch.fft.irfft(torch.fft.rfft(late[:, :, : 100 * HOP]) * slope.exp(), n=100 * HOP)
    one, other = (listener(torch.cat([before, late], dim=2)) for before in (early, late[:, :, : 100 * HOP]))
    apart = (one - other).abs().mean(dim=(0, 1))
    assert apart[105:115].mean() > 20 * apart[-20:].mean()


def test_silence_is_heard_without_harm():
    heard = ear().eval()(torch.zeros(1, 1, 50 * HOP))
    assert torch.isfinite(heard).all()


def test_a_rate_that_frames_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="take a divisor"):
        Mel.Config(frames=99).build(channels=1, rate=RATE)
